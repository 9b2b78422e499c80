"""The door to whatever runs the program: a session, an activity, or nothing at all.

The SDK owns this interface and the worker implements it; the SDK never imports the worker. Outside a session a small
local runtime answers, so that handlers can be called in plain tests.

A runtime is found in this order: the one installed around the code that calls, the process's default (for threads
that were started without their parent's context), a local one.
"""

from __future__ import annotations

import contextlib
import contextvars
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, NoReturn, Protocol

from autokitteh._local import LocalRuntime
from autokitteh.event import Event


class Runtime(Protocol):
    """What the SDK's functions ask for."""

    def register_no_activity(self, items: Iterable[Any]) -> None:
        """Run these functions, and all methods of these classes, where they are called."""

    def subscribe(self, source: str, filter_text: str, /) -> str:
        """Register for events; returns the subscription's id."""

    def unsubscribe(self, subscription_id: str, /) -> None:
        """End a subscription."""

    def next_event(self, ids: list[str], timeout: float | None, /) -> Event | None:
        """Wait, at most so many seconds, for an event of one of these subscriptions."""

    def start(
        self, loc: str, data: dict[str, Any] | None, memo: dict[str, str] | None, project: str, /
    ) -> str:
        """Start a child session; returns its id."""

    def restart(self, data: dict[str, Any] | None, /) -> NoReturn:
        """End this run; the session goes on with a new one."""

    def signal(self, session_id: str | None, name: str, payload: Any, /) -> None:
        """Signal one session, or all of the project that wait for the name."""

    def next_signal(self, names: list[str], timeout: float | None, /) -> tuple[str, Any] | None:
        """Wait, at most so many seconds, for a signal of one of these names."""

    def outcome(self, value: dict[str, Any], event_id: str | None, /) -> None:
        """Answer an event."""

    def value(self, op: str, key: str, /, *args: Any) -> Any:
        """One operation on a value of the project; ``get`` returns whether there is one, and the value."""

    def value_keys(self) -> list[str]:
        """All keys of the project, sorted."""

    def publish(self, key: str, /, *, published: bool) -> None:
        """Let everybody read a value, or nobody."""

    def parallel(self, calls: list[Callable[[], Any]], limit: int, /) -> list[Any]:
        """Make calls at the same time."""

    def webhook_url(self, trigger_name: str, /) -> str:
        """The address of a webhook."""

    def connection(self, name: str, /) -> Mapping[str, str] | None:
        """The variables of a connection as they are now; None where the environment says what they are."""

    def store_public_url(self) -> str:
        """Where published values are read."""


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
