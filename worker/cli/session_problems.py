"""Running sessions whose tasks fail: they wait, and Temporal tries again."""

from __future__ import annotations

import asyncio
from typing import Any

from temporalio.api.enums.v1 import EventType, WorkflowTaskFailedCause
from temporalio.api.workflowservice.v1 import GetWorkflowExecutionHistoryReverseRequest
from temporalio.client import Client, WorkflowExecution, WorkflowExecutionDescription
from temporalio.service import RPCError

from worker.errors import ReplayError, TaskError
from worker.rpc import patiently
from worker.store import Store

_AT_ONCE = 16
_LATEST_EVENTS = 10
_TIMEOUTS = 3  # a task that times out once or twice was in a process that was killed, and is being run again


async def problem_of(
    client: Client, described: WorkflowExecutionDescription, store: Store
) -> dict[str, Any] | None:
    """Why the session does not get on, or None: ``code``, ``message`` of one line, and how often it was tried."""
    raw: Any = described.raw_description
    attempts = raw.pending_workflow_task.attempt if raw.HasField("pending_workflow_task") else 0
    if attempts <= 1:
        return None
    notes = await asyncio.to_thread(store.log.notes, [described.run_id])
    text = notes.get(described.run_id, "") or await _latest_failure(client, described, attempts)
    code, _, message = text.partition("\n")[0].partition(": ")
    return {"code": code, "message": message, "attempts": attempts} if text else None


async def add_problems(
    client: Client, executions: list[WorkflowExecution], sessions: list[dict[str, Any]], store: Store
) -> None:
    """Put the problem into each listed session that has one.

    Temporal's list knows nothing of failing tasks; only those sessions are asked about of which a process noted one.
    """
    open_runs = {
        item.run_id: facts
        for item, facts in zip(executions, sessions, strict=True)
        if facts["state"] in {"created", "running"}
    }
    noted = await asyncio.to_thread(store.log.notes, list(open_runs)) if open_runs else {}
    gate = asyncio.Semaphore(_AT_ONCE)

    async def one(run_id: str) -> None:
        async with gate:
            try:
                described = await client.get_workflow_handle(
                    open_runs[run_id]["id"], run_id=run_id
                ).describe()
            except RPCError:
                return
            open_runs[run_id]["problem"] = await problem_of(client, described, store)

    await asyncio.gather(*(one(run_id) for run_id in noted))


async def _latest_failure(client: Client, described: WorkflowExecutionDescription, attempts: int) -> str:
    """What the history says about the last task that failed, where no process could note it."""
    request = GetWorkflowExecutionHistoryReverseRequest(
        namespace=client.namespace, maximum_page_size=_LATEST_EVENTS
    )
    request.execution.workflow_id = described.id
    request.execution.run_id = described.run_id
    try:
        answer = await patiently(client.workflow_service.get_workflow_execution_history_reverse, request)
    except RPCError:
        return ""
    for event in answer.history.events:
        if event.event_type == EventType.EVENT_TYPE_WORKFLOW_TASK_COMPLETED:
            return ""
        if event.event_type == EventType.EVENT_TYPE_WORKFLOW_TASK_FAILED:
            failed = event.workflow_task_failed_event_attributes
            cause = WorkflowTaskFailedCause.WORKFLOW_TASK_FAILED_CAUSE_NON_DETERMINISTIC_ERROR
            code = ReplayError.code if failed.cause == cause else TaskError.code
            return f"{code}: {failed.failure.message or 'the task failed'}"
        if event.event_type == EventType.EVENT_TYPE_WORKFLOW_TASK_TIMED_OUT and attempts >= _TIMEOUTS:
            return f"{TaskError.code}: its task takes too long, or its process ends over it"
    return ""
