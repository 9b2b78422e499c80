"""A story: the runs of a session, each with its entries in the order in which things happened."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from typing import Any

from worker.story.times import length, spoken

ARRIVED_EVENT = "event"
ARRIVED_SIGNAL = "signal received"
STOP_ASKED = "stop asked for"
CAME = "came"
TIMED_OUT = "timed out"


@dataclass(frozen=True)
class Entry:
    """Something that happened.

    ``kind`` is that of a step (see `worker.steps`), that of a line of the session's log (print, log, warning, error,
    state), or that of an arrival. ``n`` is the step's number, 0 for what is no step. ``text`` is the call as it was made,
    or the line; ``source`` the user's source text at ``where``. ``outcome`` tells how a wait ended, or the state of a
    child. ``inside`` are the lines printed inside a call.
    """

    kind: str
    at: dt.datetime
    text: str
    n: int = 0
    where: str = ""
    source: str = ""
    state: str = ""
    result: str | None = None
    error: str | None = None
    outcome: str | None = None
    attempts: int = 0
    last_failure: str | None = None
    next_attempt_at: dt.datetime | None = None
    ended_at: dt.datetime | None = None
    until: dt.datetime | None = None
    target: str | None = None
    inside: tuple[Entry, ...] = ()
    child: Story | None = None

    @property
    def seconds(self) -> float | None:
        """How long it took."""
        return (self.ended_at - self.at).total_seconds() if self.n and self.ended_at is not None else None

    def as_document(self) -> dict[str, Any]:
        """For programs."""
        found: dict[str, Any] = {
            "kind": self.kind,
            "at": self.at,
            "text": self.text,
            "where": self.where or None,
        }
        if self.n:
            names = ("n", "source", "state", "result", "error", "outcome", "attempts", "last_failure")
            found |= {
                name: getattr(self, name) for name in (*names, "next_attempt_at", "ended_at", "seconds")
            }
            found |= {"until": self.until, "target": self.target}
            found["inside"] = [entry.as_document() for entry in self.inside]
            found["child"] = self.child.as_document() if self.child is not None else None
        return found


@dataclass(frozen=True)
class Wait:
    """Something a session waits for: until when, where that is known, or since when.

    Of a call that is tried again: ``attempt`` is the one under way, or that begins at ``until``, ``failure`` what became of
    the one before.
    """

    text: str
    until: dt.datetime | None = None
    since: dt.datetime | None = None
    attempt: int = 0
    failure: str = ""

    def told(self, now: dt.datetime) -> str:
        """For a person: with how far away it is."""
        if self.since is not None:
            return f"{self.text}, for {length((now - self.since).total_seconds())}"
        if self.attempt:
            coming = self.until is not None and self.until > now
            return self._retry(f" at {spoken(self.until, now)}" if self.until and coming else "")
        return f"{self.text}, until {spoken(self.until, now)}" if self.until is not None else self.text

    def as_document(self) -> str:
        """For programs: with the moment itself."""
        if self.since is not None:
            return f"{self.text}, since {self.since.isoformat()}"
        if self.attempt:
            return self._retry(f" at {self.until.isoformat()}" if self.until is not None else "")
        return f"{self.text}, until {self.until.isoformat()}" if self.until is not None else self.text

    def _retry(self, when: str) -> str:
        failure = f": attempt {self.attempt - 1} failed: {self.failure}" if self.failure else ""
        return f"{self.text}, attempt {self.attempt}{when}{failure}"


@dataclass(frozen=True)
class Run:
    """One run: a session that restarted itself has several. ``before`` and ``after`` count steps that are left out."""

    run_id: str
    started_at: dt.datetime
    state: str
    data: str = ""
    ended_at: dt.datetime | None = None
    entries: tuple[Entry, ...] = ()
    before: int = 0
    after: int = 0
    events: int = 0

    def as_document(self) -> dict[str, Any]:
        """For programs."""
        return {
            "run_id": self.run_id,
            "started_at": self.started_at,
            "ended_at": self.ended_at,
            "state": self.state,
            "data": self.data or None,
            "history_events": self.events,
            "steps_before": self.before,
            "steps_after": self.after,
            "entries": [entry.as_document() for entry in self.entries],
        }


@dataclass(frozen=True)
class Story:
    """A session: ``facts`` are those of ``ak session get``; ``earlier`` counts runs that are left out.

    ``meanwhile`` is what came while it waits, and was not for it.
    """

    facts: dict[str, Any]
    runs: tuple[Run, ...] = ()
    earlier: int = 0
    waits_for: tuple[Wait, ...] = ()
    parent: str | None = None
    build: str | None = None
    notes: tuple[str, ...] = field(default=())
    meanwhile: tuple[str, ...] = ()

    def as_document(self) -> dict[str, Any]:
        """For programs."""
        return self.facts | {
            "parent": self.parent,
            "build": self.build,
            "waits_for": [wait.as_document() for wait in self.waits_for],
            "meanwhile": list(self.meanwhile),
            "earlier_runs": self.earlier,
            "runs": [run.as_document() for run in self.runs],
            "notes": list(self.notes),
        }
