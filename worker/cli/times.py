"""Times on the command line: ``2h``, ``3d``, ``2026-01-31``, ``2026-01-31 18:00``."""

from __future__ import annotations

import datetime as dt
import re

from worker import clock
from worker.errors import UsageError

_AGO = re.compile(r"(\d+(?:\.\d+)?)\s*(s|m|h|d|w)")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_MINUTE, _HOUR, _DAY = 60.0, 3600.0, 86400.0


def moment_of(text: str) -> dt.datetime | None:
    """The moment a text means; None for no text.

    Raises:
        UsageError: it is neither so long ago nor a date.
    """
    if not text:
        return None
    ago = _AGO.fullmatch(text.strip().removesuffix(" ago"))
    try:
        if ago is not None:
            return clock.now() - dt.timedelta(**{_UNITS[ago[2]]: float(ago[1])})
        found = dt.datetime.fromisoformat(text.strip())
    except (ValueError, OverflowError):
        raise UsageError(
            f"{text!r} is no time", hint="Write 90s, 5m, 2h, 3d, 2026-01-31 or '2026-01-31 18:00'."
        ) from None
    return found.astimezone(dt.UTC)


def length(seconds: float) -> str:
    """A duration as a person says it: ``12 ms``, ``3.2 s``, ``5 min 20 s``, ``2 h 5 min``, ``3 d 4 h``."""
    if seconds < 0.0995:
        return f"{max(seconds, 0) * 1000:.0f} ms"
    if seconds < _MINUTE - 0.05:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    for big, small, names in ((_DAY, _HOUR, "d h"), (_HOUR, _MINUTE, "h min"), (_MINUTE, 1.0, "min s")):
        if whole >= big:
            high, low = divmod(whole, int(big))
            first, second = names.split()
            rest = int(low // small)
            return f"{high} {first}" + (f" {rest} {second}" if rest else "")
    return f"{whole} s"
