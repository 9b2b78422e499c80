"""The steps of a session, read from Temporal's history: what it called, slept, waited for and started.

Pure: takes the events of one run, oldest first, returns steps; payloads stay as they are. A step's number ``n`` counts
from 1 in the order in which the session asked for the steps; commands that show, compare or repeat a session all mean
this number. Not counted: what a session does for itself (patch markers, search attributes, its own ending).

May import: temporalio's messages. Never: the store, a client.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from typing import Any

from temporalio.api.common.v1 import Payload
from temporalio.api.enums.v1 import EventType
from temporalio.api.failure.v1 import Failure
from temporalio.api.history.v1 import HistoryEvent

from worker.contracts import MEMO_FORKED_AT

# The events that end a run.
CLOSING = frozenset(
    {
        EventType.EVENT_TYPE_WORKFLOW_EXECUTION_COMPLETED,
        EventType.EVENT_TYPE_WORKFLOW_EXECUTION_FAILED,
        EventType.EVENT_TYPE_WORKFLOW_EXECUTION_TIMED_OUT,
        EventType.EVENT_TYPE_WORKFLOW_EXECUTION_CANCELED,
        EventType.EVENT_TYPE_WORKFLOW_EXECUTION_TERMINATED,
        EventType.EVENT_TYPE_WORKFLOW_EXECUTION_CONTINUED_AS_NEW,
    }
)

CALL = "call"  # an activity: a call to the outside
READ = "read"  # a local activity: a read of the store, or a call with live objects
SYSTEM = "system"  # a function of the SDK that changes something: set_value, subscribe …
SLEEP = "sleep"
WAIT = "wait"  # the time limit of a wait; a wait without one leaves no trace in the history
CHILD = "child"
SIGNAL = "signal"

OPEN = "open"
DONE = "done"
FAILED = "failed"
CANCELED = "canceled"

_OWN = "autokitteh."
_ENDING = "autokitteh.end"
_LOCAL_MARKER = "core_local_activity"
_UNNAMED_TIMER = "timer"  # what asyncio.sleep left before it said its length and line
_SEPARATOR = " · "


@dataclass(frozen=True)
class Step:
    """One step.

    ``name`` is the function, ``sleep 5 s``, the handler of a child or the signal; ``where`` the user's ``file:line``;
    ``line`` the call's number in the session log (0: it has none); ``event`` the id of the history event that asked for
    it, ``closed_event`` of the one that ended it (0 while open). ``attempts`` counts starts, ``arguments`` are the
    payloads as sent, ``result`` and ``failure`` what came back. ``target`` is a child's or a signal's workflow id.
    ``last_failure`` is why the attempt before the last one failed; ``activity_id`` is Temporal's name of an activity.
    """

    n: int
    kind: str
    name: str
    where: str
    event: int
    asked_at: dt.datetime
    line: int = 0
    state: str = OPEN
    closed_event: int = 0
    started_at: dt.datetime | None = None
    ended_at: dt.datetime | None = None
    attempts: int = 0
    seconds: float = 0.0
    target: str = ""
    arguments: tuple[Payload, ...] = field(default=(), repr=False)
    result: Payload | None = field(default=None, repr=False)
    failure: Failure | None = field(default=None, repr=False)
    last_failure: Failure | None = field(default=None, repr=False)
    activity_id: str = ""


def steps_of(events: Iterable[HistoryEvent]) -> list[Step]:
    """The steps of one run, in the order in which the session asked for them."""
    reader = Reader()
    for event in events:
        reader.read(event)
    return reader.steps


class Reader:
    """Steps by the id of the event that asked for them; one look-up per event, so that long histories are cheap.

    A fork's own steps are numbered after those it took over.

    ``keep`` is told of every step that was asked for or has changed, and returns what is remembered of it: a reader of
    long histories takes the payloads out.
    """

    def __init__(self, keep: Callable[[Step], Step] = lambda step: step) -> None:
        self.steps: list[Step] = []
        self._before = 0
        self._at: dict[int, int] = {}
        self._keep = keep

    def read(self, event: HistoryEvent) -> Step | None:
        """Take the next event; returns the step that it asked for or changed."""
        kind = event.WhichOneof("attributes") or ""
        attributes: Any = getattr(event, kind) if kind else None
        opened = _OPENED.get(event.event_type)
        if opened is not None:
            step: Step | None = opened(event, attributes, self._before + len(self.steps) + 1)
            if step is None:
                return None
            self._at[event.event_id] = len(self.steps)
            self.steps.append(self._keep(step))
            return self.steps[-1]
        if event.event_type == EventType.EVENT_TYPE_WORKFLOW_EXECUTION_STARTED:
            taken = (
                _json(attributes.memo.fields[MEMO_FORKED_AT])
                if MEMO_FORKED_AT in attributes.memo.fields
                else 0
            )
            # A fork that has restarted itself since counts from the start again.
            taken = 0 if attributes.continued_execution_run_id else taken
            self._before = int(taken or 0)
        closed = _CLOSED.get(event.event_type)
        if closed is None:
            return None
        asked, changes = closed(event, attributes)
        index = self._at.get(asked)
        if index is None:
            return None
        self.steps[index] = self._keep(replace(self.steps[index], **changes))
        return self.steps[index]


def _moment(event: HistoryEvent) -> dt.datetime:
    return event.event_time.ToDatetime(tzinfo=dt.UTC)


def _summary(event: HistoryEvent) -> str:
    try:
        text = json.loads(event.user_metadata.summary.data or b'""')
    except ValueError:
        return ""
    return text if isinstance(text, str) else ""


def _json(payload: Payload) -> Any:
    try:
        return json.loads(payload.data)
    except ValueError:
        return None


def _activity(event: HistoryEvent, attributes: Any, n: int) -> Step | None:
    name = attributes.activity_type.name
    if name == _ENDING:
        return None
    arguments = tuple(attributes.input.payloads)
    context = _json(arguments[1]) if len(arguments) > 1 else None
    return Step(
        n=n,
        kind=SYSTEM if name.startswith(_OWN) else CALL,
        name=name.removeprefix(_OWN),
        where=_summary(event),
        event=event.event_id,
        asked_at=_moment(event),
        line=context.get("line", 0) if isinstance(context, dict) else 0,
        arguments=arguments,
        activity_id=attributes.activity_id,
    )


def _timer(event: HistoryEvent, attributes: Any, n: int) -> Step:
    name, _, where = _summary(event).rpartition(_SEPARATOR)
    name = name or _UNNAMED_TIMER
    return Step(
        n=n,
        kind=SLEEP if name.startswith(("sleep", _UNNAMED_TIMER)) else WAIT,
        name=name,
        where=where,
        event=event.event_id,
        asked_at=_moment(event),
        seconds=attributes.start_to_fire_timeout.ToTimedelta().total_seconds(),
    )


def _marker(event: HistoryEvent, attributes: Any, n: int) -> Step | None:
    if attributes.marker_name != _LOCAL_MARKER:
        return None
    data = _json(attributes.details["data"].payloads[0]) if "data" in attributes.details else None
    facts = data if isinstance(data, dict) else {}
    result = attributes.details["result"].payloads if "result" in attributes.details else []
    failed = attributes.HasField("failure")
    name = str(facts.get("activity_type", "local activity"))
    return Step(
        n=n,
        kind=READ,
        name=name.removeprefix(_OWN),
        where=_summary(event),
        event=event.event_id,
        asked_at=_seconds(facts.get("original_schedule_time")) or _moment(event),
        state=FAILED if failed else DONE,
        closed_event=event.event_id,
        ended_at=_seconds(facts.get("complete_time")) or _moment(event),
        attempts=int(facts.get("attempt", 1)),
        result=result[0] if result else None,
        failure=attributes.failure if failed else None,
    )


def local_number(event: HistoryEvent) -> int:
    """By which number the run asked for the local activity that this marker tells of."""
    details = event.marker_recorded_event_attributes.details
    data = _json(details["data"].payloads[0]) if "data" in details else None
    return int(data.get("seq", 0)) if isinstance(data, dict) else 0


def _seconds(stamp: Any) -> dt.datetime | None:
    if not isinstance(stamp, dict):
        return None
    seconds = float(stamp.get("seconds", 0)) + float(stamp.get("nanos", 0)) / 1e9
    return dt.datetime.fromtimestamp(seconds, dt.UTC)


def _child(event: HistoryEvent, attributes: Any, n: int) -> Step:
    return Step(
        n=n,
        kind=CHILD,
        name=attributes.workflow_type.name,
        where=_summary(event).rpartition(_SEPARATOR)[2],
        event=event.event_id,
        asked_at=_moment(event),
        target=attributes.workflow_id,
        arguments=tuple(attributes.input.payloads),
    )


def _external_signal(event: HistoryEvent, attributes: Any, n: int) -> Step:
    return Step(
        n=n,
        kind=SIGNAL,
        name=attributes.signal_name,
        where=_summary(event).rpartition(_SEPARATOR)[2],
        event=event.event_id,
        asked_at=_moment(event),
        target=attributes.workflow_execution.workflow_id,
        arguments=tuple(attributes.input.payloads),
    )


def _ending(state: str, asked: str) -> Any:
    """A reader of the event that ends a step; ``asked`` names the attribute with the id of what asked for it."""

    def read(event: HistoryEvent, attributes: Any) -> tuple[int, dict[str, Any]]:
        changes: dict[str, Any] = {"state": state, "closed_event": event.event_id, "ended_at": _moment(event)}
        names = {item.name for item in attributes.DESCRIPTOR.fields}
        if "result" in names and attributes.result.payloads:
            changes["result"] = attributes.result.payloads[0]
        if "failure" in names and attributes.HasField("failure"):
            changes["failure"] = attributes.failure
        return getattr(attributes, asked), changes

    return read


def _activity_started(event: HistoryEvent, attributes: Any) -> tuple[int, dict[str, Any]]:
    changes: dict[str, Any] = {"started_at": _moment(event), "attempts": attributes.attempt}
    if attributes.HasField("last_failure"):
        changes["last_failure"] = attributes.last_failure
    return attributes.scheduled_event_id, changes


def _child_started(event: HistoryEvent, attributes: Any) -> tuple[int, dict[str, Any]]:
    return attributes.initiated_event_id, {"started_at": _moment(event), "attempts": 1}


_OPENED = {
    EventType.EVENT_TYPE_ACTIVITY_TASK_SCHEDULED: _activity,
    EventType.EVENT_TYPE_TIMER_STARTED: _timer,
    EventType.EVENT_TYPE_MARKER_RECORDED: _marker,
    EventType.EVENT_TYPE_START_CHILD_WORKFLOW_EXECUTION_INITIATED: _child,
    EventType.EVENT_TYPE_SIGNAL_EXTERNAL_WORKFLOW_EXECUTION_INITIATED: _external_signal,
}
_CLOSED = {
    EventType.EVENT_TYPE_ACTIVITY_TASK_STARTED: _activity_started,
    EventType.EVENT_TYPE_ACTIVITY_TASK_COMPLETED: _ending(DONE, "scheduled_event_id"),
    EventType.EVENT_TYPE_ACTIVITY_TASK_FAILED: _ending(FAILED, "scheduled_event_id"),
    EventType.EVENT_TYPE_ACTIVITY_TASK_TIMED_OUT: _ending(FAILED, "scheduled_event_id"),
    EventType.EVENT_TYPE_ACTIVITY_TASK_CANCELED: _ending(CANCELED, "scheduled_event_id"),
    EventType.EVENT_TYPE_TIMER_FIRED: _ending(DONE, "started_event_id"),
    EventType.EVENT_TYPE_TIMER_CANCELED: _ending(CANCELED, "started_event_id"),
    EventType.EVENT_TYPE_START_CHILD_WORKFLOW_EXECUTION_FAILED: _ending(FAILED, "initiated_event_id"),
    EventType.EVENT_TYPE_CHILD_WORKFLOW_EXECUTION_STARTED: _child_started,
    EventType.EVENT_TYPE_CHILD_WORKFLOW_EXECUTION_COMPLETED: _ending(DONE, "initiated_event_id"),
    EventType.EVENT_TYPE_CHILD_WORKFLOW_EXECUTION_FAILED: _ending(FAILED, "initiated_event_id"),
    EventType.EVENT_TYPE_CHILD_WORKFLOW_EXECUTION_CANCELED: _ending(CANCELED, "initiated_event_id"),
    EventType.EVENT_TYPE_CHILD_WORKFLOW_EXECUTION_TERMINATED: _ending(CANCELED, "initiated_event_id"),
    EventType.EVENT_TYPE_CHILD_WORKFLOW_EXECUTION_TIMED_OUT: _ending(FAILED, "initiated_event_id"),
    EventType.EVENT_TYPE_EXTERNAL_WORKFLOW_EXECUTION_SIGNALED: _ending(DONE, "initiated_event_id"),
    EventType.EVENT_TYPE_SIGNAL_EXTERNAL_WORKFLOW_EXECUTION_FAILED: _ending(FAILED, "initiated_event_id"),
}
