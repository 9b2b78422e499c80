"""Times on the command line."""

from __future__ import annotations

import datetime as dt

import pytest

from worker import clock
from worker.cli.times import moment_of
from worker.errors import UsageError

NOW = dt.datetime(2026, 3, 1, 12, tzinfo=dt.UTC)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("90s", NOW - dt.timedelta(seconds=90)),
        ("2h", NOW - dt.timedelta(hours=2)),
        ("1.5 d ago", NOW - dt.timedelta(days=1.5)),
        ("2026-01-31T18:00+00:00", dt.datetime(2026, 1, 31, 18, tzinfo=dt.UTC)),
        ("", None),
    ],
)
def test_moment_of(text, expected, monkeypatch):
    """So long ago, or a date."""
    monkeypatch.setattr(clock, "now", lambda: NOW)
    assert moment_of(text) == expected


def test_a_time_without_a_date_is_the_last_one(monkeypatch):
    """Today when it was already, else yesterday; as the clock on the wall shows it."""
    here = NOW.astimezone()
    monkeypatch.setattr(clock, "now", lambda: NOW)
    past, coming = here - dt.timedelta(minutes=5), here + dt.timedelta(minutes=5)
    assert moment_of(f"{past:%H:%M}") == past.replace(second=0).astimezone(dt.UTC)
    assert moment_of(f"{coming:%H:%M:%S}") == (coming - dt.timedelta(days=1)).astimezone(dt.UTC)
    with pytest.raises(UsageError):
        moment_of("25:00")


def test_moment_of_nonsense_says_what_is_taken():
    """As an error of usage."""
    with pytest.raises(UsageError, match="2h, 3d, 18:00, 2026-01-31"):
        moment_of("yesterday-ish")
