"""What a session sets on a logger is its own: level, handlers, filters, ``propagate``, ``disabled``.

May import: the standard library.

The problem: loggers are the process's, known by name, and all sessions of a deployment share the process. Each session
runs the lines that set them up (``addHandler``, ``basicConfig(force=True)``, ``dictConfig``), so the second one would
log twice, and one that switched a logger off would switch it off for all. To put values aside and back at each switch
would change what calls find that log at the same moment on other threads.

What we do: the attributes are properties of ``logging.Logger``. On the sessions' thread they read what the session that
runs has set (``Loggers.seen``), everywhere else what lies on the logger. Only a session that set something pays, some
hundred bytes for each such logger.

1. A session begins with loggers as they were before the project's code or its calls changed them: its own modules set
   them up. So it does not matter what other sessions called before.
2. What a library does while it is imported is the process's: it happens once.
3. ``dictConfig`` and ``fileConfig`` switch no logger off (as with ``disable_existing_loggers=False``): which loggers
   exist depends on what other sessions have done. They close only the handlers that the caller can see.

Not separated: named handlers (``logging.getHandlerByName``, ``incremental``), and a handler of the process that a session changes
(``setFormatter`` on a library's handler).
"""

from __future__ import annotations

import contextlib
import functools
import logging
import sys
import threading
import weakref
from collections.abc import Iterator
from types import FrameType
from typing import Any, Final

_PLAIN: Final = ("level", "propagate", "disabled")
_LISTS: Final = ("handlers", "filters")
_PROJECT: Final = "project"
_IMPORT: Final = "import"
_CHANGING: Final = frozenset({"addHandler", "removeHandler", "addFilter", "removeFilter"})

Overlay = dict[logging.Logger, dict[str, Any]]


class Loggers:
    """The loggers of a process as its sessions see them. One per process, installed before the project is loaded."""

    def __init__(self) -> None:
        self._thread = 0
        self.mine: Overlay | None = None  # of the session that runs; None while none does
        self._before: Overlay = {}  # what the project and its calls have changed since, as it was

    @contextlib.contextmanager
    def seen(self, mine: Overlay) -> Iterator[None]:
        """Meanwhile the calling thread runs a session that sees the loggers like this."""
        self._thread = threading.get_ident()
        before, self.mine = self.mine, mine
        try:
            yield
        finally:
            self.mine = before

    def install(self) -> None:
        """Let the attributes of all loggers go through here, to the end of the process."""
        for name in _PLAIN:
            setattr(logging.Logger, name, self._attribute(name))
        for name in _LISTS:
            setattr(logging.Logger, name, self._list(name))
        setattr(logging.Logger, "_cache", self._cache())  # noqa: B010 - mypy knows it as a dictionary
        plain = getattr(logging.shutdown, "__wrapped__", logging.shutdown)  # not that of one installed before

        @functools.wraps(plain)
        def shutdown(handlerList: Any = logging._handlerList) -> None:  # type: ignore[attr-defined] # noqa: N803
            plain(self._closing(handlerList))

        logging.shutdown = shutdown

    @contextlib.contextmanager
    def installed(self) -> Iterator[None]:
        """For a while."""
        shutdown = logging.shutdown
        self.install()
        try:
            yield
        finally:
            logging.shutdown = shutdown
            for name in (*_PLAIN, *_LISTS, "_cache"):
                delattr(logging.Logger, name)

    def _attribute(self, name: str) -> property:
        def read(logger: logging.Logger) -> Any:
            if self.mine is not None and threading.get_ident() == self._thread:
                return self._seen(logger)[name]
            return logger.__dict__[name]

        return property(read, lambda logger, value: self._write(logger, name, value))

    def _list(self, name: str) -> property:
        def read(logger: logging.Logger) -> Any:
            if self.mine is not None and threading.get_ident() == self._thread:
                if logger not in self.mine and _may_change() and _asking() == _PROJECT:
                    self.mine[logger] = _copy(self._seen(logger))
                return self._seen(logger)[name]
            if logger not in self._before and _may_change() and _asking() != _IMPORT:
                self._before.setdefault(logger, _copy(logger.__dict__))
            return logger.__dict__[name]

        return property(read, lambda logger, value: self._write(logger, name, value))

    def _cache(self) -> property:
        """Whether a level is let through, remembered by ``logging`` for the process: not for what a session sees."""

        def read(logger: logging.Logger) -> Any:
            if (
                self.mine is not None
                and (self.mine or self._before)
                and threading.get_ident() == self._thread
            ):
                return {}
            return logger.__dict__["_cache"]

        return property(read, lambda logger, value: logger.__dict__.update(_cache=value))

    def _seen(self, logger: logging.Logger) -> dict[str, Any]:
        """The attributes of a logger as the session that runs finds them."""
        assert self.mine is not None
        return self.mine.get(logger) or self._before.get(logger) or logger.__dict__

    def _write(self, logger: logging.Logger, name: str, value: Any) -> None:
        own = logger.__dict__
        if name not in own:  # it is being made
            own[name] = value
            return
        if name == "disabled" and value and sys._getframe(2).f_code.co_name == "_handle_existing_loggers":
            return
        if self.mine is not None and threading.get_ident() == self._thread:
            if logger not in self.mine:
                if name in _PLAIN and self._seen(logger)[name] == value:
                    return
                if _asking() == _PROJECT:
                    self.mine[logger] = _copy(self._seen(logger))
            if logger in self.mine:
                self.mine[logger][name] = value
                return
            self._before.get(logger, own)[name] = value
        elif _asking() != _IMPORT:
            self._before.setdefault(logger, _copy(own))
        elif logger in self._before:
            self._before[logger][name] = value
        own[name] = value

    def _closing(self, references: list[Any]) -> list[Any]:
        """Of all handlers those that whoever closes them can see: a session its own, a call those of the process."""
        if self.mine is not None and threading.get_ident() == self._thread:
            ours = {id(handler) for handler in _all_handlers()}
            found = [handler for seen in self.mine.values() for handler in seen["handlers"]]
            return [weakref.ref(handler) for handler in found if id(handler) not in ours]
        ours = {id(handler) for handler in _all_handlers()}
        return [reference for reference in references if id(reference()) in ours]


def _asking() -> str:
    """Who has asked for this: the ``project``'s code, the ``import`` of a library, which does it once for the process."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None and "__ak_route__" not in frame.f_globals:
        if frame.f_code.co_filename.startswith("<frozen importlib"):
            return _IMPORT
        frame = frame.f_back
    return _PROJECT if frame is not None else ""


def _may_change() -> bool:
    """Whether who reads a list may be about to change it; ``logging`` itself reads it for each record."""
    reader = sys._getframe(2)
    return reader.f_globals is not vars(logging) or reader.f_code.co_name in _CHANGING


def _copy(seen: dict[str, Any]) -> dict[str, Any]:
    return {name: seen[name] for name in _PLAIN} | {name: list(seen[name]) for name in _LISTS}


def _all_handlers() -> Iterator[logging.Handler]:
    """Those on the process's loggers."""
    for logger in (logging.root, *list(logging.root.manager.loggerDict.values())):
        yield from vars(logger).get("handlers", ())
