"""Bring what runs in line with what the store wants, over and over.

For each deployment the store wants:

1. ``pending`` or ``starting``: keep a process, and bring it to active (``activation``).
2. ``active``: keep its process.
3. ``draining``: keep its process while it has work; then let it rest until Temporal has some (``upkeep``), and stop
   it for good when no session is open: the record becomes ``inactive``.

Every step can be repeated, so a supervisor that dies is continued by the next one from the records alone. Any number of
supervisors may run side by side: each keeps a process of every deployment.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
from collections import Counter
from collections.abc import Awaitable, Callable, Collection, Coroutine
from typing import Any

from temporalio.client import Client

from worker import ids, moving, versions
from worker.config import Settings
from worker.contracts import LINE_ERROR, Report
from worker.dispatch import schedules
from worker.errors import ReplayError, StoreOutageError, TemporalError, WorkerError
from worker.log import log
from worker.meter import SESSION_STATES, Meter, Reading
from worker.store import Store
from worker.store.records import Deployment
from worker.supervisor import activation, boot, child, credentials
from worker.supervisor.cleaning import Cleaning
from worker.supervisor.keeper import Keeper, Tell
from worker.supervisor.upkeep import Upkeep

_TICK_SECONDS = 0.25
_BEAT_SECONDS = 2.0
_ALIVE_SECONDS = 10.0  # without a sign of life a supervisor counts as gone
_STUCK_LIMIT = 2
_SERVING_SECONDS = 15.0
_SERVING_POLL_SECONDS = 0.02
SERVICE_KIND = "supervisor"


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
        meter: Meter | None = None,
        ended: Callable[[str, str], None] | None = None,
    ) -> None:
        self.meter = meter or Meter()
        self._ended = ended
        self._told = tell
        self._settings = settings
        self._store = store
        self._client = client
        self._base_url = base_url
        self._address = temporal_address
        self._launch = launch
        self._prepare = prepare
        self._versions = temporal
        self._id = ids.new("sup")
        self._upkeep = Upkeep(store, client, temporal, sync_schedules, self._tell, self._id)
        self._keepers: dict[str, Keeper] = {}
        self._activating: dict[str, asyncio.Task[None]] = {}
        self._closing: set[asyncio.Task[None]] = set()
        self._failures = activation.Failures()
        self._stuck: dict[str, int] = {}
        self._wanted: list[Deployment] = []
        self._looked = False
        self._wake = asyncio.Event()

    def _tell(self, what: str, facts: dict[str, Any]) -> None:
        if what == "crashed":
            self.meter.count("autokitteh_build_process_crashes_total", project=str(facts["project"]))
        self._told(what, facts)

    async def gauges(self) -> list[Reading]:
        """How many build processes run here, by project; and what is counted here, before it counts."""
        running: Counter[str] = Counter()
        handlers: set[tuple[str, str]] = set()
        for keeper in list(self._keepers.values()):
            project = keeper.deployment.project
            running[project] += bool(keeper.launched_at)
            triggers = keeper.deployment.desired["project"]["triggers"]
            handlers |= {(project, item["call"]) for item in triggers if item["call"]}
        return [
            *(("autokitteh_build_processes", (project,), float(n)) for project, n in running.items()),
            *(("autokitteh_build_process_crashes_total", (project,), 0.0) for project in running),
            *(
                ("autokitteh_sessions_total", (*handler, state), 0.0)
                for handler in sorted(handlers)
                for state in SESSION_STATES
            ),
        ]

    def wake(self) -> None:
        """Look at the store now rather than at the next tick."""
        self._wake.set()

    async def serving(self, deployments: Collection[str], seconds: float = _SERVING_SECONDS) -> set[str]:
        """Wait until a process of each of these deployments serves here; returns those that have none.

        A deployment that does not come up here is not waited for, nor any longer than ``seconds``.
        """
        late = set(deployments)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while late := {key for key in late if not self._serves(key)} - self._failures.all():
                    await asyncio.sleep(_SERVING_POLL_SECONDS)
        return {key for key in deployments if not self._serves(key)}

    def _serves(self, identifier: str) -> bool:
        return identifier in self._keepers and self._keepers[identifier].ready.is_set()

    async def run(self) -> None:
        """Supervise until cancelled; all processes are down when it returns."""
        beside = [
            asyncio.create_task(self._over_and_over("beat", self._beat, _BEAT_SECONDS)),
            asyncio.create_task(self._over_and_over("upkeep", self._look_after, _TICK_SECONDS)),
            asyncio.create_task(self._over_and_over("credentials", self._hand_out, _TICK_SECONDS)),
        ]
        if self._settings.keep.every_seconds:
            cleaning = Cleaning(self._settings, self._store, self._client, self._id)
            beside.append(
                asyncio.create_task(self._over_and_over("cleaning", cleaning.round, cleaning.pause_seconds))
            )
        try:
            await self._over_and_over("step", self._step, _TICK_SECONDS, self._wake)
        finally:
            await self._shut_down(beside)

    async def _over_and_over(
        self,
        name: str,
        work: Callable[[], Coroutine[Any, Any, None]],
        seconds: float,
        wake: asyncio.Event | None = None,
    ) -> None:
        """Repeat for ever; an outage of the store or of Temporal is said once."""
        wake = wake or asyncio.Event()
        failing = False
        while True:
            try:
                await work()
                failing = False
            except WorkerError as error:
                if not failing:
                    log(action="supervisor_waits", level="warning", what=name, error=error.message)
                failing = True
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    await wake.wait()
            wake.clear()

    async def _shut_down(self, beside: list[asyncio.Task[None]]) -> None:
        tasks = [*beside, *self._activating.values()]
        for task in tasks:
            task.cancel()
        closing = [keeper.close() for keeper in self._keepers.values()]
        await asyncio.gather(*tasks, *self._closing, *closing, return_exceptions=True)
        with contextlib.suppress(Exception):
            await asyncio.to_thread(self._store.services.remove, self._id)

    async def _beat(self) -> None:
        host, pid = socket.gethostname(), os.getpid()
        details = self._failures.details()
        await asyncio.to_thread(self._store.services.beat, self._id, SERVICE_KIND, host, pid, details)

    async def _hand_out(self) -> None:
        await credentials.tell_changes(self._store, list(self._keepers.values()))

    async def _look_after(self) -> None:
        await self._upkeep.round(self._wanted, self._keepers)

    async def _step(self) -> None:
        self._wanted = await asyncio.to_thread(self._store.deployments.wanted)
        wanted = {item.id: item for item in self._wanted}
        for deployment in self._wanted:
            self._keep(deployment)
            if deployment.state in activation.ON_ITS_WAY and deployment.id not in self._activating:
                self._activating[deployment.id] = asyncio.create_task(self._activate(deployment))
        self._looked = True
        for identifier in [key for key in self._keepers if key not in wanted]:
            closing = asyncio.create_task(self._keepers.pop(identifier).close())
            self._closing.add(closing)
            closing.add_done_callback(self._closing.discard)
        for identifier in [key for key, task in self._activating.items() if task.done()]:
            self._activating.pop(identifier).result()
        await self._judge(wanted)

    def _keep(self, deployment: Deployment) -> None:
        keeper = self._keepers.get(deployment.id)
        if keeper is not None:
            keeper.deployment = deployment
            if deployment.state != "draining":
                keeper.rise()
            return
        # What was draining when we came may be many, and most of it asleep: a process is made when there is work.
        resting = deployment.state == "draining" and not self._looked
        self._keepers[deployment.id] = Keeper(
            deployment,
            prepare=self._prepared,
            launch=self._launch,
            heard=self._heard,
            failed=self._failed,
            tell=self._tell,
            resting=resting,
        )

    def _failed(self, keeper: Keeper, error: WorkerError) -> None:
        """A process did not come up."""
        self._failures.note(keeper.deployment, error)
        self._wake.set()

    def _prepared(self, deployment: Deployment) -> boot.Launch:
        """On a thread: what a process of the deployment is started with."""
        project = deployment.project
        tell = lambda text: self._tell("progress", {"project": project, "text": text})  # noqa: E731
        return self._prepare(deployment, self._store, self._settings, self._base_url, self._address, tell)

    async def _heard(self, keeper: Keeper, report: Report) -> None:
        """A report of a process."""
        if report.state == "ready":
            self._failures.forget(keeper.deployment.id)
        elif report.state == "stuck":
            await self._unstick(report.message, report.where)
        elif report.state == "misfit":
            await self._send_back(keeper.deployment, report.message, report.where, report.hint)
        elif report.state == "metrics":
            self.meter.add(report.sums)
        elif report.state == "ended" and self._ended is not None:
            self._ended(report.message, report.where)
        elif report.state == "idle" and keeper.deployment.state == "draining":
            await keeper.rest()

    async def _send_back(self, deployment: Deployment, workflow_id: str, run_id: str, version: str) -> None:
        """A session was moved to this deployment and does not fit: back to the version that recorded it.

        A deployment that was retired since drains again as soon as Temporal counts the session there.
        """
        records = self._store.deployments
        recorded_on = await asyncio.to_thread(records.by_version, deployment.project, version)
        project = deployment.project
        if recorded_on is None:
            told = (
                f"{ReplayError.code}: it cannot go back: the deployment that recorded it is gone ({version})"
            )
            note = self._store.log.note
            if await asyncio.to_thread(note, project, workflow_id, run_id, LINE_ERROR, told):
                log(action="session_has_nowhere_to_go_back", level="error", session=workflow_id)
            return
        try:
            await moving.move(self._client, project, workflow_id, run_id, version)
        except TemporalError as error:
            log(action="session_not_moved_back", level="warning", session=workflow_id, error=error.message)
            return
        await asyncio.to_thread(records.move, recorded_on.id, ["inactive", "failed"], "draining")
        self._wake.set()
        log(action="session_moved_back", level="warning", session=workflow_id, deployment=recorded_on.id)
        self._tell("moved_back", {"project": project, "session": workflow_id, "deployment": recorded_on.id})

    async def _unstick(self, workflow_id: str, run_id: str) -> None:
        self._stuck[run_id] = self._stuck.get(run_id, 0) + 1
        if self._stuck[run_id] >= _STUCK_LIMIT:
            seconds = self._settings.budget_seconds
            reason = f"the handler did not give up the thread for many times its {seconds:g} s, {_STUCK_LIMIT} times"
            await self._versions.terminate(self._client, workflow_id, run_id, reason)
            log(action="session_terminated", level="error", session=workflow_id, reason=reason)

    async def _activate(self, deployment: Deployment) -> None:
        """From asked for to active; what goes wrong is noted."""
        keeper = self._keepers[deployment.id]
        try:
            done = await activation.activate(
                deployment, keeper, self._store, self._client, self._versions, self._id
            )
            self._failures.forget(deployment.id)
            if done:
                self._tell("active", {"project": deployment.project, "deployment": deployment.id})
        except StoreOutageError:
            raise
        except WorkerError as error:
            self._failed(keeper, error)

    async def _judge(self, wanted: dict[str, Deployment]) -> None:
        """Call a deployment failed that comes up nowhere; forget failures of what is not wanted any more."""
        known = self._failures.all()
        for identifier in known - wanted.keys():
            self._failures.forget(identifier)
        on_its_way = [key for key in known & wanted.keys() if wanted[key].state in activation.ON_ITS_WAY]
        if known - wanted.keys():
            await self._beat()
        if not on_its_way:
            return
        await self._beat()  # ours first: of two that fail at the same time, one at least sees both
        alive = await asyncio.to_thread(self._store.services.alive, SERVICE_KIND, _ALIVE_SECONDS)
        others = [service.details for service in alive if service.id != self._id]
        for identifier in on_its_way:
            facts = self._failures.of(identifier)
            if facts is None or not activation.failed_everywhere(identifier, others):
                continue
            if await asyncio.to_thread(self._store.deployments.give_up, identifier, facts):
                project = wanted[identifier].project
                self._tell("failed", {"project": project, "deployment": identifier, **facts})
            self._failures.forget(identifier)
