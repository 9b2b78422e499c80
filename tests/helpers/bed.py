"""A bed for session tests: one real build process of a small project, on a real Temporal server.

The project is copied, the process is started as the supervisor would start it, its version is made current, and
handlers are started through the client like any other workflow.
"""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import datetime as dt
import json
import os
import signal
import subprocess
import sys
import uuid
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

from temporalio.api.workflowservice.v1 import (
    DescribeWorkerDeploymentRequest,
    SetWorkerDeploymentCurrentVersionRequest,
)
from temporalio.client import Client, WorkflowFailureError, WorkflowHandle
from temporalio.service import RPCError

from tests.helpers.user_projects import write_project
from worker.contracts import EAGER_CALLS, WORKFLOW_TASK_TIMEOUT_SECONDS, BootConfig
from worker.payload.converter import data_converter
from worker.payload.signing import derive_keys
from worker.store import open_store
from worker.store.filters import filter_key

KEY = b"k" * 32


class Bed:
    """One build process and what a test asks of it."""

    def __init__(
        self,
        project: Path,
        home: Path,
        address: str,
        *,
        name: str = "",
        cached: int = 1000,
        budget: float = 5.0,
    ):
        self.directory = project
        self.home = home
        self.address = address
        self.name = name or f"p_{uuid.uuid4().hex[:12]}"
        self.version = "v1"
        self.cached = cached
        self.budget = budget
        self.database = f"sqlite:///{home / 'store.db'}"
        self.store = open_store(self.database, secret_key=KEY)
        self.process: subprocess.Popen[bytes] | None = None
        self.client: Client
        self.reports: list[dict[str, Any]] = []
        self.environment: dict[str, str] = {}
        self.secrets: dict[str, str] = {}
        self.history_warning = 10_000
        self.eager_calls = EAGER_CALLS
        self.tracing = False

    async def start(self, entrypoints: list[str] | None = None) -> Bed:
        """Start the process and make its version current."""
        self.client = await Client.connect(self.address, data_converter=data_converter(self.store.blobs))
        self.spawn(entrypoints or [])
        report = await asyncio.to_thread(self.read_report)
        if report["state"] != "ready":
            self.stop()
            raise AssertionError(report)
        await self.make_current()
        return self

    def spawn(self, entrypoints: list[str] = []) -> None:  # noqa: B006
        """Start the build process."""
        read, write = os.pipe()
        environment = {k: v for k, v in os.environ.items() if not k.startswith(("AK_", "TEMPORAL_"))}
        environment |= {"PYTHONHASHSEED": "0", "AK_REPORT_FD": str(write), **self.environment}
        root = Path(__file__).parents[2]
        libraries = environment.pop("PYTHONPATH_EXTRA", "")
        environment["PYTHONPATH"] = os.pathsep.join(filter(None, [str(root), libraries]))
        output = os.open(self.home / "process.log", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        self.process = subprocess.Popen(
            [sys.executable, "-P", "-m", "worker.process"],
            cwd=self.directory,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=output,
            stderr=output,
            pass_fds=(write,),
        )
        os.close(output)
        os.close(write)
        self._report = os.fdopen(read, "r")
        boot = BootConfig(
            project=self.name,
            deployment="dep_test",
            build="bld_test",
            version=self.version,
            directory=str(self.directory),
            entrypoints=entrypoints,
            temporal_address=self.address,
            temporal_namespace="default",
            database_url=self.database,
            payload_keys={key: value.hex() for key, value in derive_keys(KEY, self.name).items()},
            secrets=self.secrets,
            filter_key=filter_key(KEY, self.name).hex(),
            max_cached_workflows=self.cached,
            budget_seconds=self.budget,
            history_warning=self.history_warning,
            eager_calls=self.eager_calls,
            tracing=self.tracing,
        )
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps(dataclasses.asdict(boot)).encode() + b"\n")
        self.process.stdin.flush()

    def read_report(self) -> dict[str, Any]:
        """The next report of the process; an ended process is an error."""
        line = self._report.readline()
        if not line:
            raise AssertionError(
                f"the build process ended:\n{(self.home / 'process.log').read_text()[-4000:]}"
            )
        return json.loads(line)

    async def make_current(self) -> None:
        """Make this version current in Temporal, as soon as it is registered."""
        service = self.client.workflow_service
        for _ in range(200):
            with contextlib.suppress(RPCError):
                await service.describe_worker_deployment(
                    DescribeWorkerDeploymentRequest(namespace="default", deployment_name=self.name)
                )
                await service.set_worker_deployment_current_version(
                    SetWorkerDeploymentCurrentVersionRequest(
                        namespace="default",
                        deployment_name=self.name,
                        build_id=self.version,
                        ignore_missing_task_queues=True,
                    )
                )
                return
            await asyncio.sleep(0.1)
        raise AssertionError("the version was not registered")

    async def begin(
        self, handler: str, data: Any = None, *, memo: dict[str, str] | None = None, identifier: str = ""
    ) -> WorkflowHandle[Any, Any]:
        """Start a handler."""
        return await self.client.start_workflow(
            handler,
            args=[] if data is None else [data],
            id=identifier or f"ses_{uuid.uuid4().hex}",
            task_queue=self.name,
            memo=memo,
            task_timeout=dt.timedelta(seconds=WORKFLOW_TASK_TIMEOUT_SECONDS),
        )

    async def run(
        self, handler: str, data: Any = None, *, timeout: float = 60, memo: dict[str, str] | None = None
    ) -> Any:
        """Start a handler and return its result."""
        handle = await self.begin(handler, data, memo=memo)
        self.last = handle.id
        return await asyncio.wait_for(handle.result(), timeout)

    async def error(self, handler: str, data: Any = None, *, timeout: float = 60) -> str:
        """Start a handler that fails; returns the failure's message."""
        handle = await self.begin(handler, data)
        self.last = handle.id
        try:
            value = await asyncio.wait_for(handle.result(), timeout)
        except WorkflowFailureError as error:
            return str(getattr(error.cause, "message", error.cause))
        raise AssertionError(f"it did not fail: {value!r}")

    def lines(self, session: str = "", kind: str = "print") -> list[str]:
        """The texts of one kind in a session's log."""
        return [
            line.text for line in self.store.log.read(session or self.last) if not kind or line.kind == kind
        ]

    async def activities(self, session: str = "") -> list[str]:
        """The types of the session's activities, in order."""
        history = await self.client.get_workflow_handle(session or self.last).fetch_history()
        return [
            event.activity_task_scheduled_event_attributes.activity_type.name
            for event in history.events
            if event.HasField("activity_task_scheduled_event_attributes")
        ]

    def kill(self) -> None:
        """SIGKILL."""
        assert self.process is not None
        self.process.kill()
        self.process.wait()

    def stop(self) -> int:
        """SIGTERM; returns the exit status."""
        assert self.process is not None
        self.process.send_signal(signal.SIGTERM)
        status = self.process.wait(30)
        self._report.close()
        assert self.process.stdin is not None
        self.process.stdin.close()
        return status


@contextlib.asynccontextmanager
async def bed_of(
    files: dict[str, str],
    home: Path,
    address: str,
    handlers: list[str],
    *,
    cached: int,
    budget: float = 5.0,
    **variables: str,
) -> AsyncIterator[Bed]:
    """A bed for a project of these files; its process is started with these handlers and variables."""
    made = Bed(write_project(home / "project", files), home, address, cached=cached, budget=budget)
    made.environment = variables
    await made.start(handlers)
    yield made
    await asyncio.to_thread(made.stop)
    made.store.close()
