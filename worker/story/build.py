"""Put together what a run did, from its history and its log lines. Pure.

A history is read event by event, and of each step only a few words are kept, so that a long one costs little memory.
Large values stay references (`Collector.large`) until somebody wants to see them.

Order, by these rules:

1. Steps and arrivals stand in the order of their history events.
2. Log lines are numbered together with calls: a line stands before the first call with a higher number.
3. Timers and arrivals have no number: what was written before they happened stands before them.
4. What was printed inside a call stands inside its step.
5. A note that others wrote about the run stands behind the lines that were there then.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import json
from collections import defaultdict, deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from temporalio.api.common.v1 import Payload
from temporalio.api.enums.v1 import EventType
from temporalio.api.history.v1 import HistoryEvent

from worker.contracts import (
    ENDED_STATES,
    LINE_CALL,
    LINE_ERROR,
    LINE_SIGNAL,
    LINE_STATE,
    LINE_WARNING,
    SIGNAL_EVENT,
    SIGNAL_SIGNAL,
)
from worker.moving import completing_version
from worker.steps import CANCELED, CHILD, CLOSING, DONE, OPEN, SIGNAL, SLEEP, WAIT, Reader, Step
from worker.store.log import NOTE
from worker.store.records import StoredLine
from worker.story import previews, requests
from worker.story.model import ARRIVED_EVENT, ARRIVED_SIGNAL, CAME, STOP_ASKED, TIMED_OUT, Entry

REFERENCE = "autokitteh-blob"  # the mark of a payload that lies in the store
_OWN_LINES = frozenset({LINE_SIGNAL, LINE_ERROR})  # told by arrivals, and by the session's end
RESTARTED = "restarted"
_ROUTINE_STATES = ("running", *ENDED_STATES)


@dataclass
class Told:
    """A step in words."""

    call: str = ""
    result: str | None = None
    error: str | None = None
    last_failure: str | None = None


@dataclass
class Collector:
    """Reads the events of one run, oldest first."""

    told: dict[int, Told] = field(default_factory=lambda: defaultdict(Told))
    large: dict[int, Payload] = field(default_factory=dict)
    arrivals: list[tuple[int, Entry]] = field(default_factory=list)
    events: int = 0
    started: HistoryEvent | None = None
    closing: HistoryEvent | None = None
    versions: list[tuple[dt.datetime, str]] = field(default_factory=list)  # which one ran from when on
    mask: Callable[[str], str] = str  # hides the project's secrets in what came from outside
    _task_began: dt.datetime | None = None

    def __post_init__(self) -> None:
        self._reader = Reader(self._keep)

    @property
    def steps(self) -> list[Step]:
        """The steps so far, without their payloads."""
        return self._reader.steps

    def read(self, event: HistoryEvent) -> Step | None:
        """Take the next event; returns the step it asked for or changed."""
        self.events += 1
        if event.event_type == EventType.EVENT_TYPE_WORKFLOW_EXECUTION_STARTED:
            self.started = event
        elif event.event_type in CLOSING:
            self.closing = event
        elif event.event_type == EventType.EVENT_TYPE_WORKFLOW_TASK_STARTED:
            self._task_began = event.event_time.ToDatetime(tzinfo=dt.UTC)
        elif event.event_type == EventType.EVENT_TYPE_WORKFLOW_TASK_COMPLETED:
            version = completing_version(event)
            if self._task_began is not None and (not self.versions or self.versions[-1][1] != version):
                self.versions.append((self._task_began, version))
        else:
            arrival = arrival_of(event, self.mask)
            if arrival is not None:
                self.arrivals.append((event.event_id, arrival))
                return None
        return self._reader.read(event)

    def version_at(self, at: dt.datetime) -> str:
        """The version that ran at a moment: a session that was moved has several; empty when it is not known."""
        ran = [version for began, version in self.versions if began <= at]
        return ran[-1] if ran else self.versions[0][1] if self.versions else ""

    def _keep(self, step: Step) -> Step:
        told = self.told[step.n]
        if step.arguments:
            told.call = previews.call_text(step.kind, step.name, step.arguments)
        if step.result is not None:
            if REFERENCE in step.result.metadata:
                self.large[step.n] = step.result
            told.result = previews.result_text(step.kind, step.name, small(step.result))
        if step.failure is not None:
            told.error = previews.failure_text(step.failure)
        if step.last_failure is not None:
            told.last_failure = previews.failure_text(step.last_failure)
        return replace(step, arguments=(), result=None, failure=None, last_failure=None)


def small(payload: Payload) -> Payload:
    """The payload; of a reference into the store, what it shows of the beginning."""
    if REFERENCE not in payload.metadata:
        return payload
    facts = previews.value_of(payload)
    text = beginning(facts) if isinstance(facts, dict) else "…"
    return Payload(
        metadata={"encoding": b"json/plain"}, data=json.dumps({"preview": text, "pickle": ""}).encode()
    )


def beginning(facts: dict[str, Any]) -> str:
    """How a large value begins, after its size: ``5,000,013 bytes: "xxxx…``; without the envelope it travels in."""
    text = str(facts.get("begins", "")).removeprefix('{"result":').removeprefix('{"preview":')
    with contextlib.suppress(ValueError):  # a preview ends within it; anything else does not
        told, _ = json.JSONDecoder().raw_decode(text)
        text = told if isinstance(told, str) else json.dumps(told, ensure_ascii=False)
    return f"{facts.get('bytes', 0):,} bytes: {text.removesuffix('…')}…"


