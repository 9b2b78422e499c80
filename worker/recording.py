"""What a fork takes over: the recorded results of a session, in the tasks in which they reached it.

Pure: takes the events of one run, returns plain JSON that becomes the second argument of the fork's workflow; the
session's side is ``worker.session.recorded``, the shape is described there. Payloads come decoded of what keeps large
ones elsewhere.

A *task* is what Temporal calls a workflow task: what arrived, at what time, and what the session asked for because of
it. It is the unit in which the session saw the world, so that a fork which is given the same tasks takes the same path,
whatever runs at once in it.

May import: temporalio's messages, worker.steps. Never: the store, a client.
"""

from __future__ import annotations

import base64
import datetime as dt
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from google.protobuf.json_format import MessageToDict
from temporalio.api.common.v1 import Payload
from temporalio.api.enums.v1 import EventType
from temporalio.api.failure.v1 import Failure
from temporalio.api.history.v1 import HistoryEvent

from worker.contracts import JSON
from worker.steps import SYSTEM, Step, steps_of

_NANOSECONDS = 1_000_000_000
_NO_TIME = dt.datetime.fromtimestamp(0, dt.UTC)
_PATCH_MARKER = "core_patch"
_UNKNOWN_SESSION = "ExternalWorkflowExecutionNotFound"


@dataclass
class Recording:
    """Everything a run was given and asked for.

    ``settled`` says in which task, and before which of its local results, a step's outcome reached the session; a step
    that is not in it is open. ``stopped`` is the first task in which the session was asked to stop.
    """

    origin: str
    seed: str
    steps: list[Step]
    tasks: list[dict[str, JSON]]
    settled: dict[int, tuple[int, int]] = field(default_factory=dict)
    stopped: int | None = None
    at: int = 0  # time of the last event, nanoseconds


def recording_of(origin: str, events: Sequence[HistoryEvent], before: JSON = None) -> Recording:
    """Read a run's history; ``before`` is what the run took over when it was a fork itself."""
    reader = _Reader(origin, steps_of(events))
    for event in events:
        reader.read(event)
    reader.close()
    made = reader.made
    return made if before is None else _after(before, made)


def payload_tree(payload: Payload | None) -> JSON:
    """A payload in JSON: readable where it is JSON itself."""
    if payload is None:
        return None
    if dict(payload.metadata) == {"encoding": b"json/plain"}:
        try:
            tree = json.loads(payload.data)
            json.dumps(tree, allow_nan=False, ensure_ascii=False).encode()
        except (ValueError, RecursionError):
            pass
        else:
            return {"json": tree}
    return {"payload": base64.b64encode(payload.SerializeToString()).decode()}


def is_again(step: Step) -> bool:
    """Whether a fork did this to have for itself what another session had registered."""
    try:
        arguments = json.loads(step.arguments[0].data) if step.kind == SYSTEM and step.arguments else None
    except ValueError:
        return False
    return isinstance(arguments, dict) and bool(arguments.get("again"))


def _after(before: JSON, made: Recording) -> Recording:
    """A fork's own recording behind what it took over."""
    taken = [
        Step(n=n, kind=kind, name=name, where=where, event=0, asked_at=_NO_TIME)
        for n, (kind, name, where) in enumerate(before["steps"], 1)
    ]
    count = len(before["tasks"])
    first = {**made.tasks[0], "live": {**before["live"], "seed": made.seed}} if made.tasks else None
    tasks = [*before["tasks"], *([first] if first is not None else []), *made.tasks[1:]]
    settled = {n: (index + count, local) for n, (index, local) in made.settled.items()}
    for index, task in enumerate(before["tasks"]):
        for job in task["jobs"]:
            settled.setdefault(job["step"], (index, -1))
        for place, job in enumerate(task["locals"]):
            settled[job["step"]] = (index, place)
    for job in before["live"]["jobs"]:
        settled.setdefault(job["step"], (count, -1))
    stopped = None if made.stopped is None else made.stopped + count
    return Recording(made.origin, before["seed"], [*taken, *made.steps], tasks, settled, stopped, at=made.at)


