"""From asked for to active, with any number of supervisors at it.

1. Whoever sees it first moves it from ``pending`` to ``starting``. Every supervisor starts a process of it.
2. Who has one that is ready goes on once Temporal knows the version; the others' failures do not matter then.
3. One at a time, under a lease of the project's: the version is made current, then the record active. Who comes late
   finds that it is done, or that something newer was asked for.
4. It has failed when it has failed for every supervisor that is alive.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, Protocol

from temporalio.client import Client

from worker import clock
from worker.errors import DeployError, StoreOutageError, WorkerError
from worker.log import log
from worker.store import Store
from worker.store.records import Deployment
from worker.supervisor.keeper import Keeper

POLL_SECONDS = 0.25
LEASE_SECONDS = 15.0
_RENEW_SECONDS = 4.0
_READY_SECONDS = 180.0
ON_ITS_WAY = ("pending", "starting")


class VersionsPort(Protocol):
    """What the supervisor asks of Temporal; ``worker.versions`` is it."""

    wait_registered: Callable[..., Awaitable[None]]
    make_current: Callable[..., Awaitable[None]]
    open_sessions: Callable[..., Awaitable[int]]
    unserved: Callable[..., Awaitable[list[str]]]
    backlogs: Callable[..., Awaitable[set[str]]]
    describe: Callable[..., Awaitable[list[Any]]]
    terminate: Callable[..., Awaitable[None]]


@contextlib.asynccontextmanager
async def alone(store: Store, name: str, owner: str) -> AsyncIterator[None]:
    """Hold a lease; waits for it, keeps it, gives it back."""

    async def renew() -> None:
        while True:
            await asyncio.sleep(_RENEW_SECONDS)
            with contextlib.suppress(StoreOutageError):
                await asyncio.to_thread(store.leases.take, name, owner, LEASE_SECONDS)

    while not await asyncio.to_thread(store.leases.take, name, owner, LEASE_SECONDS):
        await asyncio.sleep(POLL_SECONDS)
    renewing = asyncio.create_task(renew())
    try:
        yield
    finally:
        renewing.cancel()
        await asyncio.gather(renewing, return_exceptions=True)
        with contextlib.suppress(StoreOutageError):
            await asyncio.to_thread(store.leases.release, name, owner)


def lease_of(project: str) -> str:
    """The lease under which a project's current version is changed."""
    return f"current:{project}"


async def activate(
    deployment: Deployment, keeper: Keeper, store: Store, client: Client, temporal: VersionsPort, owner: str
) -> bool:
    """Bring it to active; returns whether it was us who did.

    Raises:
        DeployError, TemporalError: it cannot become active from here.
        StoreOutageError: the store cannot be used; try again.
    """
    records = store.deployments
    if deployment.state == "pending":
        await asyncio.to_thread(records.move, deployment.id, ["pending"], "starting")
    keeper.rise()
    if not await _is_ready(keeper, store):
        return False
    await temporal.wait_registered(client, deployment.project, deployment.version)
    async with alone(store, lease_of(deployment.project), owner):
        if not await _on_its_way(deployment.id, store):
            return False
        await temporal.make_current(client, deployment.project, deployment.version)
        return await asyncio.to_thread(records.activate, deployment.id)


async def _is_ready(keeper: Keeper, store: Store) -> bool:
    """Wait for the process; False when the deployment is no longer on its way."""
    launched_at: float | None = None  # installing requirements before may take as long as it takes
    while not keeper.ready.is_set():
        if not await _on_its_way(keeper.deployment.id, store):
            return False
        launched_at = launched_at or keeper.launched_at
        if launched_at is not None and clock.monotonic() - launched_at > _READY_SECONDS:
            raise DeployError(
                f"its process was not ready within {_READY_SECONDS:.0f} s",
                hint="Does a module do long work when it is loaded? Its output is in the deployment's log.",
            )
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(POLL_SECONDS):
                await keeper.ready.wait()
    return True


async def _on_its_way(identifier: str, store: Store) -> bool:
    record = await asyncio.to_thread(store.deployments.get, identifier)
    return record is not None and record.state in ON_ITS_WAY


class Failures:
    """Why deployments do not come up here; the other supervisors read it among our signs of life."""

    def __init__(self) -> None:
        self._facts: dict[str, dict[str, str]] = {}

    def note(self, deployment: Deployment, error: WorkerError) -> None:
        """It did not come up."""
        facts = {"message": error.message, "where": error.where, "hint": error.hint, "code": error.code}
        if self._facts.get(deployment.id) != facts:
            log(
                action="deployment_does_not_start_here",
                level="warning",
                project=deployment.project,
                deployment=deployment.id,
                error=error.message,
            )
        self._facts[deployment.id] = facts

    def forget(self, identifier: str) -> None:
        """It came up, or is not wanted any more."""
        self._facts.pop(identifier, None)

    def of(self, identifier: str) -> dict[str, str] | None:
        """Why it did not come up here."""
        return self._facts.get(identifier)

    def all(self) -> set[str]:
        """The deployments that do not come up here."""
        return set(self._facts)

    def details(self) -> dict[str, str]:
        """For our signs of life: which deployments do not come up here, and why."""
        return {identifier: facts["message"] for identifier, facts in self._facts.items()}


def failed_everywhere(identifier: str, others: list[dict[str, str]]) -> bool:
    """Whether every other supervisor that is alive has failed as well, by what their signs of life say."""
    return all(identifier in details for details in others)
