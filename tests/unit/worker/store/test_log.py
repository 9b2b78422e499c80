"""What a list shows of an error: one line."""

from __future__ import annotations

import pytest

from worker.store.log import headline_of

FRAMES = 'Traceback (most recent call last):\n  File "main.py", line 3, in on_event\n    refuse()\n'


@pytest.mark.parametrize(
    ("text", "line"),
    [
        (f"{FRAMES}main.Refused: no money\nsecond line\n", "main.Refused: no money"),
        (f"{FRAMES}ValueError: a\n\nDuring handling…\n\n{FRAMES}KeyError: 'b'\n  A hint.", "KeyError: 'b'"),
        ("AK1600: it does not fit\n  - #1  a\n  + #1  b", "AK1600: it does not fit"),
        (f"{FRAMES}  | all is indented", "| all is indented"),
        ("", ""),
    ],
)
def test_headline_is_the_first_line_of_the_message(text, line):
    """Neither a frame nor a hint, and of an error in an error the one that ended the session."""
    assert headline_of(text) == line
