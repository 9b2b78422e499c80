"""Schedules as text: what is a schedule, and what is wrong with one that is not."""

from __future__ import annotations

import re
import zoneinfo

from croniter import CroniterError, croniter

_SHORTHANDS = frozenset({"@yearly", "@annually", "@monthly", "@weekly", "@daily", "@midnight", "@hourly"})
_EVERY = re.compile(r"^@every\s+((\d+(\.\d+)?(ns|us|µs|ms|s|m|h|d))+)$")
_ZONE = re.compile(r"^(?:CRON_TZ|TZ)=(\S+)\s+(.+)$")
_FEWEST_FIELDS, _MOST_FIELDS = 5, 7
_YEAR = re.compile(r"^(\*|\d{4}([-,/]\d{1,4})*)(/\d+)?$")


def problem_of(text: str) -> str | None:
    """What is wrong with a schedule; None when nothing is."""
    text = text.strip()
    zone = _ZONE.match(text)
    if zone is not None:
        try:
            zoneinfo.ZoneInfo(zone.group(1))
        except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
            return f"there is no time zone {zone.group(1)}"
        text = zone.group(2).strip()
    if text.startswith("@every"):
        return None if _EVERY.match(text) else "@every takes a duration such as 90s, 5m or 1h30m"
    if text.startswith("@"):
        return None if text in _SHORTHANDS else f"{text} is none of {', '.join(sorted(_SHORTHANDS))}, @every"
    fields = text.split()
    if not _FEWEST_FIELDS <= len(fields) <= _MOST_FIELDS:
        return f"a schedule has 5 to 7 fields, this has {len(fields)}"
    return _cron_problem(fields)


def _cron_problem(fields: list[str]) -> str | None:
    """Five fields are minute to day of week; six add the year at the end, seven the seconds in front as well."""
    if len(fields) == _MOST_FIELDS:
        seconds, fields = fields[0], fields[1:]
        if not croniter.is_valid(f"{seconds} * * * *"):
            return f"{seconds} is not a field of seconds"
    if len(fields) == _MOST_FIELDS - 1:
        year = fields.pop()
        if not _YEAR.match(year):
            return f"{year} is not a field of years"
    try:
        croniter.expand(" ".join(fields))
    except (CroniterError, ValueError, KeyError, AttributeError) as error:
        return f"this is not a cron expression: {error}"
    return None
