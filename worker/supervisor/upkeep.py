"""Keep Temporal and the store in line, project by project; nothing here is done once and trusted for ever.

1. The active deployment's version is Temporal's current one: a supervisor may have died between the two steps.
2. A draining deployment is retired when Temporal counts no open sessions, asked twice.
3. A retired or failed one that has open sessions after all drains again: Temporal's count lags, and a session that was
   just beginning is pinned to its version only after its first task.
4. A draining one whose process rests gets it back when Temporal has work for it.
5. Schedules are those of the active deployment.
6. A project without an active deployment takes no new work: it has no schedules, and Temporal has no current version, so
   that what is started by hand waits until a deployment is active again.
"""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import Awaitable, Callable, Iterable

from temporalio.client import Client

from worker import clock
from worker.errors import WorkerError
from worker.log import log
from worker.store import Store
from worker.store.records import Deployment
from worker.supervisor import activation
from worker.supervisor.activation import VersionsPort
from worker.supervisor.keeper import Keeper, Tell

_DRAIN_SECONDS = 2.0
_DRAIN_AGAIN_SECONDS = 0.25
_DRAINS_PER_SECOND = 10.0
_COMPARE_SECONDS = 5.0
_BACKLOG_SECONDS = 2.0
_SCHEDULES_SECONDS = 60.0
_SCHEDULES_RETRY_SECONDS = 5.0
_NOTHING = ("", None)


class Due:
    """When something is to be done again."""

    def __init__(self) -> None:
        self._at: dict[tuple[str, str], float] = {}

    def now(self, what: str, of: str, every_seconds: float) -> bool:
        """Whether it is time; if so, the next time is that much later."""
        now = clock.monotonic()
        if now < self._at.get((what, of), now):
            return False
        self._at[what, of] = now + every_seconds
        return True

    def keep(self, those: set[str]) -> None:
        """Forget all others."""
        self._at = {key: at for key, at in self._at.items() if key[1] in those}


