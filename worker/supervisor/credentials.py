"""Tell build processes what their project's connections are now: a new token must reach sessions that wait.

Who is told: processes of active and draining deployments. One that is being activated runs with what its deployment was
asked for with; the store says something else until its manifest is applied.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Protocol

from worker.config import inherited_environment
from worker.contracts import Credentials
from worker.store import Store
from worker.store.records import Deployment

_TOLD_STATES = frozenset({"active", "draining"})
_NOTHING = Credentials({}, {})


class Told(Protocol):
    """Whoever keeps a deployment's process, and what the process has been told."""

    deployment: Deployment
    told: str

    def say(self, message: Credentials) -> None: ...


def of_now(deployment: Deployment, store: Store) -> Credentials:
    """What a deployment's process may know of the connections; nothing while the deployment is not active."""
    if deployment.state not in _TOLD_STATES:
        return _NOTHING
    return of_project(deployment.project, store)


def of_project(project: str, store: Store) -> Credentials:
    """Every connection with its variables.

    As in a process's environment, a project's variable of the same full name counts, and one that we inherited.
    """
    flat = inherited_environment()
    secrets: dict[str, str] = {}
    for item in store.vars.list(project):  # the project's own come first
        name = f"{item.connection}__{item.name}" if item.connection else item.name
        flat[name] = item.value
        secrets.pop(name, None)
        if item.secret:
            secrets[name] = item.value
    connections = {
        connection.name: {
            name.removeprefix(f"{connection.name}__"): value
            for name, value in flat.items()
            if name.startswith(f"{connection.name}__")
        }
        for connection in store.connections.list(project)
    }
    known = tuple(f"{name}__" for name in connections)
    return Credentials(
        connections, {name: value for name, value in secrets.items() if name.startswith(known)}
    )


async def tell_changes(store: Store, keepers: Iterable[Told]) -> None:
    """Tell each process what has changed since it was told last."""
    listening = [keeper for keeper in keepers if keeper.deployment.state in _TOLD_STATES]
    if not listening:
        return
    stamps = await asyncio.to_thread(store.vars.stamps)
    for keeper in listening:
        project = keeper.deployment.project
        stamp = stamps.get(project, "")
        if stamp != keeper.told:
            message = await asyncio.to_thread(of_project, project, store)
            keeper.told = stamp
            keeper.say(message)
