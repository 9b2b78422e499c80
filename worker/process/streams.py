"""``sys.stdout`` and ``sys.stderr`` of a build process: what a program writes there stands in its session's log.

``print`` is only one way to write: ``pprint``, ``traceback.print_exc``, ``argparse`` and ``sys.stdout.write`` are others.
All of a deployment's sessions, and their calls on threads of their own, share one process; so there is one stream of
ours under each name, which asks who writes. Whole lines become lines of the log, a begun one waits for its end.

``contextlib.redirect_stdout`` would change the stream of all others, too. Here it changes a context variable, which each
session and each call has for itself.

Not taken: what ``logging`` and ``warnings`` write. Log records have lines of their own, and a warning is shown once per
process, so that a replay would not write what the first run wrote. They go to the deployment's log file.
"""

from __future__ import annotations

import contextlib
import contextvars
import io
import sys
from collections.abc import Callable
from typing import Any, Protocol, TextIO

_NOT_TAKEN = frozenset({"logging", "warnings"})


class Lines(Protocol):
    """The log of a session or of a call."""

    begun: str

    def add(self, kind: str, text: str) -> None: ...

    def skip(self) -> None: ...


class Stream(io.TextIOBase):
    """Writes to the log of whoever runs, else to the real stream."""

    def __init__(self, real: TextIO, kind: str, owner: Callable[[], Any]) -> None:
        self._real = real
        self._kind = kind
        self._owner = owner
        self.target: contextvars.ContextVar[Any] = contextvars.ContextVar(f"redirected {kind}", default=None)

    @property
    def encoding(self) -> str:  # type: ignore[override]
        """That of the real stream."""
        return self._real.encoding

    @property
    def buffer(self) -> Any:
        """Bytes go past the log."""
        return self._real.buffer

    def fileno(self) -> int:
        """That of the real stream."""
        return self._real.fileno()

    def isatty(self) -> bool:
        """No log is a terminal."""
        return False

    def writable(self) -> bool:
        """Always."""
        return True

    def close(self) -> None:
        """It is not one session's to close."""

    def flush(self) -> None:
        """A begun line of a log stays begun: it ends with its end."""
        target = self.target.get()
        (self._real if target is None else target).flush()

    def write(self, text: str) -> int:
        """Write some text."""
        target = self.target.get()
        if target is not None:
            return int(target.write(text) or 0)
        owner = self._owner()
        writer = sys._getframe(1).f_globals.get("__name__", "")
        if owner is None or writer.partition(".")[0] in _NOT_TAKEN:
            return self._real.write(text)
        *lines, owner.begun = (owner.begun + text).split("\n")
        for line in lines:
            owner.add(self._kind, line)
        return len(text)

    def say(self, owner: Any, text: str) -> None:
        """One ``print``: one line of the log, as long as it is. Where it is redirected it takes its number only."""
        target = self.target.get()
        if target is not None:
            target.write(text)
            if owner is not None:
                owner.skip()
        elif owner is not None:
            begun, owner.begun = owner.begun, ""
            owner.add(self._kind, begun + text.removesuffix("\n"))


def install(kind: str, name: str, owner: Callable[[], Any]) -> Stream:
    """Put a stream of ours under ``sys.stdout`` or ``sys.stderr``."""
    stream = Stream(getattr(sys, name), kind, owner)
    setattr(sys, name, stream)
    setattr(sys, f"__{name}__", stream)
    return stream


def keep_input() -> None:
    """Standard input is empty, and stays open: ``exit()`` would close it for all sessions."""
    stdin: Any = sys.stdin
    stdin.close = lambda: None


def taken() -> bool:
    """Whether the process has streams of ours: not where a session is debugged on a terminal."""
    return isinstance(sys.__stdout__, Stream)


def isolate_redirection() -> None:
    """Let ``redirect_stdout`` and ``redirect_stderr`` change our streams for whoever redirects, and for nobody else."""
    redirecting: Any = contextlib._RedirectStream
    plain_enter, plain_exit = redirecting.__enter__, redirecting.__exit__

    def enter(self: Any) -> Any:
        stream = getattr(sys, self._stream)
        if not isinstance(stream, Stream):
            return plain_enter(self)
        self._old_targets.append((stream, stream.target.get()))
        stream.target.set(None if self._new_target is stream else self._new_target)
        return self._new_target

    def leave(self: Any, *error: Any) -> None:
        before = self._old_targets[-1]
        if not isinstance(before, tuple):
            plain_exit(self, *error)
            return
        stream, target = self._old_targets.pop()
        stream.target.set(target)

    redirecting.__enter__, redirecting.__exit__ = enter, leave
