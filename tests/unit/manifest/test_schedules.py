"""Schedules: any text is one, or is told why it is none."""

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
        ("CRON_TZ=Nowhere/Town @daily", "there is no time zone Nowhere/Town"),
        ("TZ=../../etc/passwd * * * * *", "there is no time zone ../../etc/passwd"),
        ("0 0 1 1 * soon", "soon is not a field of years"),
        ("61 * * * * * *", "61 is not a field of seconds"),
        ("0 25 * * *", "this is not a cron expression"),
    ],
)
def test_reasons_name_what_is_wrong(text, reason):
    """A person sees which part to correct."""
    assert reason in schedules.problem_of(text)


@pytest.mark.parametrize("unit", ["ns", "us", "µs", "ms", "s", "m", "h", "d"])
def test_intervals_take_every_unit(unit):
    """From nanoseconds to days, with fractions, one after another."""
    assert schedules.problem_of(f"@every 1.5{unit}2{unit}") is None