def arrival_of(event: HistoryEvent, mask: Callable[[str], str] = str) -> Entry | None:
    """What came from outside: an event, a signal, a wish to stop; or trouble on a worker."""
    at = event.event_time.ToDatetime(tzinfo=dt.UTC)
    if event.event_type == EventType.EVENT_TYPE_WORKFLOW_EXECUTION_SIGNALED:
        return signal_of(event.workflow_execution_signaled_event_attributes, at, mask)
    if event.event_type == EventType.EVENT_TYPE_WORKFLOW_EXECUTION_CANCEL_REQUESTED:
        cause = event.workflow_execution_cancel_requested_event_attributes.cause
        return Entry(STOP_ASKED, at, f"{STOP_ASKED}{': ' + cause if cause else ''}")
    if event.event_type == EventType.EVENT_TYPE_WORKFLOW_TASK_FAILED:
        failure = event.workflow_task_failed_event_attributes.failure
        return Entry("warning", at, f"its worker could not go on: {previews.failure_text(failure)}")
    if event.event_type == EventType.EVENT_TYPE_WORKFLOW_TASK_TIMED_OUT:
        return Entry("warning", at, "its worker did not answer in time; the step was given to another one")
    return None


def signal_of(attributes: Any, at: dt.datetime, mask: Callable[[str], str] = str) -> Entry:
    """A signal in words."""
    name = attributes.signal_name
    values = [previews.value_of(small(payload)) for payload in attributes.input.payloads]
    value = values[0] if values else None
    if name == SIGNAL_EVENT and isinstance(value, dict):
        kind = f" ({value['type']})" if value.get("type") else ""
        data = f": {requests.data_text(value['data'], mask=mask)}" if value.get("data") else ""
        return Entry(
            ARRIVED_EVENT,
            at,
            f"event {value.get('id')}{kind} from {value.get('source')}{data}",
            target=value.get("id"),
        )
    if name == SIGNAL_SIGNAL and isinstance(value, dict):
        name, values = str(value.get("name")), [value.get("payload")]
    shown = ", ".join(previews.shown(item, mask=mask) for item in values if item is not None)
    return Entry(ARRIVED_SIGNAL, at, f"signal {name}{': ' + shown if shown else ''}")


