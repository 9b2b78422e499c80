"""The seam for time outside sessions: tests replace it, sessions never use it."""

from __future__ import annotations

import datetime as dt
import time


def now() -> dt.datetime:
    """The current time, aware, in UTC."""
    return dt.datetime.now(dt.UTC)


def monotonic() -> float:
    """Seconds on a clock that never goes back."""
    return time.monotonic()


def pause(seconds: float) -> None:
    """Wait on the calling thread."""
    time.sleep(seconds)
