"""A real Temporal server for tests, started once and shared."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterator
from pathlib import Path

from temporalio.client import Client
from temporalio.service import RPCError

from tests.helpers.waiting import eventually_sync
from worker.config import Settings
from worker.devserver import DevServer


def settings(home: Path, **changes: object) -> Settings:
    """Settings of a home of its own, on free ports, independent of the environment."""
    environment = {
        "AK_HOME": str(home),
        "AK_LISTEN": "127.0.0.1:0",
        "AK_TEMPORAL_PORT": "0",
        "AK_UI_PORT": "0",
    }
    return Settings.load(environment | {name: str(value) for name, value in changes.items()})


@contextlib.contextmanager
def shared_server(home: Path) -> Iterator[DevServer]:
    """A running server; ended afterwards."""
    server = DevServer(settings(home))
    asyncio.run(server.start())
    try:
        yield server
    finally:
        asyncio.run(server.stop())


def wait_completed(address: str, handler: str, count: int, seconds: float) -> None:
    """Return once so many sessions of a handler have completed; asks Temporal alone, which may be away meanwhile."""
    query = f'WorkflowType="{handler}" AND ExecutionStatus="Completed"'

    async def ask() -> int:
        """How many there are."""
        return (await (await Client.connect(address)).count_workflows(query)).count

    def enough() -> bool:
        with contextlib.suppress(RPCError, RuntimeError):
            return asyncio.run(ask()) >= count
        return False

    eventually_sync(enough, seconds, every=0.5)
