"""The steps that code asks for while it replays, read from the commands of its activations.

Pure. The same ``Step`` as ``worker.steps`` reads from a history, so that both can be compared; ``event`` is here the id of
the event that started the workflow task in which the step was asked for. A session that ends asks for a last step of
kind ``end``.

May import: temporalio's messages. Never: the store, a client.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterator
from typing import Any

from worker.steps import CALL, CHILD, READ, SIGNAL, SLEEP, SYSTEM, WAIT, Step

END = "end"
ENDS = "the session ends"

_OWN = "autokitteh."
_ENDING = "autokitteh.end"
_SEPARATOR = " · "


def asked_in(activation: Any, completion: Any, first: int) -> list[Step]:
    """What one activation asked for, numbered from ``first`` on.

    Args:
        activation: Temporal's, with the time and the task it belongs to.
        completion: what the session answered.
        first: the number of the first step.
    """
    commands = list(completion.successful.commands)
    gone = set(withdrawn(commands))
    at = activation.timestamp.ToDatetime(tzinfo=dt.UTC)
    steps: list[Step] = []
    for command in commands:
        found = _READERS.get(command.WhichOneof("variant") or "")
        facts: Any = getattr(command, command.WhichOneof("variant") or "variant", None)
        if found is None or (command.WhichOneof("variant"), getattr(facts, "seq", 0)) in gone:
            continue
        given = found(facts, _summary(command))
        steps.append(Step(n=first + len(steps), event=activation.history_length, asked_at=at, **given))
    if completion.HasField("failed"):
        message = completion.failed.failure.message
        steps.append(
            Step(
                n=first + len(steps),
                event=activation.history_length,
                asked_at=at,
                kind=END,
                name=f"fails: {message}",
                where="",
            )
        )
    return steps


def asked_by(command: Any) -> dict[str, Any] | None:
    """Kind, function, place and the like of what one command asks for; None when it is no step."""
    variant = command.WhichOneof("variant") or ""
    found = _READERS.get(variant)
    return None if found is None else found(getattr(command, variant), _summary(command))


def withdrawn(commands: list[Any]) -> Iterator[tuple[str, int]]:
    """What was asked for and taken back before anyone heard of it: it is in no history."""
    for command in commands:
        kind = command.WhichOneof("variant")
        if kind == "cancel_timer":
            yield "start_timer", command.cancel_timer.seq
        elif kind == "request_cancel_activity":
            yield "schedule_activity", command.request_cancel_activity.seq
        elif kind == "request_cancel_local_activity":
            yield "schedule_local_activity", command.request_cancel_local_activity.seq


def _summary(command: Any) -> str:
    try:
        text = json.loads(command.user_metadata.summary.data or b'""')
    except ValueError:
        return ""
    return text if isinstance(text, str) else ""


def _activity(facts: Any, summary: str) -> dict[str, Any]:
    if facts.activity_type == _ENDING:
        return {"kind": END, "name": ENDS, "where": ""}
    arguments = tuple(facts.arguments)
    return {
        "kind": SYSTEM if facts.activity_type.startswith(_OWN) else CALL,
        "name": facts.activity_type.removeprefix(_OWN),
        "where": summary,
        "line": _line(arguments),
        "arguments": arguments,
    }


def _line(arguments: tuple[Any, ...]) -> int:
    try:
        context = json.loads(arguments[1].data) if len(arguments) > 1 else None
    except ValueError:
        return 0
    return int(context.get("line", 0)) if isinstance(context, dict) else 0


def _local(facts: Any, summary: str) -> dict[str, Any]:
    return {"kind": READ, "name": facts.activity_type.removeprefix(_OWN), "where": summary}


def _timer(facts: Any, summary: str) -> dict[str, Any]:
    name, _, where = summary.rpartition(_SEPARATOR)
    name = name or "timer"
    seconds = facts.start_to_fire_timeout.ToTimedelta().total_seconds()
    return {
        "kind": SLEEP if name.startswith("sleep") else WAIT,
        "name": name,
        "where": where,
        "seconds": seconds,
    }


def _child(facts: Any, summary: str) -> dict[str, Any]:
    return {
        "kind": CHILD,
        "name": facts.workflow_type,
        "where": summary.rpartition(_SEPARATOR)[2],
        "target": facts.workflow_id,
        "arguments": tuple(facts.input),
    }


def _signal(facts: Any, summary: str) -> dict[str, Any]:
    return {
        "kind": SIGNAL,
        "name": facts.signal_name,
        "where": summary.rpartition(_SEPARATOR)[2],
        "target": facts.child_workflow_id or facts.workflow_execution.workflow_id,
        "arguments": tuple(facts.args),
    }


def _completed(_facts: Any, _summary: str) -> dict[str, Any]:
    return {"kind": END, "name": ENDS, "where": ""}


def _failed(facts: Any, _summary: str) -> dict[str, Any]:
    message, _, where = facts.failure.message.rpartition(" (")
    place = where.removesuffix(")") if message and where.endswith(")") else ""
    return {"kind": END, "name": f"{ENDS}: {message if place else facts.failure.message}", "where": place}


def _canceled(_facts: Any, _summary: str) -> dict[str, Any]:
    return {"kind": END, "name": "the session is stopped", "where": ""}


def _again(_facts: Any, _summary: str) -> dict[str, Any]:
    return {"kind": END, "name": "the session goes on as a new run", "where": ""}


_READERS = {
    "schedule_activity": _activity,
    "schedule_local_activity": _local,
    "start_timer": _timer,
    "start_child_workflow_execution": _child,
    "signal_external_workflow_execution": _signal,
    "complete_workflow_execution": _completed,
    "fail_workflow_execution": _failed,
    "cancel_workflow_execution": _canceled,
    "continue_as_new_workflow_execution": _again,
}
