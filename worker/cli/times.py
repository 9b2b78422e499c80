"""Times on the command line: ``2h``, ``3d``, ``02:00``, ``2026-01-31``, ``2026-01-31 18:00``."""

from __future__ import annotations

import datetime as dt
import re

from worker import clock
from worker.errors import UsageError

_AGO = re.compile(r"(\d+(?:\.\d+)?)\s*(s|m|h|d|w)")
_TODAY = re.compile(r"\d?\d:\d\d(:\d\d)?")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


def moment_of(text: str) -> dt.datetime | None:
    """The moment a text means; None for no text. A time without a date is the last one there was.

    Raises:
        UsageError: it is neither so long ago nor a date.
    """
    if not text:
        return None
    ago = _AGO.fullmatch(text.strip().removesuffix(" ago"))
    try:
        if ago is not None:
            return clock.now() - dt.timedelta(**{_UNITS[ago[2]]: float(ago[1])})
        if _TODAY.fullmatch(text.strip()):
            return _last(dt.time.fromisoformat(text.strip().zfill(8 if text.count(":") > 1 else 5)))
        found = dt.datetime.fromisoformat(text.strip())
    except (ValueError, OverflowError):
        raise UsageError(
            f"{text!r} is no time", hint="Write 90s, 5m, 2h, 3d, 18:00, 2026-01-31 or '2026-01-31 18:00'."
        ) from None
    return found.astimezone(dt.UTC)


def period(since: str, until: str) -> tuple[dt.datetime | None, dt.datetime | None]:
    """What two texts mean.

    Raises:
        UsageError: one of them is no time, or nothing lies between them.
    """
    begin, end = moment_of(since), moment_of(until)
    if begin is not None and end is not None and begin > end:
        raise UsageError(
            f"--since {since} is after --until {until}", hint="Example: `--since 2h --until 1h`."
        )
    return begin, end


def _last(time: dt.time) -> dt.datetime:
    """The last moment at which it was so late here: today, or yesterday."""
    now = clock.now().astimezone()
    found = dt.datetime.combine(now.date(), time).astimezone()
    if found > now:
        found = dt.datetime.combine(now.date() - dt.timedelta(days=1), time).astimezone()
    return found.astimezone(dt.UTC)
