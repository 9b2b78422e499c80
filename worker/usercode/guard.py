"""Catch I/O that hid behind an attribute, an iterator or an inline call, while user code runs on the workflow thread.

An audit hook sees everything the interpreter does. It cannot be removed, and it sees every event of the process, so it
does nothing but compare a thread's number unless it is armed. Network: an error that names the user's line and the
remedy. Files: reading what belongs to the project, to Python or to its libraries is fine; anything else is reported
once per place.
"""

from __future__ import annotations

import _thread
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from worker.errors import CallError

_NETWORK = frozenset(
    [
        "socket.connect",
        "socket.getaddrinfo",
        "socket.gethostbyname",
        "socket.sendto",
        "socket.bind",
        "subprocess.Popen",
        "os.system",
        "os.fork",
        "os.forkpty",
        "os.posix_spawn",
        "os.exec",
        "os.spawn",
        "urllib.Request",
        "smtplib.connect",
        "ftplib.connect",
        "imaplib.open",
        "poplib.connect",
        "http.client.connect",
        "sqlite3.connect",
    ]
)
_WRITE_FLAGS = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
_HINT = "Put it into a function marked @autokitteh.activity."

Report = Callable[[str, str], None]


class Guard:
    """Watches one thread while it is armed."""

    def __init__(self, directory: Path, report: Report = lambda _text, _where: None) -> None:
        self._root = f"{os.path.realpath(directory)}{os.sep}"
        self._report = report
        self._allowed = tuple(
            {
                os.path.realpath(path)
                for path in (
                    *sys.path,
                    sys.prefix,
                    sys.base_prefix,
                    "/usr/share/zoneinfo",
                    "/etc/localtime",
                    "/dev/null",
                    "/proc/self",
                )
                if path
            }
        )
        self._below_allowed = tuple(f"{path.rstrip(os.sep)}{os.sep}" for path in self._allowed)
        self._armed = 0
        self._busy = False
        self._reported: set[tuple[str, str]] = set()
        sys.addaudithook(self._hook)

    def arm(self) -> None:
        """Watch the calling thread from now on."""
        self._armed = _thread.get_ident()

    def disarm(self) -> None:
        """Watch nothing."""
        self._armed = 0

    def _hook(self, event: str, args: tuple[Any, ...]) -> None:
        if not self._armed or self._busy or _thread.get_ident() != self._armed:
            return
        if event in _NETWORK:
            self._busy = True
            try:
                where = self._where()
            finally:
                self._busy = False
            if where is not None:
                what = event.partition(".")[0] if event != "subprocess.Popen" else "a process"
                raise CallError(f"{what} was used outside an activity ({event})", where=where, hint=_HINT)
        elif event == "open":
            self._busy = True
            try:
                self._on_open(args)
            finally:
                self._busy = False

    def _on_open(self, args: tuple[Any, ...]) -> None:
        path, mode, flags = args
        if not isinstance(path, str | bytes | os.PathLike):
            return
        name = os.path.realpath(os.fsdecode(path))
        writes = (
            bool(flags & _WRITE_FLAGS) if isinstance(flags, int) else any(c in (mode or "r") for c in "wax+")
        )
        if not writes and (name in self._allowed or name.startswith((self._root, *self._below_allowed))):
            return
        if name == os.devnull:
            return
        where = self._where()
        if where is not None and (where, name) not in self._reported:
            self._reported.add((where, name))
            verb = "writes" if writes else "reads"
            self._report(f"{verb} {name} outside an activity: a replay does it again", where)

    def _where(self) -> str | None:
        """The innermost line of the user's; None while a module is being imported."""
        frame: Any = sys._getframe(2)
        found: str | None = None
        while frame is not None:
            name = frame.f_code.co_filename
            if name.startswith("<frozen importlib"):
                return None
            if found is None and name.startswith(self._root):
                found = f"{name.removeprefix(self._root)}:{frame.f_lineno}"
            frame = frame.f_back
        return found
