"""What commands print: JSON on stdout when asked for, else text; progress on stderr."""

from __future__ import annotations

import contextlib
import datetime as dt
import json
import sys
from collections.abc import Iterator, Sequence
from typing import Any

from worker import clock

_TELL_AFTER_SECONDS = 1.0


class Output:
    """How one command speaks."""

    def __init__(self, *, as_json: bool) -> None:
        self.as_json = as_json

    def document(self, value: Any, text: str) -> None:
        """The command's answer: the value as JSON, or the text."""
        sys.stdout.write((json.dumps(value, default=encode) if self.as_json else text) + "\n")
        sys.stdout.flush()

    def say(self, text: str) -> None:
        """A line beside the answer."""
        stream = sys.stderr if self.as_json else sys.stdout
        stream.write(text + "\n")
        stream.flush()

    def progress(self, text: str) -> None:
        """What takes a while, on stderr."""
        sys.stderr.write(text + "\n")
        sys.stderr.flush()

    @contextlib.contextmanager
    def taking(self, text: str) -> Iterator[None]:
        """Say how long something took when it took longer than a second."""
        began = clock.monotonic()
        yield
        took = clock.monotonic() - began
        if took > _TELL_AFTER_SECONDS:
            self.progress(f"{text}: {took:.1f} s")


def encode(value: Any) -> Any:
    """What JSON does not know."""
    if isinstance(value, dt.datetime):
        return value.isoformat()
    return str(value)


def table(headers: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Aligned columns, as wide as their content."""
    if not rows:
        return "nothing"
    widths = [max(len(str(row[i])) for row in [headers, *rows]) for i in range(len(headers))]
    lines = [
        "  ".join(str(cell).ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in [headers, *rows]
    ]
    return "\n".join(lines)


def moment(value: dt.datetime | None) -> str:
    """A time as the operator reads it: local, to the second."""
    return value.astimezone().strftime("%Y-%m-%d %H:%M:%S") if value is not None else "-"
