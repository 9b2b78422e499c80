"""Sessions as Temporal has them, in the documented shape."""

from __future__ import annotations

import contextlib
import datetime as dt
from collections.abc import Iterable, Mapping
from typing import Any

from temporalio.api.enums.v1 import EventType
from temporalio.api.history.v1 import HistoryEvent
from temporalio.client import (
    Client,
    WorkflowExecution,
    WorkflowExecutionDescription,
    WorkflowExecutionStatus,
    WorkflowHistoryEventFilterType,
)
from temporalio.converter import DataConverter
from temporalio.service import RPCError, RPCStatusCode

from worker import moving
from worker.cli import nearest, session_problems
from worker.cli.newest import Newest
from worker.contracts import (
    ENDED_STATES,
    LINE_ERROR,
    LINE_STATE,
    MEMO_BEGAN,
    MEMO_EVENT_ID,
    MEMO_FORKED_AT,
    MEMO_FORKED_FROM,
    MEMO_RESTARTED_FROM,
    MEMO_RESTARTS,
    MEMO_TRIGGER,
    edited_result,
)
from worker.errors import NotFoundError, UsageError
from worker.rpc import is_gone, refused
from worker.store import Store
from worker.store.log import BEGINNINGS, headline_of
from worker.store.records import Delivery, StoredLine

STATES = ("created", "running", "completed", "error", "stopped")
_STATUS_OF = {
    "created": ("Running",),
    "running": ("Running",),
    "completed": ("Completed",),
    "error": ("Failed", "TimedOut"),
    "stopped": ("Canceled", "Terminated"),
}
_ALIKE = 50  # executions asked for by the beginning of an id
_NAMED = 3  # sessions named of those that begin alike
_NEWEST = 500  # sessions among which the nearest is looked for
_NOT_BEGUN_EVENTS = 2  # a started run and its first scheduled task
_LATEST_RUN = 'ExecutionStatus != "ContinuedAsNew"'  # a session that restarted is its latest run
OPEN_RUN, CLOSED_RUN = 'ExecutionStatus = "Running"', 'ExecutionStatus != "Running"'
_PREFIX = "ses_"


def state_of(execution: WorkflowExecution) -> str:
    """The session's state for the workflow's status."""
    status = execution.status
    # A run that has restarted is followed by another one, which may not be what Temporal tells of yet.
    if status in {WorkflowExecutionStatus.RUNNING, WorkflowExecutionStatus.CONTINUED_AS_NEW, None}:
        first = execution.raw_info.first_run_id in {"", execution.run_id}
        return "created" if first and 0 < execution.history_length <= _NOT_BEGUN_EVENTS else "running"
    if status in {WorkflowExecutionStatus.CANCELED, WorkflowExecutionStatus.TERMINATED}:
        return "stopped"
    if status in {WorkflowExecutionStatus.FAILED, WorkflowExecutionStatus.TIMED_OUT}:
        return "error"
    return "completed"


def query_of(project: str, states: Iterable[str]) -> str:
    """The visibility query for a listing."""
    parts = [_LATEST_RUN, *([f"TaskQueue={quoted(project)}"] if project else [])]
    statuses = sorted({status for state in states for status in _STATUS_OF[state]})
    if statuses:
        parts.append("(" + " OR ".join(f'ExecutionStatus="{status}"' for status in statuses) + ")")
    return " AND ".join(parts)


async def summary(execution: WorkflowExecution, store: Store) -> dict[str, Any]:
    """A session as listed; result and error are read only for one session at a time."""
    memo = await execution.memo()
    version = moving.version_of(execution)
    record = store.deployments.by_version(execution.task_queue, version) if version else None
    return {
        "id": execution.id,
        "project": execution.task_queue,
        "deployment": record.id if record is not None else None,
        "handler": execution.workflow_type,
        "state": state_of(execution),
        "trigger": memo.get(MEMO_TRIGGER),
        "event_id": memo.get(MEMO_EVENT_ID),
        "origin": origin_of(memo),
        "started_at": dt.datetime.fromisoformat(memo.get(MEMO_BEGAN) or execution.start_time.isoformat()),
        "ended_at": execution.close_time,
        "restarts": int(memo.get(MEMO_RESTARTS) or 0),
        "result": None,
        "error": None,
        "problem": None,
    }


