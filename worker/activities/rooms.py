"""Namespaces for activities of functions that see module-level state: one call at a time in each.

The process's own activity namespace is shared by all calls, so state changed there would leak from one session into
another. A call that sees state borrows a namespace from this pool; the state is set to the session's before the call
and put back to the freshly loaded one before the next.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from worker.contracts import JSON
from worker.errors import PayloadError
from worker.payload.codec import Codec
from worker.usercode.namespace import Namespace
from worker.usercode.state import reachable_state


@dataclass
class Room:
    """A namespace that one call has to itself."""

    namespace: Namespace
    codec: Codec
    fresh: dict[str, JSON] = field(default_factory=dict)

    def enter(self, function: Any, sent: dict[str, JSON]) -> dict[str, JSON]:
        """Set the state the function sees; returns it as encoded, to be compared with afterwards."""
        before: dict[str, JSON] = {}
        for path, (scope, name) in reachable_state(function, self.namespace.is_user_module).items():
            if path not in self.fresh:
                with contextlib.suppress(PayloadError):
                    self.fresh[path] = self.codec.encode(scope[name])
                if path not in self.fresh:
                    continue
            before[path] = sent.get(path, self.fresh[path])
            scope[name] = self.codec.decode(before[path])
        return before

    def leave(self, function: Any, before: dict[str, JSON]) -> dict[str, JSON]:
        """The state the function changed."""
        changed: dict[str, JSON] = {}
        for path, (scope, name) in reachable_state(function, self.namespace.is_user_module).items():
            if path in before:
                with contextlib.suppress(PayloadError):
                    encoded = self.codec.encode(scope[name])
                    if encoded != before[path]:
                        changed[path] = encoded
        return changed


class Rooms:
    """The pool."""

    def __init__(self, make: Callable[[], Room]) -> None:
        self._make = make
        self._free: list[Room] = []
        self._lock = threading.Lock()

    @contextlib.contextmanager
    def borrow(self) -> Iterator[Room]:
        """A room for one call."""
        with self._lock:
            room = self._free.pop() if self._free else None
        if room is None:
            room = self._make()
        try:
            yield room
        finally:
            with self._lock:
                self._free.append(room)
