"""Schedules: any text is one, or is told why it is none. Temporal's own verdicts are in the integration tests."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from manifest import schedules

FIELD = st.text("0123456789*/,-?#LRH ", max_size=8) | st.sampled_from(["MON", "jan", "*", "*/0", "99"])


@given(st.text(max_size=60))
def test_schedules_never_crash_on_text(text):
    """The answer is None or a reason."""
    assert schedules.problem_of(text) is None or schedules.problem_of(text)


@given(st.lists(FIELD, min_size=5, max_size=7))
def test_schedules_never_crash_on_fields(fields):
    """Nor on what nearly is a schedule."""
    text = " ".join(fields)
    assert schedules.problem_of(text) == schedules.problem_of(f"  {text} ")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("* * *", "5 to 7 fields, this has 3"),
        ("* * * * * * * *", "5 to 7 fields, this has 8"),
        ("@evry 5m", "@evry 5m is none of"),
        ("@every 1h 30m", "@every takes a duration"),
        ("@every5m", "@every takes a duration"),
        ("@every 0s", "@every takes a second or more"),
        ("@every 1.5s", "@every takes whole seconds"),
        ("@every 500000d", "no more than a hundred years"),
        ("CRON_TZ=Nowhere/Town @daily", "there is no time zone Nowhere/Town"),
        ("CRON_TZ= 0 9 * * *", "there is no time zone"),
        ("CRON_TZ=Oslo @daily", "there is no time zone Oslo: did you mean Europe/Oslo?"),
        ("CRON_TZ=europe/olso @daily", "did you mean Europe/Oslo?"),
        ("CRON_TZ=NewYork @daily", "did you mean America/New_York?"),
        ("TZ=../../etc/passwd * * * * *", "there is no time zone ../../etc/passwd"),
        ("0 0 1 1 * soon", "soon is not a field of years, which go from 2000 to 2100"),
        ("61 * * * * * *", "61 is not a field of seconds, which go from 0 to 59"),
        ("0 25 * * *", "25 is not a field of hours"),
        ("0 9 L * *", "L is not a field of days of the month"),
        ("0 9 * * 1#2", "# has no meaning"),
        ("R * * * *", "R is not a field of minutes"),
        ("0 0 30 2 *", "it would never fire"),
    ],
)
def test_reasons_name_what_is_wrong(text, reason):
    """A person sees which part to correct."""
    assert reason in schedules.problem_of(text)


@pytest.mark.parametrize(
    ("text", "pointed_at"),
    [
        ("0 9 L * *", "L * *"),
        ("  0 9 * * 1#2", "#2"),
        ("R * * * *", "R * * * *"),
        ("CRON_TZ=UTC 0 25 * * *", "25 * * *"),
        ("CRON_TZ=Nowhere/Town @daily", "Nowhere/Town @daily"),
        ("@every 0s", "0s"),
        ("@every  5m/soon", "soon"),
        ("@every5m", "5m"),
        ("0 0 30 2 *", "30 2 *"),
        ("@evry 5m", "@evry 5m"),
        ("* * *", "* * *"),
    ],
)
def test_problems_point_at_the_part_that_is_wrong(text, pointed_at):
    """The offset is that of the field, the duration or the zone."""
    offset, _ = schedules.find_problem(text)
    assert text[offset:] == pointed_at


@pytest.mark.parametrize("unit", ["s", "m", "h", "d"])
def test_intervals_take_every_unit(unit):
    """From seconds to days, one after another."""
    assert schedules.problem_of(f"@every 1{unit}2{unit}") is None


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("90s", 90),
        ("1h30m", 5400),
        ("1500ms500ms", 2),
        ("1d", 86400),
        ("1.5m", 90),
        ("1.5s", None),
        ("5", None),
    ],
)
def test_durations_in_seconds(text, seconds):
    """What is no duration, or none of whole seconds, is None."""
    assert schedules.seconds_of(text) == seconds
