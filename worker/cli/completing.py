"""What a shell offers to complete: names and ids out of the store, none rather than an error."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import typer

from worker.cli import context
from worker.errors import WorkerError

if TYPE_CHECKING:
    from worker.store import Store

_NEWEST = 50


def _asked(question: Callable[[Store], list[str]]) -> list[str]:
    found = context.settings()
    if found.database_url.startswith("sqlite") and not (found.home / "autokitteh.db").exists():
        return []  # nothing is made for a question of a shell
    try:
        with context.opened(found) as store:
            return question(store)
    except WorkerError:
        return []


def _projects(store: Store) -> list[str]:
    return [item.name for item in store.projects.list()]


def projects() -> list[str]:
    """The names of all projects."""
    return _asked(_projects)


def sessions() -> list[str]:
    """The sessions that wrote last, and the projects, which stand for their latest one."""
    return _asked(lambda store: _projects(store) + store.log.newest(_NEWEST))


def deployments() -> list[str]:
    """All deployments, and the projects, which stand for their active one."""
    return _asked(lambda store: _projects(store) + [item.id for item in store.deployments.list()])


def events() -> list[str]:
    """The newest events."""
    return _asked(lambda store: [item.id for item in store.events.list(limit=_NEWEST)])


def triggers(ctx: typer.Context) -> list[str]:
    """The triggers of the project that was typed before."""
    return _asked(lambda store: [item.name for item in store.triggers.list(_project(ctx))])


def connections(ctx: typer.Context) -> list[str]:
    """The connections of the project that was typed before; of all where the shell's line cannot be read that far."""
    known = _project(ctx)
    return _asked(
        lambda store: sorted(
            {
                item.name
                for project in ([known] if known else _projects(store))
                for item in store.connections.list(project)
            }
        )
    )


def sources(ctx: typer.Context) -> list[str]:
    """What events of the project that was typed before come from."""
    return triggers(ctx) + connections(ctx)


def variables(ctx: typer.Context) -> list[str]:
    """The variables of the project that was typed before, or of the connection that was."""
    scope = str(ctx.params.get("connection") or "")
    return _asked(
        lambda store: [item.name for item in store.vars.list(_project(ctx)) if item.connection == scope]
    )


def values(ctx: typer.Context) -> list[str]:
    """The keys of the values of the project that was typed before."""
    return _asked(lambda store: [item.key for item in store.values.list(_project(ctx))])


def _project(ctx: typer.Context) -> str:
    return str(ctx.params.get("project") or "")
