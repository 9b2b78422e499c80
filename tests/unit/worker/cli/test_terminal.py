"""What standard output takes: colours, links, letters."""

from __future__ import annotations

import io
import sys

import pytest

from worker.cli import terminal


class Stream(io.TextIOWrapper):
    """Standard output, on a terminal or not."""

    def __init__(self, *, is_terminal: bool = False, encoding: str = "utf-8"):
        super().__init__(io.BytesIO(), encoding=encoding)
        self._is_terminal = is_terminal

    def isatty(self):
        """Whether it is a terminal."""
        return self._is_terminal


@pytest.mark.parametrize(
    ("environment", "on_terminal", "elsewhere"),
    [
        ({}, True, False),
        ({"TERM": "xterm"}, True, False),
        ({"TERM": "dumb"}, False, False),
        ({"NO_COLOR": "1"}, False, False),
        ({"NO_COLOR": ""}, True, False),
        ({"FORCE_COLOR": "1"}, True, True),
        ({"FORCE_COLOR": "0"}, True, False),
        ({"CLICOLOR_FORCE": "1"}, True, True),
        ({"FORCE_COLOR": "1", "TERM": "dumb"}, True, True),
        ({"FORCE_COLOR": "1", "NO_COLOR": "1"}, False, False),
    ],
)
def test_colours_are_for_terminals_and_for_who_asks(monkeypatch, environment, on_terminal, elsewhere):
    """NO_COLOR is heard first, then what forces them, then what the terminal can do."""
    for name in ("TERM", "NO_COLOR", "FORCE_COLOR", "CLICOLOR_FORCE"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    for is_terminal, expected in ((True, on_terminal), (False, elsewhere)):
        monkeypatch.setattr(sys, "stdout", Stream(is_terminal=is_terminal))
        assert expected == terminal.colours()


def test_signs_have_ascii_of_their_width(monkeypatch):
    """A cut line stays as wide; a letter that there is no sign for is told by its code."""
    stream = Stream(encoding="ascii")
    monkeypatch.setattr(sys, "stdout", stream)
    terminal.speak_plainly()
    stream.write("✓ a → b… ✗ é")
    stream.flush()
    assert stream.buffer.getvalue() == b"v a > b. x \\xe9"
