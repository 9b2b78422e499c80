"""Histories: written by hand, as Temporal would record the steps of a session, and what is asked of real ones."""

from __future__ import annotations

import datetime as dt
import json
from typing import Any

from temporalio.api.common.v1 import Payload
from temporalio.api.enums.v1 import EventType, WorkflowTaskFailedCause
from temporalio.api.failure.v1 import Failure
from temporalio.api.history.v1 import HistoryEvent

START = dt.datetime(2026, 1, 31, 10, 0, tzinfo=dt.UTC)


def payload(value: Any) -> Payload:
    """A value as we send it."""
    return Payload(metadata={"encoding": b"json/plain"}, data=json.dumps(value).encode())


def failure(kind: str, message: str, where: str = "main.py:9") -> Failure:
    """A user's exception that was raised in a call."""
    path, _, line = where.rpartition(":")
    details = {"type": f"builtins:{kind}", "message": message, "frames": [[path, int(line), "f", "f()"]]}
    found = Failure(message=message)
    found.application_failure_info.type = kind
    found.application_failure_info.details.payloads.append(payload(details))
    return found


class History:
    """Events in order; every one comes a second after the one before, unless told otherwise."""

    def __init__(self, handler: str = "main.py:on_event", data: Any = None) -> None:
        self.events: list[HistoryEvent] = []
        self.now = START
        started = self.add("WORKFLOW_EXECUTION_STARTED")
        attributes = started.workflow_execution_started_event_attributes
        attributes.workflow_type.name = handler
        if data is not None:
            attributes.input.payloads.append(payload(data))

    def add(self, kind: str, *, after: float = 1, summary: str = "") -> HistoryEvent:
        """One more event; its attributes are the caller's."""
        self.now += dt.timedelta(seconds=after)
        event = HistoryEvent(event_id=len(self.events) + 1)
        event.event_type = EventType.Value(f"EVENT_TYPE_{kind}")
        event.event_time.FromDatetime(self.now)
        if summary:
            event.user_metadata.summary.CopyFrom(payload(summary))
        self.events.append(event)
        return event

    def asked(self, name: str, where: str, args: list[Any] | None = None, *, line: int = 0) -> int:
        """An activity is scheduled; returns its event's id."""
        event = self.add("ACTIVITY_TASK_SCHEDULED", summary=where)
        attributes = event.activity_task_scheduled_event_attributes
        attributes.activity_id = str(event.event_id)
        attributes.activity_type.name = name
        attributes.input.payloads.extend([payload({"args": args or []}), payload({"line": line})])
        return event.event_id

    def call(
        self,
        name: str,
        where: str,
        args: list[Any] | None = None,
        *,
        result: Any = None,
        line: int = 0,
        attempts: int = 1,
        last: Failure | None = None,
        error: Failure | None = None,
    ) -> None:
        """An activity from its beginning to its end."""
        asked = self.asked(name, where, args, line=line)
        started = self.add("ACTIVITY_TASK_STARTED").activity_task_started_event_attributes
        started.scheduled_event_id, started.attempt = asked, attempts
        if last is not None:
            started.last_failure.CopyFrom(last)
        if error is not None:
            failed = self.add("ACTIVITY_TASK_FAILED").activity_task_failed_event_attributes
            failed.scheduled_event_id = asked
            failed.failure.CopyFrom(error)
            return
        done = self.add("ACTIVITY_TASK_COMPLETED").activity_task_completed_event_attributes
        done.scheduled_event_id = asked
        done.result.payloads.append(payload({"result": result}))

    def timer(self, summary: str, seconds: int, *, fired: bool | None = True) -> None:
        """A sleep or the time limit of a wait: it fired, was canceled, or (None) is open."""
        event = self.add("TIMER_STARTED", summary=summary)
        event.timer_started_event_attributes.start_to_fire_timeout.FromSeconds(seconds)
        if fired is True:
            self.add(
                "TIMER_FIRED", after=seconds
            ).timer_fired_event_attributes.started_event_id = event.event_id
        elif fired is False:
            self.add("TIMER_CANCELED").timer_canceled_event_attributes.started_event_id = event.event_id

    def child(self, handler: str, identifier: str, where: str, *, result: Any = None) -> None:
        """A child that completes."""
        event = self.add("START_CHILD_WORKFLOW_EXECUTION_INITIATED", summary=f"start {handler} · {where}")
        attributes = event.start_child_workflow_execution_initiated_event_attributes
        attributes.workflow_id, attributes.workflow_type.name = identifier, handler
        started = self.add("CHILD_WORKFLOW_EXECUTION_STARTED")
        started.child_workflow_execution_started_event_attributes.initiated_event_id = event.event_id
        done = self.add(
            "CHILD_WORKFLOW_EXECUTION_COMPLETED"
        ).child_workflow_execution_completed_event_attributes
        done.initiated_event_id = event.event_id
        done.result.payloads.append(payload(result))

    def signal(self, name: str, value: Any) -> None:
        """A signal arrives."""
        attributes = self.add("WORKFLOW_EXECUTION_SIGNALED").workflow_execution_signaled_event_attributes
        attributes.signal_name = name
        attributes.input.payloads.append(payload(value))


def refusals(history: Any) -> int:
    """How often Temporal refused what a task said, since something had arrived meanwhile."""
    cause = WorkflowTaskFailedCause.WORKFLOW_TASK_FAILED_CAUSE_UNHANDLED_COMMAND
    return sum(
        event.event_type == EventType.EVENT_TYPE_WORKFLOW_TASK_FAILED
        and event.workflow_task_failed_event_attributes.cause == cause
        for event in history.events
    )
