"""What is proposed where types do not fit, and that every proposal has a value."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from manifest import filters

DATA = {
    "digits": "12",
    "half": "1.5",
    "word": "abc",
    "flag": "true",
    "yes": True,
    "n": 7,
    "f": 2.5,
    "nothing": None,
    "labels": ["bug", "ui"],
    "user": {"name": "ann"},
    "at": "2026-11-28T20:00:00Z",
    "took": "90s",
}
NEW_YEAR = 'timestamp("2026-01-01T00:00:00Z")'


def proposed(text: str) -> str:
    """What stands behind ``write`` in the first note that proposes something."""
    notes = [part.note for part in filters.explain(text, DATA, "post").parts]
    return next((note.partition(": write ")[2] for note in notes if ": write " in note), "")


@pytest.mark.parametrize(
    ("text", "better"),
    [
        ("data.digits > 3", "int(data.digits) > 3"),
        ("3 <= data.digits", "3 <= int(data.digits)"),
        ("data.half > 1", "double(data.half) > 1"),
        ('data.n > "3"', "data.n > 3"),
        ('data.f < "3.5"', "data.f < 3.5"),
        ("data.word > 3", ""),
        ("data.digits + 1 == 13", "data.digits + string(1)"),
        ("data.digits * 2 > 3", "int(data.digits) * 2"),
        ('data.n == "7"', "data.n == 7"),
        ("data.digits == 12", 'data.digits == "12"'),
        ("data.digits == data.n", "int(data.digits) == data.n"),
        ("data.word == 12", ""),
        ('data.yes == "true"', "data.yes == true"),
        ("data.flag == true", 'data.flag == "true"'),
        ("data.flag != data.yes", "data.flag != string(data.yes)"),
        ("data.nothing > 3", "data.nothing != null && data.nothing > 3"),
        ('data.nothing.startsWith("x")', 'data.nothing != null && data.nothing.startsWith("x")'),
        (f"data.at > {NEW_YEAR}", f"timestamp(data.at) > {NEW_YEAR}"),
        (f"data.at == {NEW_YEAR}", f"timestamp(data.at) == {NEW_YEAR}"),
        ('data.took > duration("1m")', 'duration(data.took) > duration("1m")'),
        ("data.at.getHours() == 20", "timestamp(data.at).getHours()"),
        ('"a" in data.word', 'data.word.contains("a")'),
        ('data.labels.contains("bug")', '"bug" in data.labels'),
        ('data.labels.startsWith("b")', 'data.labels.exists(x, x.startsWith("b"))'),
        ('data.n.startsWith("7")', 'string(data.n).startsWith("7")'),
        ("data.word.contains(data.n)", "data.word.contains(string(data.n))"),
        ("data.labels > 1", "size(data.labels) > 1"),
        ("data.flag", 'data.flag == "true"'),
        ("data.word", 'data.word != ""'),
        ("data.n", "data.n != 0"),
        ("data.user", "size(data.user) > 0"),
        ("data.nothing", "data.nothing != null"),
        ("!data.flag", 'data.flag == "true"'),
        ("data.yes && data.labels", "size(data.labels) > 0"),
        ("data.flag ? true : false", 'data.flag == "true"'),
        ("data.labels.exists(l, l > 3)", ""),
        ("size(data.n) > 1", ""),
        ("data.n == null", ""),
        ("data.n == 8", ""),
        ("data.n / 0 == 1", ""),
    ],
)
def test_remedies(text, better):
    """For each kind of misfit what to write; nothing where nothing simple helps, or nothing is wrong."""
    assert proposed(text) == better


@pytest.mark.parametrize(
    ("text", "note"),
    [
        ("data.digits in [12, 13]", "data.digits is a string, and no element of the list is"),
        ('data.n in ["7"]', "data.n is an int, and no element of the list is"),
        ("data.n in [8, 9.5]", ""),
        ("data.f in [8]", ""),
        ('data.n in [8, "7"]', ""),
    ],
)
def test_elements_of_another_type_are_told(text, note):
    """A list of numbers never holds a text."""
    assert filters.explain(text, DATA, "").parts[0].note == note


_PATHS = st.sampled_from([f"data.{name}" for name in DATA])
_CONSTANTS = st.sampled_from(["3", "2.5", '"7"', '"x"', "true", "null", '["a"]', NEW_YEAR])
_SIDES = st.one_of(_PATHS, _CONSTANTS)
_TESTS = st.sampled_from(["startsWith", "endsWith", "contains", "matches"])
_FILTERS = st.one_of(
    st.builds("{} {} {}".format, _SIDES, st.sampled_from(["<", ">=", "==", "!=", "in", "+", "*"]), _SIDES),
    st.builds("{}.{}({})".format, _PATHS, _TESTS, _SIDES),
    _PATHS,
)


@given(text=_FILTERS)
def test_every_remedy_has_a_value(text):
    """Nothing is proposed that would be refused, or fail on the same event."""
    if filters.check(text):
        return
    better = proposed(text)
    if better:
        assert filters.check(better) == []
        assert filters.explain(better, DATA, "").parts[0].failure == ""
