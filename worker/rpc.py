"""What Temporal's errors mean.

A server under load can forget its namespace for a moment and then says NOT_FOUND to everything; taken for "this session
has ended", an event would be lost. Such calls are repeated for a while, and never mean that something is gone.
"""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Awaitable, Callable
from typing import Any, Final

from temporalio.client import Interceptor, OutboundInterceptor
from temporalio.service import RPCError, RPCStatusCode

_ATTEMPTS: Final = 20
_PAUSE_SECONDS: Final = 0.25


def is_gone(error: RPCError) -> bool:
    """Whether what was asked for does not exist."""
    return error.status == RPCStatusCode.NOT_FOUND and not forgot_namespace(error)


def forgot_namespace(error: RPCError) -> bool:
    """Whether the server says that there is no such namespace, which a client that connected knows better."""
    return error.status == RPCStatusCode.NOT_FOUND and error.message.startswith("Namespace ")


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