class _Reader:
    """Cuts a history into tasks."""

    def __init__(self, origin: str, steps: list[Step]) -> None:
        self.made = Recording(origin, "", steps, [])
        self._by_event = {step.event: step for step in steps}
        self._jobs: list[JSON] = []
        self._signals: list[JSON] = []
        self._stop = False
        self._started = 0
        self._completed = 0

    def read(self, event: HistoryEvent) -> None:
        """Take the next event."""
        kind = event.WhichOneof("attributes") or ""
        attributes: Any = getattr(event, kind) if kind else None
        self.made.at = event.event_time.ToNanoseconds()
        kind_of = event.event_type
        if kind_of == EventType.EVENT_TYPE_WORKFLOW_EXECUTION_STARTED:
            self.made.seed = attributes.original_execution_run_id
        elif kind_of == EventType.EVENT_TYPE_WORKFLOW_TASK_STARTED:
            self._started = event.event_time.ToNanoseconds()
        elif kind_of == EventType.EVENT_TYPE_WORKFLOW_TASK_COMPLETED:
            self._completed = event.event_id
            self._task(self._started)
        elif kind_of == EventType.EVENT_TYPE_WORKFLOW_EXECUTION_SIGNALED:
            inputs = [payload_tree(item) for item in attributes.input.payloads]
            self._signals.append({"name": attributes.signal_name, "input": inputs})
        elif kind_of == EventType.EVENT_TYPE_WORKFLOW_EXECUTION_CANCEL_REQUESTED:
            self._stop = True
        elif getattr(attributes, "workflow_task_completed_event_id", 0):
            self._asked(event, attributes)
        else:
            self._arrived(event, attributes)

    def close(self) -> None:
        """What arrived after the last task is one more."""
        if self._jobs or self._signals:
            self._task(self.made.at)

    def _task(self, at: int) -> None:
        task = {
            "at": at,
            "signals": self._signals,
            "jobs": self._jobs,
            "asked": [],
            "locals": [],
            "patches": [],
        }
        self.made.tasks.append(task)
        index = len(self.made.tasks) - 1
        if self._stop and self.made.stopped is None:
            self.made.stopped = index
        for job in self._jobs:
            if not job.get("ended"):
                self.made.settled.setdefault(job["step"], (index, -1))
        self._jobs, self._signals = [], []

    def _asked(self, event: HistoryEvent, attributes: Any) -> None:
        """An event that a command of the latest task made."""
        task, index = self.made.tasks[-1], len(self.made.tasks) - 1
        step = self._by_event.get(event.event_id)
        if event.event_type == EventType.EVENT_TYPE_MARKER_RECORDED:
            if attributes.marker_name == _PATCH_MARKER:
                data = json.loads(attributes.details["patch-data"].payloads[0].data)
                task["patches"].append(data["id"])
            elif step is not None:
                self.made.settled[step.n] = (index, len(task["locals"]))
                task["locals"].append(_local(step, attributes))
        elif step is not None:
            task["asked"].append(step.n)
        elif event.event_type == EventType.EVENT_TYPE_TIMER_CANCELED:
            self._given_up(attributes.started_event_id, index)
        elif event.event_type == EventType.EVENT_TYPE_ACTIVITY_TASK_CANCEL_REQUESTED:
            self._given_up(attributes.scheduled_event_id, index)

    def _given_up(self, asked: int, index: int) -> None:
        step = self._by_event.get(asked)
        if step is not None:
            self.made.settled.setdefault(step.n, (index, -1))

    def _arrived(self, event: HistoryEvent, attributes: Any) -> None:
        reader = _ARRIVED.get(event.event_type)
        if reader is None:
            return
        asked, job = reader(attributes)
        step = self._by_event.get(asked)
        if step is not None:
            self._jobs.append({"step": step.n, **job})


def _local(step: Step, attributes: Any) -> dict[str, JSON]:
    """The outcome of a local activity, from its marker."""
    data = json.loads(attributes.details["data"].payloads[0].data)
    stamp = data.get("complete_time") or {}
    at = int(stamp.get("seconds", 0)) * _NANOSECONDS + int(stamp.get("nanos", 0))
    job: dict[str, JSON] = {"step": step.n, "seq": int(data.get("seq", 0)), "at": at}
    if data.get("backoff"):
        backoff, began = data["backoff"], data.get("original_schedule_time") or {}
        return job | {
            "as": "backoff",
            "attempt": int(data.get("attempt", 1)) + 1,
            "seconds": float(backoff.get("seconds", 0)) + float(backoff.get("nanos", 0)) / _NANOSECONDS,
            "began": int(began.get("seconds", 0)) * _NANOSECONDS + int(began.get("nanos", 0)),
        }
    if attributes.HasField("failure"):
        failure = attributes.failure
        if not failure.HasField("activity_failure_info"):
            failure = _activity_failure("Activity task failed", failure)
        return job | {"as": "failed", "failure": MessageToDict(failure)}
    return job | {"as": "completed", "result": payload_tree(step.result)}


