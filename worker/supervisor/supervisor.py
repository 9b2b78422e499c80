"""Bring what runs in line with what the store wants, over and over.

For each deployment the store wants:

1. ``pending`` or ``starting``: start its process; once it is ready and Temporal knows its version, make it current and
   activate it. Any failure: the record becomes ``failed`` with the reason, what ran before goes on.
2. ``active``: keep its process.
3. ``draining``: keep its process while Temporal reports open sessions; then stop it, the record becomes ``inactive``.

Every step can be repeated, so a supervisor that dies is continued by the next one from the records alone.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, Protocol

from temporalio.client import Client

from worker import clock, ids, versions
from worker.config import Settings
from worker.dispatch import schedules
from worker.errors import DeployError, TemporalError, WorkerError
from worker.log import log
from worker.store import Store
from worker.store.records import Deployment
from worker.supervisor import boot, child

_TICK_SECONDS = 0.25
_BEAT_SECONDS = 2.0
_SCHEDULES_RETRY_SECONDS = 5.0
_DRAIN_CHECK_SECONDS = 2.0
_READY_SECONDS = 180.0
_BACKOFF_SECONDS = (0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0)
_HEALTHY_SECONDS = 60.0
_STUCK_LIMIT = 2
SERVICE_KIND = "supervisor"

Tell = Callable[[str, dict[str, Any]], None]


class VersionsPort(Protocol):
    """What the supervisor asks of Temporal; ``worker.versions`` is it."""

    wait_registered: Callable[..., Awaitable[None]]
    make_current: Callable[..., Awaitable[None]]
    open_sessions: Callable[..., Awaitable[int]]
    terminate: Callable[..., Awaitable[None]]


@dataclass
class Keeper:
    """One deployment's process, kept alive."""

    deployment: Deployment
    task: asyncio.Task[None]
    process: child.Launched | None = None
    ready: asyncio.Event = field(default_factory=asyncio.Event)
    crashes: int = 0


