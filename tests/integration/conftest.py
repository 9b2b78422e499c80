"""Fixtures on a real Temporal server."""

from __future__ import annotations

import asyncio
import shutil
from pathlib import Path

import pytest
import pytest_asyncio

from tests.helpers.bed import Bed
from tests.helpers.temporal import shared_server

PROJECTS = Path(__file__).parents[1] / "projects"


@pytest.fixture(scope="session")
def temporal_server(tmp_path_factory):
    """One server for the whole run."""
    with shared_server(tmp_path_factory.mktemp("temporal")) as server:
        yield server


@pytest.fixture(scope="module", params=[1000, 0], ids=["warm", "evicting"])
def cached(request):
    """How many sessions the process keeps: many, or none, so that every step replays."""
    return request.param


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def bed(temporal_server, cached, tmp_path_factory):
    """A build process of the project of session tests."""
    home = tmp_path_factory.mktemp("bed")
    project = home / "project"
    shutil.copytree(PROJECTS / "sessions", project)
    made = Bed(project, home, temporal_server.address, cached=cached, budget=2.0)
    made.secrets = {"FEED_KEY": "quite-secret-42"}
    made.environment = {"GREETING": "hi", "PYTHONPATH_EXTRA": str(PROJECTS / "libraries"), **made.secrets}
    await made.start(["main.py:simple"])
    yield made
    status = await asyncio.to_thread(made.stop)
    made.store.close()
    assert status == 0, (home / "process.log").read_text()[-3000:]
