"""Texts in the cells of a terminal."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from worker.story import widths


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("plain", "plain"),
        ("\x1b[1;31mred\x1b[0m", "red"),
        ("\x1b[2Jgone\x07", "␛[2Jgone␇"),
        ("a\tb\rc\x7f", "a    b␍c␡"),
        ("evil\u202etxt\x9b", "evil\\u202etxt\\x9b"),
        ("two\nlines", "two\nlines"),
    ],
)
def test_printable_lets_nothing_steer_the_terminal(text, expected):
    """Colours are dropped, every other control character is shown, lines stay lines."""
    assert widths.printable(text) == expected


@given(st.text(), st.integers(4, 40))
def test_cut_and_wrap_keep_to_the_room(text, room):
    """Whatever characters there are, wide ones take two cells."""
    shown = widths.printable(text)
    assert widths.width(widths.cut(shown, room)) <= room
    assert widths.width(widths.cut_start(shown, room)) <= room
    lines = widths.wrap(shown, room, 3)
    assert 1 <= len(lines) <= 3
    assert all(widths.width(line) <= room for line in lines)


def test_wide_characters_take_two_cells():
    """An ellipsis stands where the text is wider than the room, not where it has more characters."""
    assert widths.cut("漢字漢字", 8) == "漢字漢字"
    assert widths.cut("漢字漢字", 7) == "漢字漢…"
    assert widths.cut_start("orders/main.py:on_order", 12) == "…py:on_order"
    assert widths.wrap("漢字漢字 漢字", 8, 2) == ["漢字漢字", "漢字"]