def origin_of(memo: Mapping[str, Any]) -> dict[str, Any] | None:
    """The session that this one repeats: from the start, or from behind so many steps of it."""
    if MEMO_FORKED_FROM in memo:
        return {
            "session": memo[MEMO_FORKED_FROM],
            "how": "forked",
            "steps": int(memo.get(MEMO_FORKED_AT) or 0),
            "edited": edited_result(memo),
        }
    if MEMO_RESTARTED_FROM in memo:
        return {"session": memo[MEMO_RESTARTED_FROM], "how": "restarted", "steps": 0, "edited": None}
    return None


async def state_now(client: Client, identifier: str) -> str | None:
    """A session's state; None when there is no such session.

    Raises:
        TemporalError: Temporal does not say.
    """
    try:
        return state_of(await client.get_workflow_handle(identifier).describe())
    except RPCError as error:
        if is_gone(error) or error.status == RPCStatusCode.INVALID_ARGUMENT:
            return None
        raise refused(f"Temporal does not describe {identifier}", error) from None


async def full(client: Client, identifier: str, store: Store) -> dict[str, Any]:
    """One session with its result or error."""
    handle = client.get_workflow_handle(identifier)
    try:
        described: WorkflowExecutionDescription = await handle.describe()
    except RPCError as error:
        if is_gone(error) or error.status == RPCStatusCode.INVALID_ARGUMENT:
            remembered = from_log(store.log.read(identifier), store.events.start_of(identifier))
            if remembered is not None:
                return remembered
            raise NotFoundError(f"there is no session {identifier}", hint="See `ak session list`.") from None
        raise refused(f"Temporal does not describe {identifier}", error) from None
    found = await summary(described, store)
    if found["state"] in ENDED_STATES:
        closing = [
            event
            async for event in handle.fetch_history_events(
                event_filter_type=WorkflowHistoryEventFilterType.CLOSE_EVENT
            )
        ]
        if closing:
            await add_ending(found, closing[-1], client.data_converter)
    else:
        found["problem"] = await session_problems.problem_of(client, described, store)
    return found


def from_log(lines: list[StoredLine], start: Delivery | None = None) -> dict[str, Any] | None:
    """A session whose history Temporal keeps no more: what its log and its event know; None without a log."""
    if not lines:
        return None
    states = [line for line in lines if line.kind == LINE_STATE]
    ended = states[-1].text.partition(":")[0] if states else ""
    error = next((line for line in reversed(lines) if line.kind == LINE_ERROR), None)
    kind, _, message = headline_of(error.text).partition(": ") if error is not None else ("", "", "")
    return {
        "id": lines[0].workflow_id,
        "project": lines[0].project,
        "deployment": None,
        "handler": next((line.where for line in states if line.text in BEGINNINGS), None),
        "state": ended if ended in ENDED_STATES else "stopped",
        "trigger": start.trigger if start is not None else None,
        "event_id": start.event_id if start is not None else None,
        "origin": None,
        "started_at": lines[0].at,
        "ended_at": lines[-1].at,
        "restarts": sum(line.text == "restarted" for line in states),
        "result": None,
        "error": (
            {"type": kind, "message": message, "traceback": error.text, "where": error.where}
            if error is not None and ended == "error"
            else None
        ),
        "problem": None,
        "only_log": True,
    }


