"""What standard output is: whether it takes colours and links, which letters it knows, and whether anybody reads it."""

from __future__ import annotations

import asyncio
import codecs
import contextlib
import io
import os
import stat
import sys
from collections.abc import Coroutine, Iterator
from typing import Any, TypeVar

from worker import config

T = TypeVar("T")
_FORCING = ("FORCE_COLOR", "CLICOLOR_FORCE")
_PLAIN = ("dumb", "unknown")
_IN_ASCII = str.maketrans("✓✗…→│└├─·»◀−–“”‘’", "vx.>|`|-*><--\"\"''")  # noqa: RUF001 - what we write, each as wide
_HANDLER = "ak_signs"


def colours() -> bool:
    """Whether to use colours: on a terminal that knows them or where they are asked for, unless NO_COLOR is set."""
    if config.inherited_environment().get("NO_COLOR"):
        return False
    return forced() or takes_links()


def forced() -> bool:
    """Whether colours are asked for wherever the output goes: a file, a pager, the log of a build server."""
    environment = config.inherited_environment()
    return any(environment.get(name, "0") not in {"", "0"} for name in _FORCING)


def takes_links() -> bool:
    """Whether what is written goes to a terminal that knows more than plain text."""
    return sys.stdout.isatty() and config.inherited_environment().get("TERM", "").lower() not in _PLAIN


def speak_plainly() -> None:
    """Have our signs written in ASCII, and other letters by their code, where a terminal or a file knows no others."""

    def plain(error: UnicodeError) -> tuple[str | bytes, int]:
        if not isinstance(error, UnicodeEncodeError):
            raise error
        told = error.object[error.start : error.end].translate(_IN_ASCII)
        return told.encode("ascii", "backslashreplace").decode(), error.end

    codecs.register_error(_HANDLER, plain)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors=_HANDLER)


async def while_read(work: Coroutine[Any, Any, T]) -> T:
    """Do what writes now and then, as long as its reader is there: that of a pipe may leave between two lines.

    Raises:
        BrokenPipeError: the reader of standard output has gone.
    """
    task = asyncio.ensure_future(work)
    with _told_of_leaving(task) as gone:
        try:
            return await task
        except asyncio.CancelledError:
            if gone:
                raise BrokenPipeError from None
            raise


@contextlib.contextmanager
def _told_of_leaving(task: asyncio.Future[Any]) -> Iterator[list[bool]]:
    """Cancel the task when the reader of standard output leaves; the list is empty until then.

    The writing end of a pipe becomes readable, of all things, when its other end is closed, and never otherwise; what
    asyncio does itself for its pipes.
    """
    loop, gone = asyncio.get_running_loop(), list[bool]()

    def left() -> None:
        gone.append(True)
        loop.remove_reader(descriptor)
        task.cancel()

    try:
        descriptor = sys.stdout.fileno()
        piped = stat.S_ISFIFO(os.fstat(descriptor).st_mode)
    except (AttributeError, OSError, ValueError):  # none at all, or none of the operating system's
        piped = False
    if not piped:
        yield gone
        return
    loop.add_reader(descriptor, left)
    try:
        yield gone
    finally:
        loop.remove_reader(descriptor)
