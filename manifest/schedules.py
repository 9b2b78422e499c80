"""Schedules as text: what is a schedule, and what is wrong with one that is not.

The grammar is that of Temporal's server, which is what fires them: five fields (minute, hour, day of month, month, day of
week), six with the year at the end, seven with the seconds in front as well; ``@daily`` and the like; ``@every`` with
whole seconds and perhaps a phase; a time zone in front. What Temporal would take for a comment is refused, since no
one who writes ``1#2`` means every Monday.
"""

from __future__ import annotations

import calendar
import difflib
import re
import zoneinfo
from fractions import Fraction
from typing import Final

SHORTHANDS: Final = frozenset(
    {"@yearly", "@annually", "@monthly", "@weekly", "@daily", "@midnight", "@hourly"}
)
OPTIONS: Final = ("timezone", "overlap", "catchup", "jitter")  # keys of a trigger beside ``schedule``
OVERLAPS: Final = ("skip", "buffer_one", "buffer_all", "cancel_other", "terminate_other", "allow_all")
_DURATION: Final = re.compile(r"(?:\d+(?:\.\d+)?(?:ns|us|µs|μs|ms|s|m|h|d))+")
_PART: Final = re.compile(r"(\d+(?:\.\d+)?)(ns|us|µs|μs|ms|s|m|h|d)")
_SECONDS: Final = {
    "ns": Fraction(1, 10**9),
    **dict.fromkeys(("us", "µs", "μs"), Fraction(1, 10**6)),
    "ms": Fraction(1, 1000),
    "s": Fraction(1),
    "m": Fraction(60),
    "h": Fraction(3600),
    "d": Fraction(86400),
}
_LONGEST_SECONDS: Final = 100 * 366 * 86400
_ZONE: Final = re.compile(r"(?:CRON_TZ|TZ)=(\S*)\s+(.+)")
_MONTHS: Final = tuple(name.lower() for name in calendar.month_name)
_DAYS: Final = ("sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday")
_SHORTEST_NAME: Final = 2
_ZONES_ALIKE: Final = 0.8  # of 1
_FIELDS: Final = (
    ("seconds", 0, 59, ()),
    ("minutes", 0, 59, ()),
    ("hours", 0, 23, ()),
    ("days of the month", 1, 31, ()),
    ("months", 1, 12, _MONTHS),
    ("days of the week", 0, 7, _DAYS),
    ("years", 2000, 2100, ()),
)
_FEWEST_FIELDS, _MOST_FIELDS = 5, 7


def problem_of(text: str) -> str | None:
    """What is wrong with a schedule; None when nothing is."""
    found = find_problem(text)
    return None if found is None else found[1]


def find_problem(text: str) -> tuple[int, str] | None:
    """Where in the text of a schedule something is wrong, and what; None when nothing is."""
    start = len(text) - len(text.lstrip())
    text = text.rstrip()
    zone = _ZONE.fullmatch(text, start)
    if zone is not None:
        problem = zone_problem(zone.group(1))
        if problem is not None:
            return zone.start(1), problem
        start = zone.start(2)
    body = text[start:]
    if body.startswith("@every"):
        return _interval_problem(text, start + len("@every"))
    if body.startswith("@"):
        wrong = body not in SHORTHANDS
        return (start, f"{body} is none of {', '.join(sorted(SHORTHANDS))}, @every") if wrong else None
    if "#" in body:
        what = "# has no meaning in a schedule: Temporal would take what follows for a comment"
        return text.index("#", start), what
    fields = list(re.finditer(r"\S+", body))
    if not _FEWEST_FIELDS <= len(fields) <= _MOST_FIELDS:
        return start, f"a schedule has 5 to 7 fields, this has {len(fields)}"
    return _fields_problem([(start + field.start(), field[0]) for field in fields])


def zone_problem(name: str) -> str | None:
    """What is wrong with the name of a time zone; None when nothing is."""
    try:
        zoneinfo.ZoneInfo(name)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        near = _near_zone(name)
        return f"there is no time zone {name}" + (f": did you mean {near}?" if near else "")
    return None


def _near_zone(name: str) -> str:
    """The time zone that is probably meant: spelt alike, or that of the city of this name; empty when none is."""
    known = sorted(zoneinfo.available_timezones())
    by_name = {zone.lower(): zone for zone in known}
    by_city = {zone.rpartition("/")[2].lower(): zone for zone in known}
    wanted = name.strip().replace(" ", "_").lower()
    for text, zones in ((wanted, by_name), (wanted.rpartition("/")[2], by_city)):
        near = difflib.get_close_matches(text, zones, 1, _ZONES_ALIKE)
        if near:
            return zones[near[0]]
    return ""


def zone_of(text: str) -> str:
    """The time zone that a schedule begins with; empty when it names none."""
    found = _ZONE.fullmatch(text.strip())
    return found.group(1) if found is not None else ""


def seconds_of(text: str) -> int | None:
    """A duration such as ``90s`` or ``1h30m`` in whole seconds; None when it is none, or not whole."""
    if _DURATION.fullmatch(text) is None:
        return None
    total = sum((Fraction(number) * _SECONDS[unit] for number, unit in _PART.findall(text)), Fraction(0))
    return int(total) if total.denominator == 1 and total <= _LONGEST_SECONDS else None


def _interval_problem(text: str, start: int) -> tuple[int, str] | None:
    if not text[start:][:1].isspace():
        return start, "@every takes a duration such as 90s, 5m or 1h30m"
    every, slash, phase = text[start:].strip().partition("/")
    for part in [every, phase] if slash else [every]:
        at = text.index(part, start)
        if _DURATION.fullmatch(part) is None:
            return at, "@every takes a duration such as 90s, 5m or 1h30m"
        if seconds_of(part) is None:
            return at, "@every takes whole seconds, and no more than a hundred years"
    if not seconds_of(every):
        return text.index(every, start), "@every takes a second or more"
    return None


def _fields_problem(fields: list[tuple[int, str]]) -> tuple[int, str] | None:
    kinds = _FIELDS[1:6] if len(fields) == _FEWEST_FIELDS else _FIELDS[-len(fields) :]
    values: dict[str, set[int]] = {}
    places: dict[str, int] = {}
    for (at, text), (name, low, high, names) in zip(fields, kinds, strict=True):
        found = _values(text, low, high, names)
        if found is None:
            return at, f"{text} is not a field of {name}, which go from {low} to {high}"
        values[name], places[name] = found, at
    shortest_day = min(values["days of the month"])
    if all(shortest_day > calendar.monthrange(2000, month)[1] for month in values["months"]):
        return places["days of the month"], "no month that it names has such a day: it would never fire"
    return None


def _values(text: str, low: int, high: int, names: tuple[str, ...]) -> set[int] | None:
    """All the values of a field; None when it is none."""
    found: set[int] = set()
    for item in text.split(","):
        span, slash, step_text = item.partition("/")
        step = int(step_text) if step_text.isascii() and step_text.isdigit() else 0
        if slash and step < 1:
            return None
        if span == "*":
            first, last = low, high
        else:
            begin, dash, end = span.partition("-")
            first = _number(begin, names)
            last = _number(end, names) if dash else (high if slash else first)
        if first < low or last > high or last < first:
            return None
        found |= set(range(first, last + 1, step or 1))
    return found


def _number(text: str, names: tuple[str, ...]) -> int:
    """A number or the beginning of a name; -1 when it is neither."""
    if text.isascii() and text.isdigit():
        return int(text)
    if len(text) >= _SHORTEST_NAME:
        for number, name in enumerate(names):
            if name and name.startswith(text.lower()):
                return number
    return -1
