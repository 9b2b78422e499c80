"""Find sessions: Temporal's visibility, narrowed by what the store knows, with what they wait for.

Sessions that Temporal has forgotten are found in the log. What the filters leave of the log is either among what Temporal
gave, or Temporal is asked for it by its id: its lists lag a little, and a session that has just begun is not forgotten.
"""

from __future__ import annotations

import asyncio
import contextlib
import datetime as dt
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Any

from temporalio.api.common.v1 import WorkflowExecution as Execution
from temporalio.api.workflowservice.v1 import GetWorkflowExecutionHistoryReverseRequest
from temporalio.client import Client, WorkflowExecution
from temporalio.service import RPCError

from worker.cli import session_problems
from worker.cli import sessions_view as view
from worker.cli.newest import Newest, by_start
from worker.contracts import ENDED_STATES
from worker.rpc import patiently
from worker.steps import OPEN
from worker.store import Store
from worker.story.build import Collector, entries_of
from worker.story.gather import with_pending
from worker.story.model import Wait
from worker.story.waiting import of_entry, of_task, with_filters

_PAGE = 50
_TOLD = 200  # of so many open sessions it is asked what they wait for
_AT_ONCE = 8
_LATEST_EVENTS = 30
_LOG_PAGE = 200


@dataclass(frozen=True)
class Asked:
    """What a listing is asked for; empty means anything."""

    project: str = ""
    states: tuple[str, ...] = ()
    handler: str = ""
    trigger: str = ""
    event: str = ""
    error: str = ""
    since: dt.datetime | None = None
    until: dt.datetime | None = None
    limit: int = 50


class Finder:
    """Finds sessions with one client and one store."""

    def __init__(self, client: Client, store: Store) -> None:
        self._client = client
        self._store = store

    async def find(self, asked: Asked) -> list[dict[str, Any]]:
        """The sessions in the documented shape, with ``waits_for`` (`Wait`) and ``last_error``."""
        known: set[str] = set()
        missing: list[str] = []
        newest = Newest(asked.limit)
        for part in self._parts(asked, missing):
            async for execution in part:
                if newest.is_beyond(execution):
                    break
                if execution.id in known:
                    continue  # a session that was reset has several runs: the newest counts
                known.add(execution.id)
                session = await view.summary(execution, self._store)
                if fits(session, asked):
                    newest.add(execution, session)
        found = newest.sessions
        await session_problems.add_problems(self._client, newest.executions, found, self._store)
        gone = await self._forgotten(asked, known, missing, newest.back_to)
        if gone:
            found = by_start([*found, *gone])[: asked.limit]
        errors = await asyncio.to_thread(
            self._store.log.last_errors, [item["id"] for item in found if item["state"] == "error"]
        )
        registered = await asyncio.to_thread(
            self._store.mailbox.awaited, [item["id"] for item in found if item["ended_at"] is None]
        )
        gate = asyncio.Semaphore(_AT_ONCE)

        async def ask(session: dict[str, Any]) -> None:
            async with gate:
                with contextlib.suppress(RPCError):
                    found = await self._waits_for(session["id"])
                    known = registered.get(session["id"], [])
                    session["waits_for"] = [with_filters(wait, known) for wait in found]
            if not session["waits_for"]:  # a wait without a time limit: what the session is registered for
                session["waits_for"] = [Wait(text) for text in registered.get(session["id"], [])]

        for session in found:
            session |= {"waits_for": [], "last_error": errors.get(session["id"])}
        still = [item for item in found if item["ended_at"] is None]
        await asyncio.gather(*(ask(session) for session in still[:_TOLD]))
        return found

    def _parts(self, asked: Asked, missing: list[str]) -> list[AsyncIterator[WorkflowExecution]]:
        """Where to look, each in an order that `Newest` knows; what Temporal has not is ``missing``."""
        query = query_of(asked)
        if by_store(asked):
            return [self._of_candidates(asked, query, missing)]
        return [
            self._client.list_workflows(f"{query} AND {status}")
            for status in (view.OPEN_RUN, view.CLOSED_RUN)
        ]

    async def _of_candidates(
        self, asked: Asked, query: str, missing: list[str]
    ) -> AsyncIterator[WorkflowExecution]:
        """By what the store knows, newest first."""
        async for identifiers in self._candidates(asked):
            names = ", ".join(view.quoted(item) for item in identifiers)
            within = " AND ".join(filter(None, (f"WorkflowId IN ({names})", query)))
            known = {execution.id: execution async for execution in self._client.list_workflows(within)}
            missing += [identifier for identifier in identifiers if identifier not in known]
            for identifier in identifiers:
                if identifier in known:
                    yield known[identifier]

    async def _candidates(self, asked: Asked) -> AsyncIterator[list[str]]:
        """Session ids page by page: those of an event, or with an error of this text, or of a trigger."""
        if asked.event:
            deliveries = await asyncio.to_thread(self._store.events.deliveries, asked.event)
            ids = list(dict.fromkeys(item.session_id for item in deliveries if item.session_id))
            for at in range(0, len(ids), _PAGE):
                yield ids[at : at + _PAGE]
            return
        before: int | None = None
        while True:
            if asked.error:
                page = await asyncio.to_thread(self._store.log.failed, asked.error, before, _PAGE)
            else:
                page = await asyncio.to_thread(
                    self._store.events.started_by, asked.project, asked.trigger, before, _PAGE
                )
            if not page:
                return
            before = page[-1][0]
            yield [identifier for _, identifier in page]

    async def _forgotten(
        self, asked: Asked, known: set[str], missing: Sequence[str], back_to: dt.datetime | None
    ) -> list[dict[str, Any]]:
        """Sessions of which only the log is left: those that began after ``back_to``, at most as many as asked for."""
        if asked.states and not {*ENDED_STATES} & set(asked.states):
            return []
        found: list[dict[str, Any]] = []
        gate = asyncio.Semaphore(_AT_ONCE)

        async def is_gone(session: dict[str, Any]) -> bool:
            async with gate:
                return await view.state_now(self._client, session["id"]) is None

        async for identifiers in self._logged(asked, missing, back_to):
            fresh = [item for item in dict.fromkeys(identifiers) if item not in known]
            known.update(fresh)
            likely = await asyncio.to_thread(self._from_logs, fresh, asked)
            gone = await asyncio.gather(*map(is_gone, likely))
            found += [session for session, is_so in zip(likely, gone, strict=True) if is_so]
            if len(found) >= asked.limit:
                break
        return found

    async def _logged(
        self, asked: Asked, missing: Sequence[str], back_to: dt.datetime | None
    ) -> AsyncIterator[Sequence[str]]:
        """Ids of sessions that have a log, page by page, newest first."""
        if by_store(asked):
            for at in range(0, len(missing), _LOG_PAGE):
                yield missing[at : at + _LOG_PAGE]
            return
        before: int | None = None
        while True:
            page = await asyncio.to_thread(
                self._store.log.begun,
                *(asked.project, asked.handler, asked.since, asked.until),
                before=before,
                limit=_LOG_PAGE,
            )
            yield [identifier for _, at, identifier in page if back_to is None or at >= back_to]
            if len(page) < _LOG_PAGE or (back_to is not None and page[-1][1] < back_to):
                return
            before = page[-1][0]

    def _from_logs(self, identifiers: Sequence[str], asked: Asked) -> list[dict[str, Any]]:
        """What the logs of these sessions say, of those that fit."""
        lines = self._store.log.outlines(identifiers)
        found = []
        for identifier in identifiers:
            session = view.from_log(lines.get(identifier, []))
            if session is None or not log_fits(session, asked):
                continue
            start = self._store.events.start_of(identifier)
            if start is not None:
                session |= {"trigger": start.trigger, "event_id": start.event_id}
            if not asked.trigger or session["trigger"] == asked.trigger:
                found.append(session)
        return found

    async def _waits_for(self, identifier: str) -> list[Wait]:
        """What an open session waits for, from its last events and what Temporal's server knows."""
        described = await self._client.get_workflow_handle(identifier).describe()
        answer = await patiently(
            self._client.workflow_service.get_workflow_execution_history_reverse,
            GetWorkflowExecutionHistoryReverseRequest(
                namespace=self._client.namespace,
                execution=Execution(workflow_id=identifier, run_id=described.run_id),
                maximum_page_size=_LATEST_EVENTS,
            ),
        )
        collector = Collector()
        for event in reversed(answer.history.events):
            collector.read(event)
        still = [step for step in collector.steps if step.state == OPEN]
        entries = with_pending(entries_of(collector, still, []), still, described)
        found = [wait for wait in map(of_entry, entries) if wait is not None]
        if not found:
            found = [
                Wait(f"{item.activity_type.name}" + (f", attempt {item.attempt}" if item.attempt > 1 else ""))
                for item in described.raw_description.pending_activities
            ]
        task = of_task(described)
        return [*found, *([task] if task is not None else [])]


