"""What commands print: JSON on stdout when asked for, else text; progress on stderr."""

from __future__ import annotations

import contextlib
import datetime as dt
import json
import os
import re
import shutil
import sys
from collections.abc import Iterator, Sequence
from typing import Any

from worker import clock
from worker.cli import terminal
from worker.log import entry_of

_TELL_AFTER_SECONDS = 1.0
_LAST_CHARACTERS = 60
# What a terminal obeys; in the group, colours and links.
_CONTROL = re.compile(r"(\x1b\[\d+(?:;\d+)*m|\x1b]8;;[^\x00-\x1f\x7f]*\x1b\\)|[\x00-\x08\x0b-\x1f\x7f-\x9f]")
_SHORTEST_LAST_CHARACTERS = 20


class Output:
    """How one command speaks."""

    def __init__(self, *, as_json: bool) -> None:
        self.as_json = as_json
        self.logs_json = False  # standard error is a log that a machine reads

    def document(self, value: Any, text: str) -> None:
        """The command's answer: the value as JSON, or the text."""
        sys.stdout.write(
            (json.dumps(value, default=encode) if self.as_json else shown(text, sys.stdout)) + "\n"
        )
        sys.stdout.flush()

    def say(self, text: str) -> None:
        """A line beside the answer."""
        if self.as_json:
            self.progress(text)
            return
        sys.stdout.write(shown(text, sys.stdout) + "\n")
        sys.stdout.flush()

    def progress(self, text: str) -> None:
        """What takes a while, on stderr."""
        sys.stderr.write((entry_of(text, "progress") if self.logs_json else shown(text, sys.stderr)) + "\n")
        sys.stderr.flush()

    @contextlib.contextmanager
    def taking(self, text: str) -> Iterator[None]:
        """Say how long something took when it took longer than a second."""
        began = clock.monotonic()
        yield
        took = clock.monotonic() - began
        if took > _TELL_AFTER_SECONDS:
            self.progress(f"{text}: {took:.1f} s")


def shown(text: str, stream: Any) -> str:
    """Text without what a terminal would obey: what a session prints, or a request brings, may have been made to.

    Our own colours and links stay, which are written to terminals only, or where colours are asked for.
    """
    obeyed = stream.isatty() or terminal.forced()
    return _CONTROL.sub(
        lambda found: found[0] if found[1] and obeyed else found[0].encode("unicode_escape").decode(),
        text.replace("\r\n", "\n"),
    )


def encode(value: Any) -> Any:
    """What JSON does not know."""
    if isinstance(value, dt.datetime):
        return value.isoformat()
    return str(value)


def table(headers: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Aligned columns, as wide as their content; on a terminal that is too narrow, wide ones stand below their row."""
    if not rows:
        return "nothing"
    width = terminal_width()
    if width:
        from worker.cli.narrow import stacked

        return stacked(headers, rows, width)
    return aligned(headers, rows)


def fitted(text: str) -> str:
    """Text whose long lines go on in further ones on a terminal; in a pipe it is as it is."""
    width = terminal_width()
    if not width:
        return text
    from worker.cli.narrow import fitted as fit

    return fit(text, width)


def terminal_width() -> int:
    """The terminal's width, or what COLUMNS says, also in a pipe; else 0."""
    return shutil.get_terminal_size((0, 0)).columns


def error_width() -> int:
    """The width for what goes to standard error: of its terminal, or what COLUMNS says; else 0."""
    if sys.stderr.isatty():
        return terminal_width() or os.get_terminal_size(sys.stderr.fileno()).columns
    return 0 if sys.stdout.isatty() else terminal_width()


def aligned(headers: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Columns as wide as their content."""
    widths = [max(len(str(row[i])) for row in [headers, *rows]) for i in range(len(headers))]
    lines = [
        "  ".join(str(cell).ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in [headers, *rows]
    ]
    return "\n".join(lines)


def table_with_rest(
    headers: Sequence[str],
    rows: Sequence[Sequence[str]],
    last: str,
    texts: Sequence[str],
    *,
    whole: bool = False,
) -> str:
    """A table whose last column takes what room the terminal has left, or all it needs; in a pipe it has a fixed one."""
    if not rows:
        return "nothing"
    lines = aligned([*headers, ""], [[*row, ""] for row in rows]).splitlines()
    width = max(len(line) for line in lines)
    columns = terminal_width()
    room = max(columns - width - 2, _SHORTEST_LAST_CHARACTERS if sys.stdout.isatty() else _LAST_CHARACTERS)
    shown = [f"{lines[0]:<{width}}  {last}"]
    for line, told in zip(lines[1:], texts, strict=True):
        text = " ".join(told.split("\n"))
        cut = text if whole or len(text) <= room else text[: room - 1] + "…"
        shown.append(f"{line:<{width}}  {cut}".rstrip())
    return "\n".join(shown)


def moment(value: dt.datetime | None) -> str:
    """A time as the operator reads it: local, to the second."""
    return value.astimezone().strftime("%Y-%m-%d %H:%M:%S") if value is not None else "-"
