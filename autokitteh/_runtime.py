"""The door to whatever runs the program: a session, an activity, or nothing at all.

The SDK owns this interface and the worker implements it; the SDK never imports the worker. Outside a session a small
local runtime answers, so that handlers can be called in plain tests.

A runtime is found in this order: the one installed around the code that calls, the process's default (for threads
that were started without their parent's context), a local one.
"""

from __future__ import annotations

import contextlib
import contextvars
from collections.abc import Iterable, Iterator
from typing import Any, Protocol

from autokitteh._local import LocalRuntime


class Runtime(Protocol):
    """What the SDK's functions ask for."""

    def register_no_activity(self, items: Iterable[Any]) -> None:
        """Run these functions, and all methods of these classes, where they are called."""


class _Default:
    """The process's default; the only state here, since an ambient runtime has to lie somewhere."""

    def __init__(self) -> None:
        self.runtime: Runtime = LocalRuntime()


_CURRENT: contextvars.ContextVar[Runtime] = contextvars.ContextVar("autokitteh_runtime")
_DEFAULT = _Default()


def current() -> Runtime:
    """The runtime of the code that calls."""
    found = _CURRENT.get(None)
    return _DEFAULT.runtime if found is None else found


def set_default(runtime: Runtime | None) -> None:
    """Make this the runtime of all code of the process that has none installed; None for a fresh local one."""
    _DEFAULT.runtime = LocalRuntime() if runtime is None else runtime


@contextlib.contextmanager
def installed(runtime: Runtime) -> Iterator[None]:
    """Make this the runtime of everything called inside."""
    token = _CURRENT.set(runtime)
    try:
        yield
    finally:
        _CURRENT.reset(token)
