"""What a session recorded beside what code asks for now: the same, or the first step where they part.

Pure. Rules:

1. Steps are compared in their order by kind, function, duration and target. Temporal's own check is more lenient: it
   does not look at durations, and a step that is new after everything recorded only shows in a later task.
2. Reads of the store are left to Temporal: several at once are recorded in the order in which they ended.
3. The place of a step is shown and never compared: lines move.
4. The same steps with the same arguments in another order part ways: each would get another's answer. Other arguments
   than recorded are reported apart: the session could go on, with answers to what the code no longer asks.

May import: worker.steps, worker.asked. Never: the store, a client.
"""

from __future__ import annotations

import collections
import datetime as dt
import difflib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from temporalio.api.common.v1 import Payload
from temporalio.api.enums.v1 import EventType
from temporalio.api.history.v1 import HistoryEvent

from worker import asked as asking
from worker.steps import READ, SLEEP, WAIT, Step, steps_of

CLEAN = "clean"
BREAKS = "breaks"
DIFFERS = "differs"

SET_ORDER = "the same calls in another order: code was moved, or a set is iterated"
EDITED = "the code was edited"
STATE = "the handler depends on what can change between two runs: clock or chance that no stand-in covers, module-level state of a library, a file, the environment"
_OPENING = "autokitteh.end"
_AROUND = 2  # steps shown before and after those that differ
_APART = 3  # steps shown of a stretch in which they differ
_MOST_ROWS = 40


@dataclass(frozen=True)
class Comparison:
    """What came out.

    ``outcome`` is ``clean``, ``breaks`` or ``differs``. ``n`` is the number of the first step that differs, ``recorded``
    and ``now`` the step on either side, None where there is none. ``rows`` is the aligned difference, each
    ``(mark, n, name, where)`` with the mark a blank, ``-`` (recorded) or ``+`` (now).
    """

    outcome: str
    n: int = 0
    recorded: Step | None = None
    now: Step | None = None
    rows: list[tuple[str, int, str, str]] = field(default_factory=list)
    likely: list[str] = field(default_factory=list)

    def line(self) -> str:
        """``recorded #7 requests.get main.py:41 / now #7 slack.chat_postMessage main.py:44``."""
        if self.outcome == CLEAN:
            return ""
        return f"recorded {_shown(self.recorded)} / now {_shown(self.now)}"

    def to_json(self) -> dict[str, Any]:
        """As it crosses a pipe and as ``--json`` prints it."""
        return {
            "outcome": self.outcome,
            "n": self.n,
            "recorded": _facts(self.recorded),
            "now": _facts(self.now),
            "line": self.line(),
            "rows": [list(row) for row in self.rows],
            "likely": self.likely,
        }


def text_of(rows: Iterable[Sequence[Any]]) -> str:
    """The aligned difference as a person reads it: what was recorded with ``-``, what is asked for now with ``+``."""
    shown = [(str(mark), f"#{n}", str(name), str(where)) for mark, n, name, where in rows]
    width = max((len(number) for _, number, _, _ in shown), default=0)
    names = max((len(name) for _, _, name, _ in shown), default=0)
    return "\n".join(
        f"{mark} {number.ljust(width)}  {name.ljust(names)}  {where}".rstrip()
        for mark, number, name, where in shown
    )


def compare(
    events: Sequence[HistoryEvent], asked: Sequence[Step], *, refused: bool, edited: bool | None = None
) -> Comparison:
    """Compare a history with what code asked for while it replayed.

    Args:
        events: the history's.
        asked: by the code, see ``worker.asked``.
        refused: whether Temporal ended the replay with nondeterminism.
        edited: whether the code is another than the one that recorded, where that is known.
    """
    steps = steps_of(events)
    recorded = [*steps, *_ending(events, len(steps) + 1)]
    now = _due(events, asked)
    at = _first_difference(recorded, now)
    if at is None and not refused:
        return _arguments(recorded, now, edited)
    if at is None:
        at = _refused_at(recorded, now)
    left = recorded[at[0]] if at[0] < len(recorded) else None
    right = now[at[1]] if at[1] < len(now) else None
    number = (left or right).n if left or right else len(recorded) + 1  # type: ignore[union-attr]
    return Comparison(
        BREAKS, number, left, right, _rows(recorded, now, at), _likely(recorded, now, at, edited)
    )


def _due(events: Sequence[HistoryEvent], asked: Sequence[Step]) -> list[Step]:
    """What was asked for in tasks that the history has the answers to; the last task may be under way."""
    done = {
        event.workflow_task_completed_event_attributes.started_event_id
        for event in events
        if event.event_type == EventType.EVENT_TYPE_WORKFLOW_TASK_COMPLETED
    }
    due = [step for step in asked if step.event in done]
    ends = [index for index, step in enumerate(due) if step.kind == asking.END]
    return due[: ends[0] + 1] if ends else due


def _ending(events: Sequence[HistoryEvent], number: int) -> list[Step]:
    """The recorded ending: a step of kind ``end``, as code that ends asks for one."""
    for event in events:
        kind = event.WhichOneof("attributes") or ""
        name = event.activity_task_scheduled_event_attributes.activity_type.name
        if name == _OPENING or kind in _CLOSINGS:
            at = event.event_time.ToDatetime(tzinfo=dt.UTC)
            return [Step(number, asking.END, asking.ENDS, "", event.event_id, at)]
    return []


_CLOSINGS = frozenset(
    f"workflow_execution_{how}_event_attributes"
    for how in ("completed", "failed", "canceled", "continued_as_new")
)


