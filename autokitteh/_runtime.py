"""The door to whatever runs the program: a session, an activity, or nothing at all.

The SDK owns this interface and the worker implements it; the SDK never imports the worker. Outside a session a small
local runtime answers, so that handlers can be called in plain tests.
"""

from __future__ import annotations

import contextlib
import contextvars
from collections.abc import Iterable, Iterator
from typing import Any, Protocol


class Runtime(Protocol):
    """What the SDK's functions ask for."""

    def register_no_activity(self, items: Iterable[Any]) -> None:
        """Run these functions, and all methods of these classes, where they are called."""


class LocalRuntime:
    """Used when nothing runs the program durably: everything runs where it is called anyway."""

    def register_no_activity(self, items: Iterable[Any]) -> None:
        """Nothing becomes an activity here."""


_CURRENT: contextvars.ContextVar[Runtime] = contextvars.ContextVar("autokitteh_runtime")
_LOCAL = LocalRuntime()


def current() -> Runtime:
    """The runtime of the code that calls."""
    return _CURRENT.get(_LOCAL)


@contextlib.contextmanager
def installed(runtime: Runtime) -> Iterator[None]:
    """Make this the runtime of everything called inside."""
    token = _CURRENT.set(runtime)
    try:
        yield
    finally:
        _CURRENT.reset(token)
