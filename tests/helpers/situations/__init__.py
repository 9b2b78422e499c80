"""Situations that no single command makes, each made for real; the first line of a function stands on the page."""