class Supervisor:
    """Starts and stops build processes."""

    def __init__(
        self,
        settings: Settings,
        store: Store,
        client: Client,
        *,
        base_url: str = "",
        temporal_address: str = "",
        tell: Tell = lambda _what, _facts: None,
        launch: Callable[..., Awaitable[child.Launched]] = child.launch,
        prepare: Callable[..., boot.Launch] = boot.prepare,
        temporal: Any = versions,
        sync_schedules: Callable[..., Awaitable[None]] = schedules.sync,
    ) -> None:
        self._settings = settings
        self._store = store
        self._client = client
        self._base_url = base_url
        self._address = temporal_address
        self._tell = tell
        self._launch = launch
        self._prepare = prepare
        self._versions = temporal
        self._sync_schedules = sync_schedules
        self._schedules: dict[str, str] = {}  # project → the deployment whose schedules Temporal has
        self._schedules_due: dict[str, float] = {}
        self._keepers: dict[str, Keeper] = {}
        self._activating: dict[str, asyncio.Task[None]] = {}
        self._stuck: dict[str, int] = {}
        self._drain_checked: dict[str, float] = {}
        self._wake = asyncio.Event()
        self._id = ids.new("sup")

    def wake(self) -> None:
        """Look at the store now rather than at the next tick."""
        self._wake.set()

    async def run(self) -> None:
        """Supervise until cancelled; all processes are down when it returns."""
        beating = asyncio.create_task(self._beat())
        failing = False
        try:
            while True:
                try:
                    await self._step()
                    failing = False
                except WorkerError as error:
                    if not failing:
                        log(action="supervisor_waits", level="warning", error=error.message)
                    failing = True
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._wake.wait(), _TICK_SECONDS)
                self._wake.clear()
        finally:
            beating.cancel()
            await self._shut_down(beating)

    async def _shut_down(self, beating: asyncio.Task[None]) -> None:
        for task in self._activating.values():
            task.cancel()
        tasks = [keeper.task for keeper in self._keepers.values()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(beating, *self._activating.values(), *tasks, return_exceptions=True)
        with contextlib.suppress(Exception):
            await asyncio.to_thread(self._store.services.remove, self._id)

    async def _beat(self) -> None:
        while True:
            with contextlib.suppress(WorkerError):
                await asyncio.to_thread(
                    self._store.services.beat, self._id, SERVICE_KIND, socket.gethostname(), os.getpid(), {}
                )
            await asyncio.sleep(_BEAT_SECONDS)

    async def _step(self) -> None:
        wanted = {item.id: item for item in await asyncio.to_thread(self._store.deployments.wanted)}
        for deployment in wanted.values():
            if deployment.state == "draining" and not await self._still_needed(deployment):
                continue
            if deployment.id not in self._keepers:
                self._keep(deployment)
            if deployment.state in {"pending", "starting"} and deployment.id not in self._activating:
                self._activating[deployment.id] = asyncio.create_task(self._activate(deployment))
            if deployment.state == "active":
                await self._schedule(deployment)
        for identifier in [key for key in self._keepers if key not in wanted]:
            await self._drop(identifier)
        for identifier in [key for key, task in self._activating.items() if task.done()]:
            self._activating.pop(identifier).result()

    async def _still_needed(self, deployment: Deployment) -> bool:
        """Whether sessions of a draining deployment are open; retires it when not."""
        now = clock.monotonic()
        if now - self._drain_checked.get(deployment.id, -_DRAIN_CHECK_SECONDS) < _DRAIN_CHECK_SECONDS:
            return True
        self._drain_checked[deployment.id] = now
        if await self._versions.open_sessions(self._client, deployment.project, deployment.version):
            return True
        # Visibility lags behind: a session started a moment ago may not be counted yet. Ask twice.
        await asyncio.sleep(_TICK_SECONDS)
        if await self._versions.open_sessions(self._client, deployment.project, deployment.version):
            return True
        await self._drop(deployment.id)
        await asyncio.to_thread(self._store.deployments.move, deployment.id, ["draining"], "inactive")
        self._tell("drained", {"project": deployment.project, "deployment": deployment.id})
        return False

    async def _schedule(self, deployment: Deployment) -> None:
        """Bring the project's schedules in line, once for each deployment, and once after a start."""
        project, now = deployment.project, clock.monotonic()
        if self._schedules.get(project) == deployment.id or now < self._schedules_due.get(project, now):
            return
        try:
            await self._sync_schedules(self._client, project, deployment.desired["project"]["triggers"])
        except TemporalError as error:
            self._schedules_due[project] = now + _SCHEDULES_RETRY_SECONDS
            log(action="schedules_wait", level="warning", project=project, error=error.message)
            return
        self._schedules[project] = deployment.id

    def _keep(self, deployment: Deployment) -> None:
        keeper = Keeper(deployment, asyncio.create_task(asyncio.sleep(0)))
        self._keepers[deployment.id] = keeper
        keeper.task = asyncio.create_task(self._keep_running(keeper))

    async def _drop(self, identifier: str) -> None:
        keeper = self._keepers.pop(identifier, None)
        if keeper is not None:
            keeper.task.cancel()
            await asyncio.gather(keeper.task, return_exceptions=True)

    async def _keep_running(self, keeper: Keeper) -> None:
        """Run the process, again after each crash, until cancelled."""
        deployment = keeper.deployment
        try:
            while True:
                began = clock.monotonic()
                await self._run_once(keeper)
                keeper.ready.clear()
                if clock.monotonic() - began > _HEALTHY_SECONDS:
                    keeper.crashes = 0
                delay = _BACKOFF_SECONDS[min(keeper.crashes, len(_BACKOFF_SECONDS) - 1)]
                keeper.crashes += 1
                status = keeper.process.status() if keeper.process is not None else None
                log(action="build_process_ended", level="warning", project=deployment.project, status=status)
                self._tell("crashed", {"project": deployment.project, "status": status, "again_in": delay})
                await asyncio.sleep(delay)
        finally:
            if keeper.process is not None:
                await asyncio.shield(keeper.process.stop())

    async def _run_once(self, keeper: Keeper) -> None:
        """Start the process and listen to it until it ends."""
        deployment = keeper.deployment
        tell = lambda text: self._tell("progress", {"project": deployment.project, "text": text})  # noqa: E731
        try:
            launch = await asyncio.to_thread(
                self._prepare, deployment, self._store, self._settings, self._base_url, self._address, tell
            )
            keeper.process = await self._launch(
                launch.boot, launch.python, launch.environment, launch.log_file
            )
        except (WorkerError, OSError) as error:
            await self._failed(
                deployment, error if isinstance(error, WorkerError) else DeployError(str(error))
            )
            return
        while (report := await keeper.process.report()) is not None:
            if report.state == "ready":
                keeper.ready.set()
            elif report.state == "failed":
                await self._failed(deployment, coded(report.message, report.where, report.hint, report.code))
            elif report.state == "stuck":
                await self._unstick(report.message, report.where)

    async def _unstick(self, workflow_id: str, run_id: str) -> None:
        self._stuck[run_id] = self._stuck.get(run_id, 0) + 1
        if self._stuck[run_id] >= _STUCK_LIMIT:
            seconds = self._settings.budget_seconds
            reason = f"the handler did not give up the thread for many times its {seconds:g} s, {_STUCK_LIMIT} times"
            await self._versions.terminate(self._client, workflow_id, run_id, reason)
            log(action="session_terminated", level="error", session=workflow_id, reason=reason)

    async def _failed(self, deployment: Deployment, error: WorkerError) -> None:
        """A deployment that is not active yet has failed; an active one is tried again."""
        facts = {"message": error.message, "where": error.where, "hint": error.hint, "code": error.code}
        moved = await asyncio.to_thread(
            self._store.deployments.move, deployment.id, ["pending", "starting"], "failed", facts
        )
        if moved:
            self._tell("failed", {"project": deployment.project, "deployment": deployment.id, **facts})

    async def _activate(self, deployment: Deployment) -> None:
        """From asked for to active."""
        move = self._store.deployments.move
        if deployment.state == "pending" and not await asyncio.to_thread(
            move, deployment.id, ["pending"], "starting"
        ):
            return
        keeper = self._keepers[deployment.id]
        try:
            await asyncio.wait_for(self._ready_or_failed(keeper), _READY_SECONDS)
            await self._versions.wait_registered(self._client, deployment.project, deployment.version)
            await self._versions.make_current(self._client, deployment.project, deployment.version)
            current = await asyncio.to_thread(self._store.deployments.get, deployment.id)
            if current is not None and current.state == "starting":
                await asyncio.to_thread(self._store.deployments.activate, deployment.id)
                self._tell("active", {"project": deployment.project, "deployment": deployment.id})
        except TimeoutError:
            await self._failed(
                deployment, DeployError(f"its process was not ready within {_READY_SECONDS:.0f} s")
            )
        except (TemporalError, DeployError) as error:
            await self._failed(deployment, error)

    async def _ready_or_failed(self, keeper: Keeper) -> None:
        while not keeper.ready.is_set():
            record = await asyncio.to_thread(self._store.deployments.get, keeper.deployment.id)
            if record is None or record.state not in {"pending", "starting"}:
                raise DeployError("the deployment was given up")
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(keeper.ready.wait(), _TICK_SECONDS)


def coded(message: str, where: str, hint: str, code: str) -> WorkerError:
    """An error a process reported, with its own code."""
    error = DeployError(message, where=where, hint=hint)
    error.code = code or error.code
    return error
