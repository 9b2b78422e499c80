"""One deployment's process, kept alive: started, started again with backoff, put to rest while it has nothing to do."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Awaitable, Callable
from typing import Any

from worker import clock
from worker.contracts import Credentials, Report
from worker.errors import DeployError, StoreOutageError, WorkerError
from worker.log import log
from worker.store.records import Deployment
from worker.supervisor import boot, child

_BACKOFF_SECONDS = (0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0)
_HEALTHY_SECONDS = 60.0
_SERVING = {"active", "draining"}

Tell = Callable[[str, dict[str, Any]], None]


class Keeper:
    """Keeps the process of one deployment.

    ``prepare`` and ``launch`` start it; ``heard`` gets its reports, ``failed`` why it did not come up.
    """

    def __init__(
        self,
        deployment: Deployment,
        *,
        prepare: Callable[[Deployment], boot.Launch],
        launch: Callable[..., Awaitable[child.Launched]],
        heard: Callable[[Keeper, Report], Awaitable[None]],
        failed: Callable[[Keeper, WorkerError], None],
        tell: Tell,
        resting: bool = False,
    ) -> None:
        self.deployment = deployment
        self.ready = asyncio.Event()
        self.launched_at: float | None = None
        self.told = ""  # which state of the project's variables its process has been told
        self._prepare = prepare
        self._launch = launch
        self._heard = heard
        self._failed = failed
        self._tell = tell
        self._process: child.Launched | None = None
        self._crashes = 0
        self._explained = False
        self._wanted = asyncio.Event()
        if not resting:
            self._wanted.set()
        self._task = asyncio.create_task(self._keep_running())

    @property
    def resting(self) -> bool:
        """Whether it has no process on purpose."""
        return not self._wanted.is_set()

    def rise(self) -> None:
        """Have a process again."""
        self._wanted.set()

    def say(self, message: Credentials) -> None:
        """Say something to the process, when there is one; one that starts later knows it."""
        if self.launched_at is not None and self._process is not None:
            self._process.tell(message)

    async def rest(self) -> None:
        """Stop the process until ``rise``."""
        self._wanted.clear()
        if self._process is not None:
            await self._process.stop()

    async def close(self) -> None:
        """Stop the process for good."""
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)

    async def _keep_running(self) -> None:
        """Run the process, again after each crash, until cancelled."""
        try:
            while True:
                await self._wanted.wait()
                began = clock.monotonic()
                status = await self._run_once()
                if self.resting:
                    self._crashes = 0
                    continue
                if clock.monotonic() - began > _HEALTHY_SECONDS:
                    self._crashes = 0
                delay = _BACKOFF_SECONDS[min(self._crashes, len(_BACKOFF_SECONDS) - 1)]
                self._crashes += 1
                if not self._explained or self.deployment.state in _SERVING:
                    # One that does not start and said why has failed: that is told, and it hardly begins again.
                    project = self.deployment.project
                    log(action="build_process_ended", level="warning", project=project, status=status)
                    self._tell("crashed", {"project": project, "status": status, "again_in": delay})
                self._note_crashes(status)
                await asyncio.sleep(delay)
        finally:
            if self._process is not None:
                await asyncio.shield(self._process.stop())

    def _note_crashes(self, status: int | None) -> None:
        """Make visible that a deployment that serves does not stay up; what it said itself is the better reason."""
        if (
            self._crashes > 1
            and status is not None
            and not self._explained
            and self.deployment.state in _SERVING
        ):
            how = (
                f"is killed by {signal.Signals(-status).name}" if status < 0 else f"ends with status {status}"
            )
            project = self.deployment.project
            hint = f"Its output: logs/{project}-{self.deployment.id}.log in the home of that worker"
            self._failed(self, DeployError(f"its process {how}, again and again", hint=hint))

    async def _run_once(self) -> int | None:
        """Start the process and listen to it until it ends; returns its status."""
        try:
            self.told = ""
            self._explained = False
            launch = await asyncio.to_thread(self._prepare, self.deployment)
            self._process = await self._launch(launch)
            self.launched_at = clock.monotonic()
            self.told = ""  # what changed since it was prepared must be said
            while (report := await self._process.report()) is not None:
                if report.state == "ready":
                    self.ready.set()
                elif report.state == "failed":
                    self._explained = True
                    self._failed(self, coded(report.message, report.where, report.hint, report.code))
                await self._heard(self, report)
            return self._process.status()
        except StoreOutageError as error:  # nothing is wrong with the deployment: it is tried again
            log(action="build_process_waits", level="warning", error=error.message)
        except (WorkerError, OSError) as error:
            self._failed(self, error if isinstance(error, WorkerError) else DeployError(str(error)))
        finally:
            self.ready.clear()
            self.launched_at = None
        return None


def coded(message: str, where: str, hint: str, code: str) -> WorkerError:
    """An error a process reported, with its own code."""
    error = DeployError(message, where=where, hint=hint)
    error.code = code or error.code
    return error
