"""What a program can change about its process: environment, working directory, module search path, streams, warnings.

All sessions of a deployment share one process. What a session changes here is its own: put aside when it gives up the
thread, put back when it goes on. Nothing is kept for the many sessions that change nothing.

A call on another thread may change the same things while it runs; that is nobody's session, which finds what was there
when the process started, and leaves behind what it found.

Levels of loggers belong to this as well, but there may be hundreds of loggers: so their changes are noted when they are
made (``note_level``), and only sessions that made some pay for them. The same goes for their handlers: each session runs
the line that adds one, and would otherwise write once more for each session before it. What the project's modules added
when they were loaded for the calls (``noting_handlers``) is not there for sessions, which load them themselves.
"""

from __future__ import annotations

import contextlib
import logging
import os
import sys
import warnings
from collections.abc import Iterator, Mapping, MutableMapping
from types import FrameType
from typing import Any, NamedTuple


class _State(NamedTuple):
    """What can be changed."""

    environment: dict[Any, Any]
    directory: str
    path: list[str]
    streams: tuple[Any, Any]
    filters: list[Any]
    show_warning: Any
    silent: int
    depth: int


# What a session keeps: its state, and the levels and handlers of the loggers that it changed.
_Kept = tuple[_State, dict[logging.Logger, int | str], dict[logging.Logger, list[logging.Handler]]]


class Surroundings:
    """The process's own surroundings, and the sessions' changes to them."""

    def __init__(
        self,
        environment: MutableMapping[str, str],
        handlers: Mapping[logging.Logger, list[logging.Handler]] | None = None,
    ) -> None:
        self._environment = environment
        # The mapping below os.environ, undecoded: it is copied at every switch.
        self._raw: MutableMapping[Any, Any] = getattr(environment, "_data", environment)
        self._own = self._now()
        self._levels: dict[logging.Logger, int | str] | None = None  # those the session that runs has changed
        self._before: dict[logging.Logger, int] = {}
        self._plain = dict(
            handlers or {}
        )  # of loggers that the project's modules gave handlers: those before
        self._handlers: dict[logging.Logger, list[logging.Handler]] | None = None
        self._handlers_before: dict[logging.Logger, list[logging.Handler]] = {}

    def settle(self) -> None:
        """What is there now is the process's own."""
        self._own = self._now()

    @contextlib.contextmanager
    def of(self, owner: Any) -> Iterator[None]:
        """While ``owner`` runs, its surroundings are in place; they are kept on its ``surroundings``."""
        nothing: _Kept = (self._own, {}, {})
        kept: _Kept = owner.surroundings or nothing
        state, levels, handlers = kept
        found = state
        if not self._is(state):
            found = self._now()
            self._put(found, state)
        self._levels, self._before = levels, {}
        for logger, level in levels.items():
            self._before[logger] = logger.level
            logger.setLevel(level)
        self._handlers, self._handlers_before = handlers, {}
        for logger, there in {**self._plain, **handlers}.items():
            self._handlers_before[logger] = logger.handlers
            logger.handlers = list(there)
        try:
            yield
        finally:
            self._levels = self._handlers = None
            for logger, before in self._handlers_before.items():
                if logger in handlers:
                    handlers[logger] = logger.handlers
                logger.handlers = before
            for logger, level in self._before.items():
                logger.setLevel(level)
            if not self._is(state):
                state = self._now()
            changed = bool(levels or handlers or state is not self._own)
            owner.surroundings = (state, levels, handlers) if changed else None
            if state is not found:
                self._put(state, found)

    def unlike_the_process(self) -> str:
        """What the session that runs has changed and calls on other threads do not see, in words."""
        changed = []
        if self._raw != self._own.environment:
            changed.append("environment variables")
        if os.getcwd() != self._own.directory:  # noqa: PTH109
            changed.append("working directory")
        return " and ".join(changed)

    def note_level(self, logger: logging.Logger, level: int | str) -> None:
        """The session that runs on this thread gives a logger this level."""
        if self._levels is not None:
            self._before.setdefault(logger, logger.level)
            self._levels[logger] = level

    def note_handlers(self, logger: logging.Logger) -> None:
        """The session that runs on this thread is about to change the handlers of a logger."""
        if self._handlers is None or logger in self._handlers or not by_the_project():
            return
        if logger not in self._handlers_before:
            self._handlers_before[logger] = logger.handlers
            logger.handlers = list(logger.handlers)
        self._handlers[logger] = logger.handlers

    def _is(self, state: _State) -> bool:
        return bool(
            self._raw == state.environment
            and sys.path == state.path
            and (sys.stdout, sys.stderr) == state.streams
            and warnings.filters == state.filters
            and warnings.showwarning is state.show_warning
            and logging.root.manager.disable == state.silent
            and sys.getrecursionlimit() == state.depth
            and os.getcwd() == state.directory  # noqa: PTH109 - a Path at every switch costs more
        )

    def _now(self) -> _State:
        return _State(
            dict(self._raw),
            os.getcwd(),  # noqa: PTH109 - a Path at every switch costs more
            list(sys.path),
            (sys.stdout, sys.stderr),
            list(warnings.filters),
            warnings.showwarning,
            logging.root.manager.disable,
            sys.getrecursionlimit(),
        )

    def _put(self, found: _State, wanted: _State) -> None:
        if found.environment != wanted.environment:
            for name in [name for name in self._raw if name not in wanted.environment]:
                del self._environment[os.fsdecode(name)]
            for name, value in wanted.environment.items():
                if self._raw.get(name) != value:
                    self._environment[os.fsdecode(name)] = os.fsdecode(value)
        if found.directory != wanted.directory:
            os.chdir(wanted.directory)
        sys.path[:] = wanted.path
        sys.stdout, sys.stderr = wanted.streams
        if found.filters != wanted.filters:
            warnings.filters[:] = wanted.filters  # type: ignore[index]
            warnings._filters_mutated()  # type: ignore[attr-defined]
        warnings.showwarning = wanted.show_warning
        if found.silent != wanted.silent:
            logging.disable(wanted.silent)
        if found.depth != wanted.depth:
            sys.setrecursionlimit(wanted.depth)


@contextlib.contextmanager
def noting_handlers() -> Iterator[dict[logging.Logger, list[logging.Handler]]]:
    """While the project is loaded for the calls: the loggers it gives handlers, with those they had before."""
    found: dict[logging.Logger, list[logging.Handler]] = {}
    plain = logging.Logger.addHandler

    def add_handler(self: logging.Logger, hdlr: logging.Handler) -> None:
        if self not in found and by_the_project():
            found[self] = list(self.handlers)
        plain(self, hdlr)

    logging.Logger.addHandler = add_handler  # type: ignore[method-assign]
    try:
        yield found
    finally:
        logging.Logger.addHandler = plain  # type: ignore[method-assign]


def by_the_project() -> bool:
    """Whether the user's code has asked for this; a library that is being imported does it once, for the process."""
    frame: FrameType | None = sys._getframe(2)
    while frame is not None and "__ak_route__" not in frame.f_globals:
        if frame.f_code.co_filename.startswith("<frozen importlib"):
            return False
        frame = frame.f_back
    return frame is not None
