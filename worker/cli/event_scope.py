"""What ``ak event list`` says when it found nothing: whether what was asked for exists, and what was looked for."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import TYPE_CHECKING

from worker.cli import context, nearest
from worker.cli.output import moment
from worker.cli.session_scope import there_are
from worker.errors import NotFoundError

if TYPE_CHECKING:
    from worker.store import Store


@dataclass(frozen=True)
class Asked:
    """What the command line asks for."""

    project: str
    source: str
    event_type: str
    since: dt.datetime | None
    until: dt.datetime | None
    unhandled: bool


def check(store: Store, asked: Asked) -> None:
    """See that project and source exist; events of a source that is gone are still known.

    Raises:
        NotFoundError: one of them does not; what comes nearest is named, or what there is.
    """
    if asked.project and not store.events.list(asked.project, limit=1):
        context.project(store, asked.project)
    if not asked.source or store.events.list(asked.project, asked.source, limit=1):
        return
    projects = [asked.project] if asked.project else [item.name for item in store.projects.list()]
    known = [item.name for project in projects for item in store.triggers.list(project)]
    known += [item.name for project in projects for item in store.connections.list(project)]
    if asked.source in known:
        return
    within = f"the project {asked.project} has" if asked.project else "there is"
    raise NotFoundError(
        f"{within} no trigger or connection {asked.source}",
        hint=nearest.hint(asked.source, known, there_are("There are", known)),
    )


def nothing(asked: Asked) -> str:
    """What was looked for, and how to look for more."""
    words = {
        "--source": f"from {asked.source}" if asked.source else "",
        "--type": f"of the type {asked.event_type}" if asked.event_type else "",
        "--since": f"since {moment(asked.since)}" if asked.since else "",
        "--until": f"until {moment(asked.until)}" if asked.until else "",
        "--unhandled": "that led to nothing" if asked.unhandled else "",
    }
    given = {option: text for option, text in words.items() if text}
    project = f" of the project {asked.project}" if asked.project else ""
    text = " ".join((f"there is no event{project}", *given.values()))
    if not given:
        return f"{text}\n  `ak event send {asked.project or 'PROJECT'} SOURCE` sends one."
    return f"{text}\n  Ask for more: leave out {' or '.join(given)}."
