"""A session's history from Temporal, with the large values that lie in the store."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from google.protobuf.message import Message
from temporalio.api.common.v1 import Payload
from temporalio.api.enums.v1 import EventType
from temporalio.api.history.v1 import HistoryEvent
from temporalio.client import Client
from temporalio.service import RPCError

from worker.errors import NotFoundError, WorkerError
from worker.payload.large import REFERENCE
from worker.rpc import is_gone


@dataclass(frozen=True)
class Start:
    """How a run was started."""

    handler: str
    project: str
    input: list[Payload]
    memo: dict[str, str]
    first_run: str  # empty unless the session has restarted itself since


async def events_of(client: Client, session: str) -> list[HistoryEvent]:
    """All events of the session's latest run; what lies in the store is filled in.

    Raises:
        PayloadError: a large value is not in the store.
        NotFoundError: Temporal does not keep the history any more.
    """
    try:
        events = [event async for event in client.get_workflow_handle(session).fetch_history_events()]
    except RPCError as error:
        if not is_gone(error):
            raise
        raise gone(session) from None
    codec = client.data_converter.payload_codec
    for event in events:
        for payload in payloads_in(event):
            if codec is not None and REFERENCE in payload.metadata:
                payload.CopyFrom((await codec.decode([payload]))[0])
    return events


async def first_event(client: Client, session: str, run: str | None = None) -> list[HistoryEvent]:
    """How a run began, and maybe more.

    Raises:
        NotFoundError: Temporal does not keep it any more.
    """
    handle = client.get_workflow_handle(session, run_id=run)
    try:
        async for event in handle.fetch_history_events(page_size=1):
            return [event]
    except RPCError as error:
        if not is_gone(error):
            raise
    raise gone(session, "the beginning")


def gone(session: str, what: str = "the history") -> NotFoundError:
    """The error for a session of which the log alone is left."""
    return NotFoundError(
        f"Temporal does not keep {what} of {session} any more",
        hint=f"Its log is: `ak session log {session}`",
    )


async def start_of(client: Client, events: list[HistoryEvent]) -> Start:
    """How the run was started, from its first event.

    Raises:
        WorkerError: Temporal has its beginning no more.
    """
    first = events[0] if events else HistoryEvent()
    if first.event_type != EventType.EVENT_TYPE_WORKFLOW_EXECUTION_STARTED:
        raise WorkerError("the history of this session has no beginning", hint="Was it started by ak?")
    facts = first.workflow_execution_started_event_attributes
    memo: dict[str, str] = {}
    for name, payload in facts.memo.fields.items():
        memo[name] = (await client.data_converter.decode([payload]))[0]
    return Start(
        facts.workflow_type.name,
        facts.task_queue.name,
        list(facts.input.payloads),
        memo,
        facts.first_execution_run_id if facts.continued_execution_run_id else "",
    )


def payloads_in(message: Message) -> Iterator[Payload]:
    """Every payload in a message of Temporal's, wherever it stands."""
    if isinstance(message, Payload):
        yield message
        return
    for field, value in message.ListFields():
        if field.message_type is None:
            continue
        if field.message_type.GetOptions().map_entry:
            values: Any = value.values() if field.message_type.fields_by_name["value"].message_type else ()
        else:
            values = value if field.is_repeated else (value,)
        for item in values:
            yield from payloads_in(item)
