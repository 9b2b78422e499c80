"""How long a process has had nothing to do: no activation, no activity under way.

A supervisor stops an idle process of a deployment that drains; Temporal's backlog says when it is needed again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from temporalio.worker import ActivityInboundInterceptor, ExecuteActivityInput, Interceptor

from worker import clock


class Idleness(Interceptor):
    """Sees every activity through temporalio's interceptors; activations are told by ``touch``."""

    def __init__(self, monotonic: Callable[[], float] = clock.monotonic) -> None:
        self._monotonic = monotonic
        self._under_way = 0
        self._since = monotonic()

    def touch(self) -> None:
        """Something was done just now."""
        self._since = self._monotonic()

    def seconds(self) -> float:
        """How long nothing was done."""
        return 0.0 if self._under_way else self._monotonic() - self._since

    async def tell(self, after_seconds: float, say: Callable[[], None]) -> None:
        """Say that the process is idle, again and again while it lasts; 0 seconds: never."""
        while after_seconds:
            await asyncio.sleep(after_seconds / 2)
            if self.seconds() >= after_seconds:
                say()

    def intercept_activity(self, next: ActivityInboundInterceptor) -> ActivityInboundInterceptor:  # noqa: A002 - temporalio's name
        """Stand around every activity."""
        return _Busy(next, self)


class _Busy(ActivityInboundInterceptor):
    def __init__(self, inner: ActivityInboundInterceptor, idleness: Idleness) -> None:
        super().__init__(inner)
        self._idleness = idleness

    async def execute_activity(self, input: ExecuteActivityInput) -> Any:  # noqa: A002 - temporalio's name
        self._idleness._under_way += 1
        try:
            return await self.next.execute_activity(input)
        finally:
            self._idleness._under_way -= 1
            self._idleness.touch()
