"""What a program can change about its process: environment, working directory, module search path.

All sessions of a deployment share one process. What a session changes here is its own: put aside when it gives up the
thread, put back when it goes on. Nothing is copied for the many sessions that change nothing.
"""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator, MutableMapping
from typing import Any

_Change = tuple[dict[Any, Any], str, list[str]]


class Surroundings:
    """The process's own surroundings, and the sessions' changes to them."""

    def __init__(self, environment: MutableMapping[str, str]) -> None:
        self._environment = environment
        # The mapping below os.environ, undecoded: it is copied at every switch.
        self._raw: MutableMapping[Any, Any] = getattr(environment, "_data", environment)
        self._own = self._now()

    @contextlib.contextmanager
    def of(self, owner: Any) -> Iterator[None]:
        """While ``owner`` runs, its surroundings are in place; they are kept on its ``surroundings``."""
        if owner.surroundings is not None:
            self._put(owner.surroundings)
        try:
            yield
        finally:
            now = self._now()
            if now != self._own:
                owner.surroundings = now
                self._put(self._own)
            else:
                owner.surroundings = None

    def _now(self) -> _Change:
        return dict(self._raw), os.getcwd(), list(sys.path)  # noqa: PTH109 - a Path at every switch costs more

    def _put(self, wanted: _Change) -> None:
        environment, directory, path = wanted
        for name in [name for name in self._raw if name not in environment]:
            del self._environment[os.fsdecode(name)]
        for name, value in environment.items():
            if self._raw.get(name) != value:
                self._environment[os.fsdecode(name)] = os.fsdecode(value)
        os.chdir(directory)
        sys.path[:] = path
