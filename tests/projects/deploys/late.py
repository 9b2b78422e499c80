"""Imported at the very end of a session, long after the next deployments."""

from version import VERSION
