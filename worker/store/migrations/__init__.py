"""Numbered, additive changes of the schema: ``m0001_name.py`` with ``upgrade(connection)``; never edited once released."""

from __future__ import annotations