async def add_ending(found: dict[str, Any], event: HistoryEvent, converter: DataConverter) -> None:
    """Put result or error of the closing event into the session."""
    kind = event.event_type
    if kind == EventType.EVENT_TYPE_WORKFLOW_EXECUTION_COMPLETED:
        payloads = event.workflow_execution_completed_event_attributes.result.payloads
        values = await converter.decode(payloads) if payloads else [None]
        found["result"] = shown(values[0])
    elif kind == EventType.EVENT_TYPE_WORKFLOW_EXECUTION_FAILED:
        failure = event.workflow_execution_failed_event_attributes.failure
        info = failure.application_failure_info
        facts: dict[str, Any] = {"type": info.type, "message": failure.message, "traceback": ""}
        with contextlib.suppress(Exception):
            details = await converter.decode(info.details.payloads)
            facts |= {
                name: details[0][name]
                for name in ("type", "code", "message", "hint", "traceback", "where")
                if name in details[0]
            }
        found["error"] = facts
    elif kind == EventType.EVENT_TYPE_WORKFLOW_EXECUTION_TIMED_OUT:
        found["error"] = {
            "type": "TimeoutError",
            "message": "the session ran into its time limit",
            "traceback": "",
        }


def shown(value: Any) -> Any:
    """A result as JSON: what had to be pickled shows its preview, a secret is hidden."""
    if isinstance(value, list):
        return [shown(item) for item in value]
    if not isinstance(value, dict):
        return value
    if "preview" in value and set(value) <= {"preview", "pickle", "secret"}:
        return shown(value["preview"])
    inside = value["escaped"] if set(value) == {"preview", "escaped"} else value
    return {key: shown(item) for key, item in inside.items()}


async def find(client: Client, text: str, store: Store) -> str:
    """The session id for an id, the beginning of one, with ``ses_`` or without, or a project's name: its latest session.

    Raises:
        NotFoundError: there is none, or several begin so.
    """
    if not text:
        raise UsageError("the session's id is empty", hint="See `ak session list`.")
    with contextlib.suppress(RPCError):
        await client.get_workflow_handle(text).describe()
        return text
    known = store.projects.get(text) is not None
    if known:
        newest = await latest(client, text)
        if newest is not None:
            return newest
    begun: list[str] = []
    for beginning in (text, *([] if text.startswith(_PREFIX) else [_PREFIX + text])):
        query = f"WorkflowId STARTS_WITH {quoted(beginning)} AND {_LATEST_RUN}"
        begun += [item.id async for item in client.list_workflows(query, limit=_ALIKE)]
        begun += store.log.alike(beginning, _ALIKE)  # Temporal may have forgotten it
    begun = list(dict.fromkeys(begun))  # a session that was reset has several runs
    if len(begun) == 1 or text in begun:
        return text if text in begun else begun[0]
    if known and not begun:
        raise NotFoundError(
            f"the project {text} has no session", hint=f"Start one: `ak session start {text} HANDLER`."
        )
    if not begun:
        raise NotFoundError(f"there is no session {text}", hint=await near(client, text))
    named = ", ".join(begun[:_NAMED]) + (", …" if len(begun) > _NAMED else "")
    raise NotFoundError(f"{text} is the beginning of several sessions: {named}", hint="Give more of the id.")


async def latest(client: Client, project: str) -> str | None:
    """The session of a project that began last."""
    newest = Newest(1)
    for part in (OPEN_RUN, CLOSED_RUN):
        query = f"TaskQueue = {quoted(project)} AND {_LATEST_RUN} AND {part}"
        async for execution in client.list_workflows(query):
            if newest.is_beyond(execution):
                break
            newest.add(execution, {"started_at": execution.start_time})
    return newest.executions[0].id if newest.executions else None


async def near(client: Client, text: str) -> str:
    """A hint at sessions whose ids come nearest."""
    known: list[str] = []
    for query in (f"WorkflowId STARTS_WITH {quoted(text[:8])}", ""):
        known += [item.id async for item in client.list_workflows(query, limit=_NEWEST)]
    return nearest.hint(text, dict.fromkeys(known), "See `ak session list`.")


def quoted(text: str) -> str:
    """A text in a visibility query.

    Raises:
        NotFoundError: it cannot stand there, so nothing has that name.
    """
    if '"' in text or "\\" in text or not text.isprintable():
        raise NotFoundError(f"there is nothing of the name {text!r}")
    return f'"{text}"'
