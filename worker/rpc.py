"""What Temporal's errors mean.

A server under load can forget its namespace for a moment and then says NOT_FOUND to everything; taken for "this session
has ended", an event would be lost. Such calls are repeated for a while, and never mean that something is gone.

It can also be busy: what it knows about versions is answered by workflows of its own, and when those have much to do it
says RESOURCE_EXHAUSTED ("consistent query buffer is full"). temporalio repeats the calls of its client, not those that
are made with requests of one's own: ``patiently`` does.
"""

from __future__ import annotations

import asyncio
import inspect
import re
from collections.abc import Awaitable, Callable
from typing import Any, Final, TypeVar

from temporalio.client import Interceptor, OutboundInterceptor
from temporalio.service import RPCError, RPCStatusCode

from worker import clock
from worker.errors import TemporalError

Q = TypeVar("Q")
A = TypeVar("A")
_ATTEMPTS: Final = 20
_PAUSE_SECONDS: Final = 0.25
_BUSY_SECONDS: Final = 30.0


_AWAY: Final = frozenset(
    {RPCStatusCode.UNAVAILABLE, RPCStatusCode.DEADLINE_EXCEEDED, RPCStatusCode.RESOURCE_EXHAUSTED}
)
_NOT_ALLOWED: Final = frozenset({RPCStatusCode.UNAUTHENTICATED, RPCStatusCode.PERMISSION_DENIED})
_INNERMOST: Final = re.compile(r'(?:message|error): "([^"]+)"')
# What the client library says with the names of its own types.
_CAUSES: Final = (
    ("InvalidContentType", "it does not speak TLS"),
    ("invalid peer certificate: Expired", "its certificate has expired"),
    ("invalid peer certificate: UnknownIssuer", "nobody whom we trust has signed its certificate"),
    ("invalid peer certificate: NotValidForName", "its certificate is for another name"),
    ("http2 error", "it is no Temporal"),
)
CREDENTIALS_HINT: Final = "Check TEMPORAL_API_KEY, or the TEMPORAL_TLS_… certificate, and what they allow."


def refused(what: str, error: RPCError) -> TemporalError:
    """Temporal did not do something, and what to do about that: ``what`` says which thing."""
    if error.status in _NOT_ALLOWED:
        hint = CREDENTIALS_HINT
    elif error.status in _AWAY:
        hint = "It is down, or has too much to do: try again; `ak doctor` looks for the cause."
    else:
        hint = "Try again; `ak doctor` looks for the cause."
    return TemporalError(f"{what}: {reason(error)}", hint=hint)


def reason(error: Exception) -> str:
    """What is wrong, without the layers of the client library around it."""
    text = error.message if isinstance(error, RPCError) else str(error)
    known = next((told for part, told in _CAUSES if part in text), "")
    if known:
        return known
    found = _INNERMOST.findall(text)
    return str(found[-1]) if found else (text.splitlines() or [type(error).__name__])[0]


def is_gone(error: RPCError) -> bool:
    """Whether what was asked for does not exist."""
    return error.status == RPCStatusCode.NOT_FOUND and not forgot_namespace(error)


def forgot_namespace(error: RPCError) -> bool:
    """Whether the server says that there is no such namespace, which a client that connected knows better."""
    return error.status == RPCStatusCode.NOT_FOUND and error.message.startswith("Namespace ")


def is_away(error: RPCError) -> bool:
    """Whether the server does not answer, or not in time; it may come back."""
    return error.status in _AWAY or forgot_namespace(error)


def is_busy(error: RPCError) -> bool:
    """Whether the server has done nothing and may do it a moment later."""
    return error.status == RPCStatusCode.RESOURCE_EXHAUSTED or forgot_namespace(error)


async def patiently(call: Callable[[Q], Awaitable[A]], request: Q) -> A:
    """Make a call that can be repeated, again while the server is busy.

    Raises:
        RPCError: any other error, or it was busy for half a minute.
    """
    end = clock.monotonic() + _BUSY_SECONDS
    while True:
        try:
            return await call(request)
        except RPCError as error:
            if not is_busy(error) or clock.monotonic() > end:
                raise
        await asyncio.sleep(_PAUSE_SECONDS)


class Patience(Interceptor):
    """Repeats calls to a server that forgot its namespace: it has done nothing."""

    def intercept_client(self, next: OutboundInterceptor) -> OutboundInterceptor:  # noqa: A002 - temporalio's name
        """Stand before all calls that give one answer."""
        return _Patient(next)


class _Patient(OutboundInterceptor):
    pass


def _repeating(name: str) -> Callable[[Any, Any], Awaitable[Any]]:
    async def call(self: Any, given: Any) -> Any:
        for _ in range(_ATTEMPTS - 1):
            try:
                return await getattr(self.next, name)(given)
            except RPCError as error:
                if not forgot_namespace(error):
                    raise
            await asyncio.sleep(_PAUSE_SECONDS)
        return await getattr(self.next, name)(given)

    return call


for _name, _function in vars(OutboundInterceptor).items():
    if inspect.iscoroutinefunction(_function):
        setattr(_Patient, _name, _repeating(_name))