def entries_of(
    collector: Collector,
    steps: Sequence[Step],
    lines: Sequence[StoredLine],
    *,
    ends: dt.datetime | None = None,
    numbers: Mapping[int, int] | None = None,
) -> list[Entry]:
    """The entries of some successive steps, with the arrivals and lines between them.

    Args:
        collector: what was read.
        steps: some of its steps, in order.
        lines: the log's lines that belong there.
        ends: arrivals and lines after this moment are left out.
        numbers: what `line_numbers` says of all steps; found from the given ones otherwise.
    """
    if numbers is None:
        numbers = line_numbers(steps, lines)
    calls = {line.line: line for line in lines if line.kind == LINE_CALL and not line.attempt}
    inside: dict[int, list[Entry]] = defaultdict(list)
    for line in lines:
        if line.attempt > 0 and not (line.kind == LINE_WARNING and line.text.startswith("attempt ")):
            inside[line.line].append(as_entry(line))  # attempts are told by the step itself
    claimed = set(numbers.values())
    waiting = deque(
        line
        for line in sorted(lines, key=lambda line: line.line)
        if (line.attempt == NOTE or (not line.attempt and line.line not in claimed))
        and tells(line)
        and (line.kind, line.text) != (LINE_STATE, RESTARTED)  # each run has its own heading
        and (ends is None or line.at < ends)
    )
    chosen = arrivals_between(collector, steps, ends)
    items: list[tuple[int, Step | Entry]] = sorted(
        [*((step.event, step) for step in steps), *chosen], key=lambda item: item[0]
    )
    # The number below which lines belong before each item: that of the next call.
    limits: list[float] = []
    limit = float("inf")
    for _, item in reversed(items):
        if isinstance(item, Step):
            limit = numbers.get(item.n, limit)
        limits.append(limit)
    entries: list[Entry] = []
    for (_, item), limit in zip(items, reversed(limits), strict=True):
        at = item.asked_at if isinstance(item, Step) else item.at
        numbered = isinstance(item, Step) and item.n in numbers
        while waiting and waiting[0].line < limit and (numbered or waiting[0].at < at):
            entries.append(as_entry(waiting.popleft()))
        if isinstance(item, Entry):
            entries.append(item)
        else:
            number = numbers.get(item.n, -1)
            entries.append(
                of_step(item, collector.told[item.n], calls.get(number), tuple(inside.get(number, ())))
            )
    return entries + [as_entry(line) for line in waiting]


def arrivals_between(
    collector: Collector, steps: Sequence[Step], ends: dt.datetime | None
) -> list[tuple[int, Entry]]:
    """The arrivals that belong to these steps: all, unless steps before them are left out."""
    before = [step.event for step in collector.steps if step.n < steps[0].n] if steps else []
    first = before[-1] if before else 0
    return [
        (number, entry)
        for number, entry in collector.arrivals
        if number > first and (ends is None or entry.at < ends)
    ]


def line_numbers(steps: Sequence[Step], lines: Sequence[StoredLine]) -> dict[int, int]:
    """The number of each step's line in the log, by the step's number.

    An activity carries it. Reads, children and signals do not: theirs are the lines nobody else claims, of the same
    place and name, in order.
    """
    found = {step.n: step.line for step in steps if step.line}
    claimed = set(found.values())
    free: dict[tuple[str, str], deque[int]] = defaultdict(deque)
    for line in sorted(lines, key=lambda line: line.line):
        if line.kind == LINE_CALL and not line.attempt and line.line not in claimed:
            free[line.where, line.text.partition("(")[0]].append(line.line)
    for step in steps:
        name = {CHILD: "start", SIGNAL: "signal"}.get(step.kind, step.name)
        queue = free.get((step.where, name))
        if queue and step.n not in found:
            found[step.n] = queue.popleft()
    return found


def tells(line: StoredLine) -> bool:
    """Whether a line says what nothing else in a story says."""
    if line.attempt == NOTE:
        return True
    return line.kind not in _OWN_LINES and not (
        line.kind == LINE_STATE and line.text.partition(":")[0] in _ROUTINE_STATES
    )


def as_entry(line: StoredLine) -> Entry:
    """A line of the log."""
    return Entry(line.kind, line.at, line.text, where=line.where)


def of_step(step: Step, told: Told, call: StoredLine | None, inside: tuple[Entry, ...]) -> Entry:
    """A step with what is known of it."""
    timer = step.kind in {SLEEP, WAIT}
    until = step.asked_at + dt.timedelta(seconds=step.seconds) if timer else None
    outcome = None
    if step.kind == WAIT and step.state != OPEN:
        outcome = CAME if step.state == CANCELED else TIMED_OUT
    if step.kind == CHILD:
        outcome = {OPEN: "running", DONE: "completed", CANCELED: "stopped"}.get(step.state, "error")
    text = call.text if call is not None else told.call or step.name
    return Entry(
        kind=step.kind,
        at=step.asked_at,
        text=step.name if timer else text,
        n=step.n,
        where=step.where,
        state=step.state,
        result=told.result,
        error=told.error,
        outcome=outcome,
        attempts=step.attempts,
        last_failure=told.last_failure,
        ended_at=step.ended_at,
        until=until if step.state == OPEN else None,
        target=step.target or None,
        inside=inside,
    )
