"""What came while a session waited, and was not for it: why somebody who sent it thinks that the session is stuck."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from worker.store import Store
    from worker.store.unmatched import Passed

_SHOWN = 3
_ALIKE = 0.7


def meanwhile(store: Store, facts: dict[str, Any]) -> tuple[str, ...]:
    """A few words on each: the signal of another name, the events that the filters did not pass. Synchronous."""
    project, session = facts["project"], facts["id"]
    names, signals = store.unmatched.signals(project, session, facts["started_at"])
    signals.sort(
        key=lambda item: not _nearest(item.name, names)
    )  # what looks alike comes first, else the last one
    events = store.unmatched.events(project, session)
    return (*(of_signal(item, names) for item in signals[:_SHOWN]), *map(of_events, events[:_SHOWN]))


def of_signal(item: Passed, names: list[str]) -> str:
    """Signals of a name that the session does not wait for."""
    near = _nearest(item.name, names)
    when = f"{item.last_at.astimezone():%H:%M:%S}"
    sent = f"sent {item.count:,} times, last at {when}" if item.count > 1 else f"sent at {when}"
    hint = f": did you mean {near}?" if near else ""
    return f"the signal {item.name} was {sent}{hint}"


def of_events(item: Passed) -> str:
    """Events of a source that the session's filters did not pass."""
    what = f"{item.count:,} events of {item.name} were" if item.count > 1 else f"an event of {item.name} was"
    return f"{what} not for it: `ak event explain {item.last}`"


def _nearest(name: str, names: list[str]) -> str:
    return next(iter(difflib.get_close_matches(name, names, 1, _ALIKE)), "")
