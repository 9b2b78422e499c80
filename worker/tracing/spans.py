"""What a trace says: spans made from events, sessions and steps. Pure.

Identifiers, each a hash:

- a trace is an event's, or that of a session that nothing started but a person; a ``traceparent`` header decides when the
  sender of a webhook had a trace already;
- a child session's span hangs under the step of its parent that started it, in the parent's trace;
- an event that a session was waiting for links the session to the event's own trace.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from worker.steps import CHILD, FAILED, SIGNAL, Step

_TRACEPARENT = re.compile(r"[0-9a-f]{2}-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})")
_HEADER = "Traceparent"


@dataclass(frozen=True)
class Place:
    """Where a span hangs: its trace, and the span above it (0: none)."""

    trace: int
    parent: int = 0


@dataclass(frozen=True)
class Span:
    """One span. ``kind``: server, client, producer or internal; ``error`` is a message, empty when all went well."""

    name: str
    place: Place
    identifier: int
    began: dt.datetime
    ended: dt.datetime
    kind: str = "internal"
    attributes: dict[str, Any] = field(default_factory=dict)
    error: str = ""
    links: tuple[tuple[int, int], ...] = ()


@dataclass(frozen=True)
class SessionFacts:
    """One run of a session that has ended. ``received`` are the events it was waiting for: ids and data."""

    id: str
    run_id: str
    project: str
    handler: str
    state: str
    began: dt.datetime
    ended: dt.datetime
    event_id: str = ""
    trigger: str = ""
    error: str = ""
    received: tuple[tuple[str, Any], ...] = ()


def of_event(event_id: str, data: Any) -> Place:
    """The trace of an event: the one its sender named in a ``traceparent`` header, or its own."""
    headers = data.get("headers") if isinstance(data, dict) else None
    given = headers.get(_HEADER, "") if isinstance(headers, dict) else ""
    match = _TRACEPARENT.fullmatch(given) if isinstance(given, str) else None
    if match is not None and int(match[1], 16) and int(match[2], 16):
        return Place(int(match[1], 16), int(match[2], 16))
    return Place(_number(16, "event", event_id))


def under_event(event_id: str, data: Any) -> Place:
    """Where sessions hang that an event started."""
    return Place(of_event(event_id, data).trace, event_span(event_id))


def event_span(event_id: str) -> int:
    """The span of an event's arrival."""
    return _number(8, "arrival", event_id)


def by_hand(session_id: str) -> Place:
    """Where a session hangs that a person started."""
    return Place(_number(16, "session", session_id))


def under_parent(place: Place, child_id: str) -> Place:
    """Where a child hangs: under the step of its parent that started it."""
    return Place(place.trace, child_step(child_id))


def child_step(child_id: str) -> int:
    """The span of the step that started a child."""
    return _number(8, "start", child_id)


def arrival(event: Any, seconds: float, status: int) -> Span:
    """The span of a webhook's request."""
    return Span(
        name=f"webhook {event.source}",
        place=of_event(event.id, event.data),
        identifier=event_span(event.id),
        began=event.created_at,
        ended=event.created_at + dt.timedelta(seconds=seconds),
        kind="server",
        attributes={
            "autokitteh.project": event.project,
            "autokitteh.trigger": event.source,
            "autokitteh.event.id": event.id,
            "http.request.method": event.event_type.upper(),
            "http.response.status_code": status,
        },
    )


def session(facts: SessionFacts, place: Place, steps: Iterable[Step]) -> list[Span]:
    """A session's span, and one for each of its steps."""
    own = _number(8, "run", facts.run_id)
    attributes = {
        "autokitteh.project": facts.project,
        "autokitteh.session.id": facts.id,
        "autokitteh.session.run_id": facts.run_id,
        "autokitteh.session.state": facts.state,
        "autokitteh.handler": facts.handler,
    }
    if facts.event_id:
        attributes |= {"autokitteh.event.id": facts.event_id, "autokitteh.trigger": facts.trigger}
    links = tuple((of_event(item, data).trace, event_span(item)) for item, data in facts.received)
    top = Span(facts.handler, place, own, facts.began, facts.ended, "server", attributes, facts.error, links)
    return [top, *(_step(facts, place.trace, own, item) for item in steps)]


def _step(facts: SessionFacts, trace: int, parent: int, step: Step) -> Span:
    child = step.kind == CHILD
    attributes: dict[str, Any] = {
        "autokitteh.step": step.n,
        "autokitteh.step.kind": step.kind,
        "autokitteh.session.id": facts.id,
    }
    if step.where:
        attributes["code.location"] = step.where
    if step.attempts:
        attributes["autokitteh.attempts"] = step.attempts
    if child:
        attributes["autokitteh.child.id"] = step.target
    # A child goes on by itself: the step of its parent is only its start.
    ended = step.started_at if child else step.ended_at
    return Span(
        name=f"signal {step.name}" if step.kind == SIGNAL else step.name,
        place=Place(trace, parent),
        identifier=child_step(step.target) if child else _number(8, "step", facts.run_id, str(step.event)),
        began=step.asked_at,
        ended=ended or facts.ended,
        kind="producer" if child else "client" if step.kind in {"call", "system"} else "internal",
        attributes=attributes,
        error=(step.failure.message or "failed")
        if step.state == FAILED and step.failure and not child
        else "",
    )


def _number(size: int, *parts: str) -> int:
    """An identifier of so many bytes, never 0, which means none."""
    digest = hashlib.sha256("\0".join(parts).encode()).digest()
    return int.from_bytes(digest[:size], "big") or 1
