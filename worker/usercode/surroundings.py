"""What a program can change about its process: environment, working directory, module search path, streams, warnings.

All sessions of a deployment share one process. What a session changes here is its own: put aside when it gives up the
thread, put back when it goes on. Nothing is kept for the many sessions that change nothing.

A call on another thread may change the same things while it runs; that is nobody's session, which finds what was there
when the process started, and leaves behind what it found.

Loggers are different, since there may be hundreds: ``loggers``.
"""

from __future__ import annotations

import contextlib
import logging
import os
import sys
import warnings
from collections.abc import Iterator, MutableMapping
from typing import Any, NamedTuple

from worker.usercode.loggers import Loggers, Overlay


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
    logging: tuple[Any, ...]


# What a session keeps: its state, and the loggers that it changed as it sees them.
_Kept = tuple[_State, Overlay]

# Functions and classes that ``logging`` is told to use; where it keeps the last, it has replaced ``warnings.showwarning``.
_OF_LOGGING = ("_loggerClass", "_logRecordFactory", "_warnings_showwarning")


class Surroundings:
    """The process's own surroundings, and the sessions' changes to them."""

    def __init__(self, environment: MutableMapping[str, str], loggers: Loggers | None = None) -> None:
        self._environment = environment
        # The mapping below os.environ, undecoded: it is copied at every switch.
        self._raw: MutableMapping[Any, Any] = getattr(environment, "_data", environment)
        self._own = self._now()
        self._loggers = loggers or Loggers()

    def settle(self) -> None:
        """What is there now is the process's own."""
        self._own = self._now()

    @contextlib.contextmanager
    def of(self, owner: Any) -> Iterator[None]:
        """While ``owner`` runs, its surroundings are in place; they are kept on its ``surroundings``."""
        kept: _Kept = owner.surroundings or (self._own, {})
        state, mine = kept
        found = state
        if not self._is(state):
            found = self._now()
            self._put(found, state)
        try:
            with self._loggers.seen(mine):
                yield
        finally:
            if not self._is(state):
                state = self._now()
            owner.surroundings = (state, mine) if mine or state is not self._own else None
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

    def _is(self, state: _State) -> bool:
        return bool(
            self._raw == state.environment
            and sys.path == state.path
            and (sys.stdout, sys.stderr) == state.streams
            and warnings.filters == state.filters
            and warnings.showwarning is state.show_warning
            and logging.root.manager.disable == state.silent
            and sys.getrecursionlimit() == state.depth
            and _told_to_logging() == state.logging
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
            _told_to_logging(),
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
        for name, value in zip(_OF_LOGGING, wanted.logging, strict=True):
            setattr(logging, name, value)


def _told_to_logging() -> tuple[Any, ...]:
    return tuple(map(vars(logging).get, _OF_LOGGING))
