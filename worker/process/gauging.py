"""What a build process counts: sessions by how they fare, calls by how they end. Sums go to the supervisor.

The process's environment belongs to the user's project, so there is no metrics library here: ``worker.meter`` sums up,
and the supervisor shows.
"""

from __future__ import annotations

import asyncio
import dataclasses
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
_MOST_RUNS = 10_000  # that are remembered until Temporal has taken their end; the oldest are dropped


@dataclasses.dataclass(slots=True)
class _Run:
    """What a run has told of its state."""

    handler: str
    event_id: str
    told: tuple[str, ...] = ()
    end: str = ""  # that Temporal has not taken yet


class Gauging:
    """Counts for one process.

    A task that Temporal refuses, because something new has arrived, is run again with its lines: what a run says of its
    beginning counts once, and its end when Temporal has taken it.
    """

    def __init__(self, project: str, send: Callable[[Report], None], *, tell_endings: bool = False) -> None:
        self._project = project
        self._send = send
        self._tell_endings = tell_endings
        self._endings: deque[Report] = deque(maxlen=_MOST_RUNS)
        self._runs: dict[str, _Run] = {}
        self.meter = Meter()

    def note(self, batch: LogBatch) -> None:
        """Hear what a session's lines say of its state. On the workflow thread: little work, no I/O to wait for."""
        for line in batch.lines:
            if line.kind != LINE_STATE:
                continue
            state = line.text.partition(":")[0].partition(" ")[0]
            run = self._run(batch)
            if state in ENDED_STATES:
                run.end = state
            elif state not in run.told:
                run.told += (state,)
                self._count(state, batch.workflow_id, batch.run_id, run)

    def ended(self, workflow_id: str, run_id: str) -> None:
        """Temporal has taken the end of a run. On the workflow thread, as ``note``."""
        run = self._runs.pop(run_id, None)
        if run is not None and run.end:
            self._count(run.end, workflow_id, run_id, run)
        if self._tell_endings:
            self._endings.append(Report("ended", message=workflow_id, where=run_id))

    def _run(self, batch: LogBatch) -> _Run:
        found = self._runs.pop(batch.run_id, None) or _Run(batch.handler, batch.event_id)
        self._runs[batch.run_id] = found  # the newest is last
        if len(self._runs) > _MOST_RUNS:
            del self._runs[next(iter(self._runs))]
        return found

    def _count(self, state: str, workflow_id: str, run_id: str, run: _Run) -> None:
        labels = {"project": self._project, "handler": run.handler, "state": state}
        self.meter.count("autokitteh_sessions_total", **labels)
        log(
            action=f"session_{state}",
            session=workflow_id,
            run=run_id,
            handler=run.handler,
            event=run.event_id,
        )

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