def _key(step: Step) -> tuple[str, str, float, str]:
    timed = step.kind in {SLEEP, WAIT}
    # A sleep's name is its duration; durations of waits that follow the clock may differ below a millisecond.
    nameless = timed or step.kind == asking.END
    return (step.kind, "" if nameless else step.name, round(step.seconds, 3) if timed else 0.0, step.target)


def _first_difference(recorded: Sequence[Step], now: Sequence[Step]) -> tuple[int, int] | None:
    """The positions at which both part, None when all that was recorded is asked for, and nothing else."""
    left = [index for index, step in enumerate(recorded) if step.kind != READ]
    right = [index for index, step in enumerate(now) if step.kind != READ]
    for i, j in zip(left, right, strict=False):
        if _key(recorded[i]) != _key(now[j]):
            return i, j
    if len(left) == len(right):
        return None
    shorter = min(len(left), len(right))
    return (
        left[shorter] if shorter < len(left) else len(recorded),
        right[shorter] if shorter < len(right) else len(now),
    )


def _refused_at(recorded: Sequence[Step], now: Sequence[Step]) -> tuple[int, int]:
    """Temporal refused what is the same here: a read, then, or something that is no step."""
    for index, (left, right) in enumerate(zip(recorded, now, strict=False)):
        if (left.kind, left.name) != (right.kind, right.name):
            return index, index
    shorter = min(len(recorded), len(now))
    return shorter, shorter


def _arguments(recorded: Sequence[Step], now: Sequence[Step], edited: bool | None) -> Comparison:
    """The steps are the same; what they were given may not be."""
    pairs = [
        (left, right)
        for left, right in zip(
            (step for step in recorded if step.kind != READ),
            (step for step in now if step.kind != READ),
            strict=True,
        )
        if given(left) != given(right) and _exactly(left) != _exactly(right)
    ]
    if not pairs:
        return Comparison(CLEAN)
    before = collections.Counter((_key(left), given(left)) for left, _ in pairs)
    after = collections.Counter((_key(right), given(right)) for _, right in pairs)
    left, right = pairs[0]
    rows = [
        row for pair in pairs[:_MOST_ROWS] for row in (_row("-", pair[0], True), _row("+", pair[1], True))
    ]
    if len(pairs) > 1 and before == after:
        return Comparison(BREAKS, left.n, left, right, rows, [SET_ORDER])
    return Comparison(DIFFERS, left.n, left, right, rows, _cause(edited))


def given(step: Step) -> str:
    """What a step was given, as far as it can be compared: a value that had to be pickled by what it shows."""
    if not step.arguments:
        return ""
    return json.dumps(_taking("preview", _value(step.arguments[0])), sort_keys=True)


def _exactly(step: Step) -> Any:
    """What a step was given, without what it shows: another version of the worker may show the same value otherwise."""
    return _taking("pickle", _value(step.arguments[0])) if step.arguments else None


def _value(payload: Payload) -> Any:
    try:
        return json.loads(payload.data)
    except ValueError:
        return payload.data.hex()


def _taking(part: str, value: Any) -> Any:
    """The value with one part of each that had to be pickled: its ``preview``, or its ``pickle``."""
    if isinstance(value, dict):
        if set(value) == {"preview", "pickle"}:
            return value[part]
        return {key: _taking(part, item) for key, item in value.items()}
    if isinstance(value, list):
        return [_taking(part, item) for item in value]
    return value


def _rows(
    recorded: Sequence[Step], now: Sequence[Step], at: tuple[int, int]
) -> list[tuple[str, int, str, str]]:
    """Both sides around the place where they part, aligned."""
    rows = [_row(" ", step) for step in recorded[max(0, at[0] - _AROUND) : at[0]]]
    left, right = recorded[at[0] : at[0] + _MOST_ROWS], now[at[1] : at[1] + _MOST_ROWS]
    matcher = difflib.SequenceMatcher(None, [_key(s) for s in left], [_key(s) for s in right], autojunk=False)
    for tag, i, i_end, j, j_end in matcher.get_opcodes():
        if tag == "equal":
            rows += [_row(" ", step) for step in left[i : min(i_end, i + _AROUND)]]
        else:
            rows += [_row("-", step) for step in left[i : min(i_end, i + _APART)]]
            rows += [_row("+", step) for step in right[j : min(j_end, j + _APART)]]
        if i_end - i > _APART or j_end - j > _APART or j_end == len(right):
            break  # the replay ends soon after both part: what follows there says nothing
    return rows[:_MOST_ROWS]


def _row(mark: str, step: Step, arguments: bool = False) -> tuple[str, int, str, str]:
    shown = f"{step.name} {given(step)[:120]}" if arguments and step.arguments else step.name
    return mark, step.n, shown, step.where


def _likely(
    recorded: Sequence[Step], now: Sequence[Step], at: tuple[int, int], edited: bool | None
) -> list[str]:
    """Why, as far as that can be guessed."""
    left = [_key(step) for step in recorded[at[0] :]]
    right = [_key(step) for step in now[at[1] :]]
    # The replay ends where both part, so that ``now`` is often cut short: compare as many as there are.
    size = min(len(left), len(right))
    moved = size > 1 and collections.Counter(left[:size]) == collections.Counter(right[:size])
    return [*([SET_ORDER] if moved else []), *_cause(edited)]


def _cause(edited: bool | None) -> list[str]:
    if edited is None:
        return [EDITED, STATE]
    return [EDITED] if edited else [STATE]


def _shown(step: Step | None) -> str:
    return "nothing" if step is None else f"#{step.n} {step.name} {step.where}".rstrip()


def _facts(step: Step | None) -> dict[str, Any] | None:
    if step is None:
        return None
    return {"n": step.n, "kind": step.kind, "name": step.name, "where": step.where}
