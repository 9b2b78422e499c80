"""What a session waits for now, from what Temporal and the store know; asked of its process only for details."""

from __future__ import annotations

import asyncio
import contextlib
import datetime as dt
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from temporalio.client import Client, WorkflowExecutionDescription

from worker import clock
from worker.steps import CHILD, OPEN, SIGNAL, SLEEP, WAIT
from worker.story.model import Entry, Wait

if TYPE_CHECKING:
    from worker.store import Store

_QUERY_SECONDS = 2.0
_PATIENCE_SECONDS = 10.0
_WAITING = "waiting for "


async def waits_for(
    client: Client, store: Store, described: WorkflowExecutionDescription, entries: Sequence[Entry]
) -> tuple[Wait, ...]:
    """One for each thing: what is open, else what it is registered for; and a worker that does not come."""
    found = [wait for wait in (*map(of_entry, entries), of_task(described)) if wait is not None]
    if not found:
        return tuple(map(Wait, await of_session(client, store, described.id)))
    registered = await asyncio.to_thread(store.mailbox.awaited, [described.id])
    return tuple(with_filters(wait, registered.get(described.id, [])) for wait in found)


def with_filters(wait: Wait, registered: Sequence[str]) -> Wait:
    """A wait for an event, with what the session has subscribed to; any other wait as it is."""
    events = [item for item in registered if item.startswith("an event of")]
    if not events or not wait.text.startswith("an event"):
        return wait
    return replace(wait, text=f"{wait.text} ({'; '.join(events)})")


def of_entry(entry: Entry) -> Wait | None:
    """What an open step waits for; None for one that is no wait."""
    if entry.state != OPEN or not entry.n or entry.kind in {CHILD, SIGNAL}:
        return None
    where = f" at {entry.where}" if entry.where else ""
    if entry.kind in {SLEEP, WAIT}:
        what = f"the end of {entry.text}" if entry.kind == SLEEP else entry.text.removeprefix("wait for ")
        return Wait(f"{what}{where}", until=entry.until)
    if entry.attempts <= 1:
        return Wait(f"{entry.text}{where}")
    return Wait(
        f"{entry.text}{where}",
        until=entry.next_attempt_at,
        attempt=entry.attempts,
        failure=entry.last_failure or "",
    )


def of_task(described: WorkflowExecutionDescription) -> Wait | None:
    """A worker, when nobody has taken the session's next step for a while or nobody can."""
    raw = described.raw_description
    if not raw.HasField("pending_workflow_task"):
        return None
    task = raw.pending_workflow_task
    scheduled = task.original_scheduled_time.ToDatetime(tzinfo=dt.UTC)
    if task.attempt > 1:
        failed = task.attempt - 1  # the last one is under way
        tries = "one attempt" if failed == 1 else f"{failed} attempts"
        return Wait(f"a worker that can go on with it: {tries} failed", since=scheduled)
    if (clock.now() - scheduled).total_seconds() > _PATIENCE_SECONDS:
        return Wait(
            "a worker (does `ak up` or `ak worker` run?): nobody has taken its next step", since=scheduled
        )
    return None


async def of_session(client: Client, store: Store, identifier: str) -> list[str]:
    """A wait without a time limit leaves no trace in the history: ask the session, and the store what it registered."""
    registered = (await asyncio.to_thread(store.mailbox.awaited, [identifier])).get(identifier, [])
    details = ""
    # Whatever its process answers, or does not: what is registered is known anyway.
    with contextlib.suppress(Exception):
        async with asyncio.timeout(_QUERY_SECONDS):
            answer: Any = await client.get_workflow_handle(identifier).query(
                "state", rpc_timeout=dt.timedelta(seconds=_QUERY_SECONDS)
            )
        details = str(answer.get("details", "")).strip().splitlines()[-1].replace("`", "")
    if not details.startswith(_WAITING):
        return registered
    return [with_filters(Wait(details.removeprefix(_WAITING)), registered).text]
