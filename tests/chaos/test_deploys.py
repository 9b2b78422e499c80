"""A hundred deploys in a row under fire: no session is lost, none runs on two versions, nothing old stays."""

from __future__ import annotations

import asyncio
import collections
import contextlib
import io
import itertools
import shutil
import sys
import threading
import time
from pathlib import Path

import httpx
import pytest
from temporalio.client import Client

from tests.helpers import temporal
from tests.helpers.ak import AkUp
from tests.helpers.waiting import eventually_sync
from worker import devserver
from worker.cli.deploy import deploy_directory
from worker.cli.output import Output
from worker.config import Settings
from worker.store import open_store

PROJECT = Path(__file__).parents[1] / "projects" / "deploys"
DEPLOYS = 100
LIMIT = 24  # versions of a project in Temporal; more than that are deployed
SESSIONS_PER_SECOND = 3.0
SESSIONS_PER_DEPLOY = 5  # where deploys take long, sessions do too: what the machine bears


class Fire(threading.Thread):
    """Starts sessions all the time: most are short, some sleep through several deploys, a few wait for the end."""

    def __init__(self, url: str) -> None:
        super().__init__()
        self.url = url
        self.deploys = 1
        self.events: collections.Counter[str] = collections.Counter()
        self.kinds: collections.Counter[str] = collections.Counter()
        self.enough = threading.Event()

    def run(self) -> None:
        """Until it is enough."""
        kinds = itertools.cycle(["runs"] * 7 + ["sleeps"] + ["runs"] * 7 + ["sleeps"])
        with httpx.Client(timeout=20) as client:
            while not self.enough.wait(1 / SESSIONS_PER_SECOND):
                if sum(self.kinds.values()) >= SESSIONS_PER_DEPLOY * self.deploys:
                    continue
                waits = self.kinds["waits"] < 5 and sum(self.kinds.values()) % 40 == 0
                kind = "waits" if waits else next(kinds)
                answer = client.post(self.url, json={"kind": kind})
                assert answer.status_code == 202
                self.events[answer.headers["AutoKitteh-Event-ID"]] += 1
                self.kinds[kind] += 1


@pytest.fixture
def up(tmp_path, monkeypatch):
    """``ak up`` on a Temporal whose limit of versions is low, as it is low for a hundred deploys on a stock one."""
    monkeypatch.setitem(devserver.SETTINGS, "matching.maxVersionsInDeployment", str(LIMIT))
    monkeypatch.setitem(devserver.SETTINGS, "matching.PollerHistoryTTL", '"10s"')
    with temporal.shared_server(tmp_path / "temporal") as server:
        project = shutil.copytree(PROJECT, tmp_path / "deploys")
        made = AkUp(tmp_path / "home", project, TEMPORAL_ADDRESS=server.address, AK_IDLE_SECONDS="3")
        try:
            yield made.start()
        finally:
            with contextlib.suppress(Exception):
                made.stop()
            made.kill_everything()


def contents() -> list[str]:
    """What is deployed one after the other: what was never there before, then A and B again."""
    old = itertools.cycle("BA")
    return [next(old) if number % 4 else f"new {number}" for number in range(DEPLOYS)]


async def deploy_all(up: AkUp, settings: Settings, store, fire: Fire) -> dict[str, str]:
    """Deploy, as ``ak deploy`` does; returns what each of Temporal's versions holds."""
    found = {store.deployments.active("deploys").version: "A"}
    out = Output(as_json=True)
    for content in contents():
        (up.directories[0] / "version.py").write_text(f'VERSION = "{content}"\n')
        with contextlib.redirect_stderr(io.StringIO()):
            answer = await deploy_directory(up.directories[0], store, settings, out, yes=True)
        assert answer["changed"]
        active = store.deployments.active("deploys")
        assert active.id == answer["deployment"]
        found[active.version] = content
        fire.deploys += 1
    return found


async def results(address: str) -> dict[str, tuple[str, list[str]]]:
    """Version and result of every session, by event."""
    client = await Client.connect(address)
    found = {}
    async for one in client.list_workflows('WorkflowType="main.py:on_event"'):
        (version,) = one.search_attributes["TemporalWorkerDeploymentVersion"]
        memo = await one.memo()
        found[memo["event_id"]] = (
            str(version).removeprefix("deploys:"),
            await client.get_workflow_handle(one.id).result(),
        )
    return found


@pytest.mark.timeout(900)
def test_hundred_deploys_under_fire(up):
    """Sessions begin, sleep and wait all the while; each says from begin to end the version it is pinned to."""
    settings = Settings.load(up.environment)
    store = open_store(settings.database_url, secret_key=settings.installation_key())
    fire = Fire(up.webhook("go"))
    fire.start()
    began = time.monotonic()
    try:
        versions = asyncio.run(deploy_all(up, settings, store, fire))
    finally:
        fire.enough.set()
        fire.join()
    took = time.monotonic() - began
    sys.stdout.write(f"{DEPLOYS} deploys of {len(versions)} versions in {took:.0f} s; {dict(fire.kinds)}\n")
    assert len(versions) > LIMIT
    assert fire.kinds["waits"] > 3
    eventually_sync(lambda: len(store.mailbox.subscriptions(project="deploys")) == fire.kinds["waits"], 60)
    assert httpx.post(up.webhook("end"), json={}).status_code == 202

    def drained() -> bool:
        states = collections.Counter(item.state for item in store.deployments.list("deploys"))
        return states == {"active": 1, "inactive": len(versions) - 1}

    eventually_sync(drained, 120)
    eventually_sync(lambda: len(up.build_pids()) == 1)
    found = asyncio.run(results(up.ready["temporal"]))
    assert found.keys() == fire.events.keys()
    assert set(fire.events.values()) == {1}
    mixed = {event: said for event, (version, said) in found.items() if said != [versions[version]] * 5}
    assert mixed == {}
    store.close()
    assert up.stop() == 0
