"""A real Temporal server for tests, started once and shared."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterator
from pathlib import Path

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
