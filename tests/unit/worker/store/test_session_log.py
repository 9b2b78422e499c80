"""What an error of the session log says in a line."""

from __future__ import annotations

import pytest

from worker.store.log import headline_of

FRAME = '  File "main.py", line 3, in part\n    raise ValueError(text)\n'


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (f"Traceback (most recent call last):\n{FRAME}KeyError: 'id'", "KeyError: 'id'"),
        (
            f"Traceback (most recent call last):\n{FRAME}ValueError: broken:\nin two lines",
            "ValueError: broken:",
        ),
        (
            f"Traceback (most recent call last):\n{FRAME}KeyError: 1\n\nDuring …:\n\nTraceback (most recent call last):\n{FRAME}ValueError: 2\nmore",
            "ValueError: 2",
        ),
        (
            f"Traceback (most recent call last):\n{FRAME}CallError: AK1501: no\n  Mark it with @activity.",
            "CallError: AK1501: no",
        ),
        ("AK1600: it does not fit\n  - #1  os.stat", "AK1600: it does not fit"),
        ("", ""),
    ],
)
def test_the_headline_of_an_error_is_the_line_behind_its_last_frame(text, expected):
    """Of a message with several lines the first; of errors raised one while handling another the last; no hint."""
    assert headline_of(text) == expected
