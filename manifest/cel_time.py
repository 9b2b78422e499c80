"""Parts of timestamps and durations: ``getFullYear``, ``getHours``, …."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from typing import Any
from zoneinfo import ZoneInfo

from manifest.cel_convert import aware
from manifest.cel_values import EvaluationError

_OFFSET = re.compile(r"([+-]?)(\d{2}):(\d{2})", re.ASCII)
_DAYS_PER_WEEK = 7

_PARTS: dict[str, Callable[[datetime], int]] = {
    "getFullYear": lambda moment: moment.year,
    "getMonth": lambda moment: moment.month - 1,
    "getDate": lambda moment: moment.day,
    "getDayOfMonth": lambda moment: moment.day - 1,
    "getDayOfYear": lambda moment: moment.timetuple().tm_yday - 1,
    "getDayOfWeek": lambda moment: moment.isoweekday() % _DAYS_PER_WEEK,
    "getHours": lambda moment: moment.hour,
    "getMinutes": lambda moment: moment.minute,
    "getSeconds": lambda moment: moment.second,
    "getMilliseconds": lambda moment: moment.microsecond // 1000,
}
_UNITS = {
    "getHours": timedelta(hours=1),
    "getMinutes": timedelta(minutes=1),
    "getSeconds": timedelta(seconds=1),
    "getMilliseconds": timedelta(milliseconds=1),
}


def _zone(name: str) -> tzinfo:
    match = _OFFSET.fullmatch(name)
    if match is not None:
        offset = timedelta(hours=int(match[2]), minutes=int(match[3]))
        if offset < timedelta(days=1):
            return timezone(-offset if match[1] == "-" else offset)
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        raise EvaluationError(f"unknown time zone {name[:40]!r}: write Europe/Paris or +02:00") from None


def _part(getter: Callable[[datetime], int]) -> Callable[..., int]:
    def run(moment: datetime, zone: str | None = None) -> int:
        try:
            return getter(aware(moment).astimezone(UTC if zone is None else _zone(zone)))
        except OverflowError:
            raise EvaluationError("timestamp out of range in this time zone") from None

    return run


def _total(unit: timedelta) -> Callable[[timedelta], int]:
    def run(duration: timedelta) -> int:
        whole = abs(duration) // unit
        return whole if duration >= timedelta(0) else -whole

    return run


OVERLOADS: tuple[tuple[str, Callable[..., Any]], ...] = (
    *((f"timestamp.{name}() -> int", _part(getter)) for name, getter in _PARTS.items()),
    *((f"timestamp.{name}(string) -> int", _part(getter)) for name, getter in _PARTS.items()),
    *((f"duration.{name}() -> int", _total(unit)) for name, unit in _UNITS.items()),
)
