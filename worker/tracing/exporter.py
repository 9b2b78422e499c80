"""Send traces to a collector: made when ``OTEL_EXPORTER_OTLP_ENDPOINT`` is set, absent otherwise.

Best effort: a collector that is away, or a supervisor that is killed before a session's spans have left, costs spans and
nothing else.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any

from opentelemetry.sdk.resources import SERVICE_NAME, Resource
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.sampling import ALWAYS_ON, Decision, ParentBasedTraceIdRatio, Sampler
from opentelemetry.trace import Link, SpanContext, SpanKind, TraceFlags
from opentelemetry.trace.status import Status, StatusCode
from temporalio.api.enums.v1 import EventType
from temporalio.client import Client, WorkflowExecutionDescription, WorkflowExecutionStatus

from worker import contracts
from worker.log import log
from worker.steps import steps_of
from worker.store import Store
from worker.store.records import Event
from worker.tracing import spans
from worker.tracing.collector import Sender
from worker.tracing.spans import Place, SessionFacts, Span

_WAITING_SESSIONS = 1_000
_DEEPEST_CHILD = 20
_LONGEST_HISTORY = 10_000  # events; a longer run is one span without steps
_DRAIN_SECONDS = 5.0
_KINDS = {
    "server": SpanKind.SERVER,
    "client": SpanKind.CLIENT,
    "producer": SpanKind.PRODUCER,
    "internal": SpanKind.INTERNAL,
}
_STATES = {
    WorkflowExecutionStatus.COMPLETED: "completed",
    WorkflowExecutionStatus.FAILED: "error",
    WorkflowExecutionStatus.TIMED_OUT: "error",
    WorkflowExecutionStatus.CANCELED: "stopped",
    WorkflowExecutionStatus.TERMINATED: "stopped",
    WorkflowExecutionStatus.CONTINUED_AS_NEW: "restarted",
}


def described() -> Resource:
    """What the spans come from: ``autokitteh``, unless OTEL_SERVICE_NAME or OTEL_RESOURCE_ATTRIBUTES say otherwise."""
    found = Resource.create()
    named = not str(found.attributes[SERVICE_NAME]).startswith("unknown_service")
    return found if named else found.merge(Resource({SERVICE_NAME: "autokitteh"}))


class Tracing:
    """Turns what happened into spans and sends them in the background."""

    def __init__(self, store: Store, client: Client, sender: Sender, *, ratio: float = 1.0) -> None:
        self._store = store
        self._client = client
        self._sender = sender
        self._processor = BatchSpanProcessor(sender)
        self._resource = described()
        self._sampler: Sampler = ALWAYS_ON if ratio >= 1 else ParentBasedTraceIdRatio(ratio)
        self._ended: asyncio.Queue[tuple[str, str]] = asyncio.Queue(_WAITING_SESSIONS)

    def webhook(self, event: Event, seconds: float, status: int) -> None:
        """A webhook was answered."""
        self.send([spans.arrival(event, seconds, status)])

    def session_ended(self, workflow_id: str, run_id: str) -> None:
        """A session has ended; its spans are made soon."""
        try:
            self._ended.put_nowait((workflow_id, run_id))
        except asyncio.QueueFull:
            log(action="trace_dropped", level="warning", session=workflow_id)

    async def run(self) -> None:
        """Make the spans of ended sessions, until cancelled."""
        while True:
            workflow_id, run_id = await self._ended.get()
            try:
                self.send(await self.spans_of(workflow_id, run_id))
            except Exception as error:
                reason = f"{type(error).__name__}: {error}"
                log(action="trace_failed", level="warning", session=workflow_id, error=reason)
            finally:
                self._ended.task_done()

    async def close(self) -> None:
        """Send what is left, for a few seconds."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_DRAIN_SECONDS):
                await self._ended.join()
        if self._sender.away:
            self._sender.shutdown()
        await asyncio.to_thread(self._processor.shutdown)

    async def spans_of(self, workflow_id: str, run_id: str) -> list[Span]:
        """The spans of one run."""
        handle = self._client.get_workflow_handle(workflow_id, run_id=run_id)
        described = await handle.describe()
        events: list[Any] = []
        if described.history_length <= _LONGEST_HISTORY:
            events = list((await handle.fetch_history()).events)
        memo = await described.memo()
        facts = SessionFacts(
            id=workflow_id,
            run_id=run_id,
            project=described.task_queue,
            handler=described.workflow_type,
            state=_STATES.get(described.status or WorkflowExecutionStatus.RUNNING, "running"),
            began=described.start_time,
            ended=described.close_time or described.start_time,
            event_id=str(memo.get(contracts.MEMO_EVENT_ID) or ""),
            trigger=str(memo.get(contracts.MEMO_TRIGGER) or ""),
            error=_failure(events),
            received=await self._received(events),
        )
        return spans.session(facts, await self.place(described), steps_of(events))

    async def place(self, described: WorkflowExecutionDescription, depth: int = 0) -> Place:
        """Where a session's span hangs: under its event, its parent, or nothing."""
        memo = await described.memo()
        event_id, parent = memo.get(contracts.MEMO_EVENT_ID), memo.get(contracts.MEMO_PARENT)
        if event_id:
            event = await asyncio.to_thread(self._store.events.get, event_id)
            return spans.under_event(event_id, event.data if event is not None else None)
        if parent and depth < _DEEPEST_CHILD:
            above = await self._client.get_workflow_handle(parent).describe()
            return spans.under_parent(await self.place(above, depth + 1), described.id)
        return spans.by_hand(described.id)

    async def _received(self, events: list[Any]) -> tuple[tuple[str, Any], ...]:
        found = []
        for event in events:
            if event.event_type != EventType.EVENT_TYPE_WORKFLOW_EXECUTION_SIGNALED:
                continue
            signal = event.workflow_execution_signaled_event_attributes
            if signal.signal_name == contracts.SIGNAL_EVENT and signal.input.payloads:
                values = await self._client.data_converter.decode([signal.input.payloads[0]])
                if isinstance(values[0], dict) and values[0].get("id"):
                    found.append(str(values[0]["id"]))
        get = self._store.events.get
        stored = await asyncio.to_thread(lambda: [get(item) for item in found])
        return tuple(
            (item, event.data if event is not None else None)
            for item, event in zip(found, stored, strict=True)
        )

    def send(self, made: list[Span]) -> None:
        """Hand spans to the background sender."""
        for span in made:
            chosen = self._sampler.should_sample(None, span.place.trace, span.name)
            if chosen.decision is Decision.RECORD_AND_SAMPLE:
                self._processor.on_end(self._readable(span))

    def _readable(self, span: Span) -> ReadableSpan:
        trace = span.place.trace
        error = Status(StatusCode.ERROR, span.error) if span.error else Status(StatusCode.UNSET)
        return ReadableSpan(
            name=span.name,
            context=_context(trace, span.identifier),
            parent=_context(trace, span.place.parent) if span.place.parent else None,
            resource=self._resource,
            attributes=span.attributes,
            links=[Link(_context(*link)) for link in span.links],
            kind=_KINDS[span.kind],
            status=error,
            start_time=_nanoseconds(span.began),
            end_time=max(_nanoseconds(span.ended), _nanoseconds(span.began)),
        )


@contextlib.asynccontextmanager
async def tracing(store: Store, client: Client, sender: Sender, *, ratio: float) -> AsyncIterator[Tracing]:
    """A running exporter; what it has is sent on the way out."""
    made = Tracing(store, client, sender, ratio=ratio)
    task = asyncio.create_task(made.run(), name="tracing")
    try:
        yield made
    finally:
        await made.close()
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def _context(trace: int, span: int) -> SpanContext:
    return SpanContext(trace, span, is_remote=False, trace_flags=TraceFlags(TraceFlags.SAMPLED))


def _nanoseconds(moment: Any) -> int:
    return int(moment.timestamp() * 1_000_000) * 1_000


def _failure(events: list[Any]) -> str:
    for event in reversed(events):
        if event.event_type == EventType.EVENT_TYPE_WORKFLOW_EXECUTION_FAILED:
            return str(event.workflow_execution_failed_event_attributes.failure.message)
    return ""
