"""What a build process counts: sessions by how they fare, calls by how they end. Sums go to the supervisor.

The process's environment belongs to the user's project, so there is no metrics library here: ``worker.meter`` sums up,
and the supervisor shows.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Any

from temporalio import activity
from temporalio.worker import ActivityInboundInterceptor, ExecuteActivityInput, Interceptor

from worker import clock
from worker.contracts import ENDED_STATES, LINE_STATE, LogBatch, Report
from worker.log import log
from worker.meter import Meter

_REPORT_SECONDS = 2.0
_MOST_ENDINGS = 10_000  # kept until they are handed over; the oldest are dropped


class Gauging:
    """Counts for one process."""

    def __init__(self, project: str, send: Callable[[Report], None], *, tell_endings: bool = False) -> None:
        self._project = project
        self._send = send
        self._tell_endings = tell_endings
        self._endings: deque[Report] = deque(maxlen=_MOST_ENDINGS)
        self.meter = Meter()

    def note(self, batch: LogBatch) -> None:
        """Count what a session's lines say of its state. On the workflow thread: a few additions, no I/O to wait for."""
        for line in batch.lines:
            if line.kind != LINE_STATE:
                continue
            state = line.text.partition(":")[0].partition(" ")[0]
            self.meter.count(
                "autokitteh_sessions_total", project=self._project, handler=batch.handler, state=state
            )
            log(
                action=f"session_{state}",
                session=batch.workflow_id,
                run=batch.run_id,
                handler=batch.handler,
                event=batch.event_id,
            )
            if state in ENDED_STATES and self._tell_endings:
                self._endings.append(Report("ended", message=batch.workflow_id, where=batch.run_id))

    async def report(self) -> None:
        """Hand over the sums now and then, until cancelled; what is left at the end by ``flush``."""
        while True:
            await asyncio.sleep(_REPORT_SECONDS)
            self.flush()

    def flush(self) -> None:
        """Hand over the sums."""
        while self._endings:
            self._send(self._endings.popleft())
        sums = self.meter.take()
        if sums:
            self._send(Report("metrics", sums=sums))

    def interceptor(self) -> Interceptor:
        """Counts the attempts of activities."""
        return _Interceptor(self._project, self.meter)


class _Interceptor(Interceptor):
    def __init__(self, project: str, meter: Meter) -> None:
        self._project = project
        self._meter = meter

    def intercept_activity(self, next: ActivityInboundInterceptor) -> ActivityInboundInterceptor:  # noqa: A002
        return _Counting(next, self._project, self._meter)


class _Counting(ActivityInboundInterceptor):
    def __init__(self, inner: ActivityInboundInterceptor, project: str, meter: Meter) -> None:
        super().__init__(inner)
        self._project = project
        self._meter = meter

    async def execute_activity(self, input: ExecuteActivityInput) -> Any:  # noqa: A002
        began = clock.monotonic()
        outcome = "failed"
        try:
            result = await super().execute_activity(input)
            outcome = "done"
        except asyncio.CancelledError:
            outcome = "canceled"
            raise
        else:
            return result
        finally:
            labels = {"project": self._project, "name": activity.info().activity_type}
            self._meter.count("autokitteh_calls_total", outcome=outcome, **labels)
            self._meter.observe("autokitteh_call_seconds", clock.monotonic() - began, **labels)
