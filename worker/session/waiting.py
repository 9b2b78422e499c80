"""Where a session's code waits, as a person reads it: for the Call Stack tab of the Temporal UI."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from greenlet import greenlet

from worker.usercode import frames


def describe(suspended: Iterable[greenlet], directory: Path) -> str:
    """The user's frames of everything that waits, in Python's own layout; one block for each."""
    blocks = [lines for item in suspended if (lines := frames.waiting(item.gr_frame, directory))]
    if not blocks:
        return "no code of the project waits: the session has ended, or has not begun"
    titles = ["the handler waits at"] + ["beside it waits"] * (len(blocks) - 1)
    return "\n\n".join(
        f"{title} (most recent call last):\n{block}" for title, block in zip(titles, blocks, strict=True)
    )
