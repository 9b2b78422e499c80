"""Catch I/O that hid behind an attribute, an iterator or an inline call, while user code runs on the workflow thread.

An audit hook sees everything the interpreter does, and it cannot be removed. So there is one for the whole process,
which looks up the calling thread among those that are watched and does nothing else for all others.

Network and processes: an error that names the user's line and the remedy; at module level, where a program may set up
its clients, a report. Files: reading what belongs to the project, to Python or to its libraries is fine, anything else
is reported. Whatever an import does belongs to the import. A session gets each report once per line, also when it
replays: what lies in its log must not depend on what other sessions did before.
"""

from __future__ import annotations

import _thread
import functools
import os
import sys
import weakref
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from autokitteh import _runtime
from worker.errors import CallError

_REACHES_OUT: Final = frozenset(
    [
        "socket.connect",
        "socket.getaddrinfo",
        "socket.gethostbyname",
        "socket.gethostbyaddr",
        "socket.sendto",
        "socket.sendmsg",
        "socket.bind",
        "subprocess.Popen",
        "os.system",
        "os.fork",
        "os.forkpty",
        "os.posix_spawn",
        "os.exec",
        "os.spawn",
        "os.startfile",
        "pty.spawn",
        "urllib.Request",
        "smtplib.connect",
        "ftplib.connect",
        "imaplib.open",
        "poplib.connect",
        "nntplib.connect",
        "telnetlib.Telnet.open",
        "http.client.connect",
        "webbrowser.open",
        "sqlite3.connect",
    ]
)
_CHANGES_FILES: Final = frozenset(
    [
        "os.remove",
        "os.rename",
        "os.mkdir",
        "os.rmdir",
        "os.truncate",
        "os.link",
        "os.symlink",
        "os.chmod",
        "os.chown",
    ]
)
_WATCHED: Final = _REACHES_OUT | _CHANGES_FILES | {"open"}
_WRITE_FLAGS: Final = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
_FIXED_PLACES: Final = (  # the same on every machine, or nothing at all
    *("/usr/share/zoneinfo", "/etc/localtime", "/usr/share/ca-certificates", "/etc/ssl", "/usr/lib/ssl"),
    *("/dev/null", "/dev/urandom", "/proc/self"),
)
_HINT: Final = "Put it into a function marked @autokitteh.activity."

Report = Callable[[str, str], None]

# The watched threads. Not a constant, but neither is the list of audit hooks that it belongs to.
_ARMED: Final[dict[int, Guard]] = {}


class Guard:
    """Watches a thread while it is armed there."""

    def __init__(self, directory: Path, report: Report = lambda _text, _where: None) -> None:
        root = os.path.realpath(directory)
        self._roots = tuple({f"{root}{os.sep}", f"{directory}{os.sep}"})
        self._report = report
        places = (*sys.path, sys.prefix, sys.base_prefix, *_FIXED_PLACES)
        self._allowed = frozenset(os.path.realpath(path) for path in places if path)
        self._below = (f"{root}{os.sep}", *(f"{path.rstrip(os.sep)}{os.sep}" for path in self._allowed))
        self._busy = False
        self._reported: weakref.WeakKeyDictionary[Any, set[tuple[str, str]]] = weakref.WeakKeyDictionary()
        _install()

    def arm(self) -> None:
        """Watch the calling thread from now on."""
        _ARMED[_thread.get_ident()] = self

    def disarm(self) -> None:
        """Watch the calling thread no more."""
        _ARMED.pop(_thread.get_ident(), None)

    def see(self, event: str, args: tuple[Any, ...]) -> None:
        """Judge one event of the watched thread.

        Raises:
            CallError: a handler's line reaches outside.
        """
        if self._busy:  # what follows from judging
            return
        self._busy = True
        try:
            if event in _REACHES_OUT:
                self._reaches_out(event)
            elif event == "open":
                self._opens(*args)
            else:
                self._tell("changes", args[0])
        finally:
            self._busy = False

    def _reaches_out(self, event: str) -> None:
        where, loading = self._where()
        if where is None:
            return
        what = "a process" if event == "subprocess.Popen" else event.partition(".")[0]
        if not loading:
            raise CallError(f"{what} was used outside an activity ({event})", where=where, hint=_HINT)
        self._tell_once(
            f"{what} is used at module level ({event}): again whenever the module is loaded", where
        )

    def _opens(self, path: Any, mode: str | None, flags: int | None) -> None:
        if not isinstance(path, str | bytes | os.PathLike):
            return  # a descriptor: it was opened before
        writes = (
            bool(flags & _WRITE_FLAGS) if isinstance(flags, int) else not {*"wax+"}.isdisjoint(mode or "r")
        )
        if writes:
            self._tell("writes", path)
            return
        name = os.fsdecode(path)
        if ".." not in name and name.startswith(self._below):
            return  # the usual case, without a look at the disk
        real = os.path.realpath(name)
        if real not in self._allowed and not real.startswith(self._below):
            self._tell("reads", path)

    def _tell(self, verb: str, path: Any) -> None:
        name = (
            os.path.realpath(os.fsdecode(path)) if isinstance(path, str | bytes | os.PathLike) else str(path)
        )
        if name == os.devnull:
            return
        where, _ = self._where()
        if where is not None:
            self._tell_once(f"{verb} {name} outside an activity: a replay does it again", where)

    def _tell_once(self, text: str, where: str) -> None:
        told = self._reported.setdefault(_runtime.current(), set())
        if (where, text) not in told:
            told.add((where, text))
            self._report(text, where)

    def _where(self) -> tuple[str | None, bool]:
        """The innermost line of the user's, None during an import; and whether one of its modules is being loaded."""
        frame: Any = sys._getframe(2)
        found: str | None = None
        loading = False
        while frame is not None:
            name = frame.f_code.co_filename
            if name.startswith("<frozen importlib"):
                return None, False
            if name.startswith(self._roots):
                loading = loading or frame.f_code.co_name == "<module>"
                if found is None:
                    root = next(root for root in self._roots if name.startswith(root))
                    found = f"{name.removeprefix(root)}:{frame.f_lineno}"
            frame = frame.f_back
        return found, loading


def _hook(
    event: str,
    args: tuple[Any, ...],
    armed: dict[int, Guard] = _ARMED,
    get_ident: Callable[[], int] = _thread.get_ident,
    watched: frozenset[str] = _WATCHED,
) -> None:
    # The defaults keep what is needed alive when the interpreter clears modules at its end.
    if armed and event in watched:
        guard = armed.get(get_ident())
        if guard is not None:
            guard.see(event, args)


@functools.cache
def _install() -> None:
    sys.addaudithook(_hook)