def fits(session: dict[str, Any], asked: Asked) -> bool:
    """What Temporal cannot be asked."""
    if asked.states and session["state"] not in asked.states:
        return False
    if asked.trigger and session["trigger"] != asked.trigger:
        return False
    plain = asked.handler and ":" not in asked.handler and not asked.handler.endswith(".py")
    return not plain or session["handler"].rpartition(":")[2] == asked.handler


def log_fits(session: dict[str, Any], asked: Asked) -> bool:
    """What Temporal was asked for the others, and what it cannot be asked; but the trigger."""
    handler = session["handler"] or ""
    if asked.project and session["project"] != asked.project:
        return False
    if ":" in asked.handler and handler != asked.handler:
        return False
    if asked.handler.endswith(".py") and not handler.startswith(f"{asked.handler}:"):
        return False
    if asked.since is not None and session["started_at"] < asked.since:
        return False
    if asked.until is not None and session["started_at"] > asked.until:
        return False
    return fits(session | {"handler": handler, "trigger": asked.trigger}, asked)


def by_store(asked: Asked) -> bool:
    """Whether the store says which sessions it can be."""
    return bool(asked.event or asked.error or asked.trigger)


def query_of(asked: Asked) -> str:
    """The visibility query."""
    parts = [view.query_of(asked.project, asked.states)]
    if ":" in asked.handler:
        parts.append(f"WorkflowType = {view.quoted(asked.handler)}")
    elif asked.handler.endswith(".py"):
        parts.append(f"WorkflowType STARTS_WITH {view.quoted(asked.handler + ':')}")
    if asked.since is not None:
        parts.append(f"StartTime >= {view.quoted(asked.since.isoformat())}")
    if asked.until is not None:
        parts.append(f"StartTime <= {view.quoted(asked.until.isoformat())}")
    return " AND ".join(filter(None, parts))