def _activity_failure(message: str, cause: Failure) -> Failure:
    failure = Failure(message=message, cause=cause)
    failure.activity_failure_info.SetInParent()
    return failure


def _completed(attributes: Any) -> JSON:
    payloads = attributes.result.payloads
    return {"as": "completed", "result": payload_tree(payloads[0]) if payloads else None}


def _activity_failed(message: str) -> Any:
    def read(attributes: Any) -> tuple[int, JSON]:
        failure = _activity_failure(message, attributes.failure)
        return attributes.scheduled_event_id, {"as": "failed", "failure": MessageToDict(failure)}

    return read


def cancelled_failure() -> Failure:
    """The failure of a call that the session gave up."""
    cause = Failure(message="Activity cancelled")
    cause.canceled_failure_info.SetInParent()
    return _activity_failure("Activity cancelled", cause)


def _activity_canceled(attributes: Any) -> tuple[int, JSON]:
    failure = MessageToDict(cancelled_failure())
    return attributes.scheduled_event_id, {"as": "cancelled", "failure": failure}


def _child_failed(message: str, outcome: str = "failed") -> Any:
    def read(attributes: Any) -> tuple[int, JSON]:
        failure = Failure(message=message)
        cause = getattr(attributes, "failure", None)
        failure.cause.CopyFrom(cause if cause is not None else Failure(message=message))
        failure.child_workflow_execution_failure_info.SetInParent()
        job = {"as": outcome, "ended": True, "failure": MessageToDict(failure)}
        return attributes.initiated_event_id, job

    return read


def _signal_failed(attributes: Any) -> tuple[int, JSON]:
    failure = Failure(message="Unable to signal external workflow because it was not found")
    failure.application_failure_info.type = _UNKNOWN_SESSION  # as temporalio tells it
    return attributes.initiated_event_id, {"as": "failed", "failure": MessageToDict(failure)}


_ARRIVED: dict[int, Any] = {
    EventType.EVENT_TYPE_ACTIVITY_TASK_COMPLETED: lambda a: (a.scheduled_event_id, _completed(a)),
    EventType.EVENT_TYPE_ACTIVITY_TASK_FAILED: _activity_failed("Activity task failed"),
    EventType.EVENT_TYPE_ACTIVITY_TASK_TIMED_OUT: _activity_failed("Activity task timed out"),
    EventType.EVENT_TYPE_ACTIVITY_TASK_CANCELED: _activity_canceled,
    EventType.EVENT_TYPE_TIMER_FIRED: lambda a: (a.started_event_id, {"as": "fired"}),
    EventType.EVENT_TYPE_CHILD_WORKFLOW_EXECUTION_STARTED: lambda a: (
        a.initiated_event_id,
        {"as": "started", "run_id": a.workflow_execution.run_id},
    ),
    EventType.EVENT_TYPE_START_CHILD_WORKFLOW_EXECUTION_FAILED: lambda a: (
        a.initiated_event_id,
        {"as": "not_started", "cause": a.cause, "id": a.workflow_id, "type": a.workflow_type.name},
    ),
    EventType.EVENT_TYPE_CHILD_WORKFLOW_EXECUTION_COMPLETED: lambda a: (
        a.initiated_event_id,
        {**_completed(a), "ended": True},
    ),
    EventType.EVENT_TYPE_CHILD_WORKFLOW_EXECUTION_FAILED: _child_failed("Child Workflow execution failed"),
    EventType.EVENT_TYPE_CHILD_WORKFLOW_EXECUTION_TIMED_OUT: _child_failed(
        "Child Workflow execution timed out"
    ),
    EventType.EVENT_TYPE_CHILD_WORKFLOW_EXECUTION_TERMINATED: _child_failed(
        "Child Workflow execution terminated"
    ),
    EventType.EVENT_TYPE_CHILD_WORKFLOW_EXECUTION_CANCELED: _child_failed(
        "Child Workflow execution cancelled", "cancelled"
    ),
    EventType.EVENT_TYPE_EXTERNAL_WORKFLOW_EXECUTION_SIGNALED: lambda a: (
        a.initiated_event_id,
        {"as": "signaled"},
    ),
    EventType.EVENT_TYPE_SIGNAL_EXTERNAL_WORKFLOW_EXECUTION_FAILED: _signal_failed,
}