class Upkeep:
    """The upkeep of all projects."""

    def __init__(
        self,
        store: Store,
        client: Client,
        temporal: VersionsPort,
        sync_schedules: Callable[..., Awaitable[None]],
        tell: Tell,
        owner: str,
    ) -> None:
        self._store = store
        self._client = client
        self._versions = temporal
        self._sync_schedules = sync_schedules
        self._tell = tell
        self._owner = owner
        self._due = Due()
        # project → the deployment whose schedules Temporal has, and since when it was active
        self._scheduled: dict[str, tuple[str, dt.datetime | None]] = {}
        self._troubles: dict[str, str] = {}

    async def round(self, wanted: Iterable[Deployment], keepers: dict[str, Keeper]) -> None:
        """Do what is due; trouble with one project does not keep it from the others."""
        projects: dict[str, list[Deployment]] = {}
        for deployment in wanted:
            projects.setdefault(deployment.project, []).append(deployment)
        for project, deployments in projects.items():
            try:
                await self._project(project, deployments, keepers)
            except WorkerError as error:
                if self._troubles.get(project) != error.message:
                    log(action="upkeep_waits", level="warning", project=project, error=error.message)
                self._troubles[project] = error.message
            else:
                self._troubles.pop(project, None)
        self._due.keep(projects.keys() | {item.id for items in projects.values() for item in items})

    async def _project(self, project: str, deployments: list[Deployment], keepers: dict[str, Keeper]) -> None:
        on_its_way = any(item.state in activation.ON_ITS_WAY for item in deployments)
        active = next((item for item in deployments if item.state == "active"), None)
        draining = [item for item in deployments if item.state == "draining"]
        if self._due.now("compare", project, _COMPARE_SECONDS):
            if active is not None and not on_its_way:
                await self._compare(active)
            await self._revive(project, deployments)
        if self._due.now("backlog", project, _BACKLOG_SECONDS):
            await self._rouse(project, draining, keepers)
        if active is not None:
            await self._schedule(active)
        elif draining and not on_its_way:
            await self._withdraw(project)
        pause = max(_DRAIN_SECONDS, len(draining) / _DRAINS_PER_SECOND)
        for deployment in draining:
            if self._due.now("drain", deployment.id, pause):
                await self._drain(deployment)

    async def _compare(self, active: Deployment) -> None:
        """Make the active deployment's version Temporal's current one where it is not."""
        if await self._is_current(active):
            return
        async with activation.alone(self._store, activation.lease_of(active.project), self._owner):
            records = await asyncio.to_thread(self._store.deployments.wanted)
            mine = [item for item in records if item.project == active.project]
            settled = not any(item.state in activation.ON_ITS_WAY for item in mine)
            same = any(item.id == active.id and item.state == "active" for item in mine)
            if settled and same and not await self._is_current(active):
                log(action="version_made_current_again", level="warning", project=active.project)
                await self._versions.make_current(self._client, active.project, active.version)

    async def _is_current(self, active: Deployment) -> bool:
        versions = {
            version.build_id: version
            for version in await self._versions.describe(self._client, active.project)
        }
        # A version Temporal does not know yet is for the process to register first.
        return active.version not in versions or versions[active.version].current

    async def _revive(self, project: str, wanted: list[Deployment]) -> None:
        """Serve versions that have open sessions and were given up too early."""
        served = [item.version for item in wanted]
        for version in await self._versions.unserved(self._client, project, served):
            record = await asyncio.to_thread(self._store.deployments.by_version, project, version)
            if record is None:
                continue  # of another installation that uses the same namespace
            moved = await asyncio.to_thread(
                self._store.deployments.move, record.id, ["inactive", "failed"], "draining"
            )
            if moved:
                log(action="deployment_drains_again", project=project, deployment=record.id)

    async def _rouse(self, project: str, draining: list[Deployment], keepers: dict[str, Keeper]) -> None:
        """Give those a process again for which there is work."""
        resting = {
            item.version: keepers[item.id]
            for item in draining
            if item.id in keepers and keepers[item.id].resting
        }
        if resting:
            for version in await self._versions.backlogs(self._client, project, list(resting)):
                log(action="build_process_needed_again", level="debug", project=project, version=version)
                resting[version].rise()

    async def _schedule(self, active: Deployment) -> None:
        """Bring the project's schedules in line: at once after an activation, then now and then.

        Two supervisors may write at once, and the slower one what is out of date: the next time puts it right.
        """
        project = active.project
        activated = (active.id, active.activated_at)
        if self._scheduled.get(project) != activated:
            due = self._due.now("new schedules", active.id, _SCHEDULES_RETRY_SECONDS)
        else:
            due = self._due.now("schedules", project, _SCHEDULES_SECONDS)
        if not due:
            return
        former = await asyncio.to_thread(self._store.triggers.renames, project, applied=True)
        await self._sync_schedules(self._client, project, active.desired["project"]["triggers"], former)
        self._scheduled[project] = activated

    async def _withdraw(self, project: str) -> None:
        """Take no new work, once for each time the project was deactivated."""
        if self._scheduled.get(project) == _NOTHING:
            return
        async with activation.alone(self._store, activation.lease_of(project), self._owner):
            records = await asyncio.to_thread(self._store.deployments.wanted)
            if any(item.project == project and item.state != "draining" for item in records):
                return
            await self._sync_schedules(self._client, project, [], {})
            if any(version.current for version in await self._versions.describe(self._client, project)):
                await self._versions.make_current(self._client, project, "")
        self._scheduled[project] = _NOTHING

    async def _drain(self, deployment: Deployment) -> None:
        """Retire a draining deployment that has no open sessions."""
        if await self._versions.open_sessions(self._client, deployment.project, deployment.version):
            return
        # Visibility lags behind: a session started a moment ago may not be counted yet. Ask twice.
        await asyncio.sleep(_DRAIN_AGAIN_SECONDS)
        if await self._versions.open_sessions(self._client, deployment.project, deployment.version):
            return
        if await asyncio.to_thread(self._store.deployments.retire, deployment.id):
            self._tell("drained", {"project": deployment.project, "deployment": deployment.id})
