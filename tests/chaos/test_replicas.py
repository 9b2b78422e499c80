"""Two workers and two gateways on one Postgres and one Temporal, any of which may die at any moment."""

from __future__ import annotations

import asyncio
import collections
import contextlib
import os
import random
import shutil
import signal
import threading
from pathlib import Path

import pytest
from temporalio.client import Client

from tests.helpers import cluster
from tests.helpers.cluster import Cluster
from tests.helpers.temporal import wait_completed
from tests.helpers.waiting import eventually_sync

PROJECT = Path(__file__).parents[1] / "projects" / "replicas"
SESSIONS = 100
STEPS = 8
NEWS = 2
STEP_LINES = [line for n in range(STEPS) for line in (f"inside {n}", f"step {n} total {n * (n + 1)}")]


class Killer(threading.Thread):
    """Kills one thing after the other, each kind in its turn, and starts it again a little later."""

    def __init__(self, installation: Cluster) -> None:
        super().__init__()
        self.installation = installation
        self.kills: collections.Counter[str] = collections.Counter()
        self.enough = threading.Event()

    def run(self) -> None:
        """A dozen times, or until it is enough: what was under way on a dead process waits 10 to 20 s each time."""
        for kind in ["worker", "gateway", "build process", "machine"] * 3:
            if self.enough.wait(random.uniform(1, 4)):
                return
            if kind == "build process":
                for pid in random.choice(self.installation.workers).build_pids():
                    with contextlib.suppress(ProcessLookupError):
                        os.kill(pid, signal.SIGKILL)
            else:
                machines = self.installation.gateways if kind == "gateway" else self.installation.workers
                machine = random.choice(machines)
                machine.kill_everything() if kind == "machine" else machine.kill()
                self.enough.wait(random.uniform(0, 2))
                machine.start()
            self.kills[kind] += 1


def all_completed(installation: Cluster, events: list[str]) -> dict[str, str]:
    """The sessions of the events by event, once each has completed."""

    def done() -> list[dict] | None:
        found = [item for item in installation.sessions("replicas") if item["event_id"] in events]
        return found if [item["state"] for item in found] == ["completed"] * len(events) else None

    wait_completed(installation.temporal_address, "main.py:works", len(events), 240)
    found = eventually_sync(done)
    assert sorted(item["event_id"] for item in found) == sorted(events)
    return {item["event_id"]: item["id"] for item in found}


def feed(installation: Cluster) -> list[str]:
    """Start the sessions round robin, and send each its news; returns the events that started them."""
    started = [installation.post("go", {"n": n}, n) for n in range(SESSIONS)]
    subscriptions = installation.store.mailbox.subscriptions
    eventually_sync(lambda: len(subscriptions(project="replicas")) == SESSIONS, 120)
    for i in range(NEWS):
        for n in random.sample(range(SESSIONS), SESSIONS):
            installation.post("news", {"to": n, "i": i}, n + i)
    return started


def check_logs(installation: Cluster, sessions: dict[str, str]) -> None:
    """Each line stands exactly once, each event of a subscription was handed over once."""
    for session in sessions.values():
        lines = installation.prints(session)
        assert lines[: len(STEP_LINES)] == STEP_LINES
        assert sorted(lines[len(STEP_LINES) :]) == [f"news {i}" for i in range(NEWS)]


def check_ticks(installation: Cluster) -> None:
    """Each tick of the schedule is one event, and has one session, whichever gateway had it."""
    ticks = asyncio.run(all_ticks(installation.temporal_address))
    events = [event.id for event in installation.store.events.list("replicas", "often", 1000)]
    assert len(ticks) > 3
    assert len(set(ticks)) == len(ticks)
    assert set(ticks) <= set(events)
    assert len(events) - len(ticks) <= 2  # the newest have not ended
    sessions = collections.Counter(
        item["event_id"] for item in installation.sessions("replicas") if item["handler"] == "main.py:on_tick"
    )
    assert set(sessions.values()) == {1}
    assert len(events) - len(sessions) <= 2


async def all_ticks(address: str) -> list[str]:
    """The events of all ticks that have ended; Temporal names a tick by its time, so none is there twice."""
    client = await Client.connect(address)
    query = 'WorkflowType="autokitteh.tick" AND ExecutionStatus="Completed"'
    handles = [client.get_workflow_handle(one.id) async for one in client.list_workflows(query)]
    return [(await handle.result())["event"] for handle in handles]


@pytest.mark.timeout(600)
def test_replicas_die_and_nothing_is_lost(tmp_path):
    """A hundred sessions with events to each, while workers, gateways, build processes and whole machines die."""
    project = shutil.copytree(PROJECT, tmp_path / "project")
    with cluster.running(tmp_path) as installation:
        installation.deploy(project)
        eventually_sync(lambda: all(machine.build_pids() for machine in installation.workers))
        killer = Killer(installation)
        killer.start()
        try:
            started = feed(installation)
            sessions = all_completed(installation, started)
        finally:
            killer.enough.set()
            killer.join()
        assert len(killer.kills) == 4, killer.kills
        check_logs(installation, sessions)
        check_ticks(installation)
        assert [machine.stop() for machine in installation.machines] == [0] * 4
