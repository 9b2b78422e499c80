"""Conversions of the ``time`` module that read no clock: the session gives the moment."""

from __future__ import annotations

import time


def local(seconds: float) -> time.struct_time:
    """The local time of a moment, in the zone of the process (``TZ`` of the project)."""
    return time.localtime(seconds)
