"""A machine that is gone for good, and a Postgres that dies under everything and comes back."""

from __future__ import annotations

import contextlib
import shutil
import signal
from pathlib import Path

import httpx
import pytest

from tests.helpers import cluster
from tests.helpers.temporal import wait_completed
from tests.helpers.waiting import eventually_sync

PROJECT = Path(__file__).parents[1] / "projects" / "replicas"
SESSIONS = 30
STEP_LINES = [line for n in range(8) for line in (f"inside {n}", f"step {n} total {n * (n + 1)}")]


@pytest.fixture(scope="module")
def installation(tmp_path_factory):
    """Two workers and two gateways with the project deployed."""
    home = tmp_path_factory.mktemp("outages")
    with cluster.running(home) as made:
        made.deploy(shutil.copytree(PROJECT, home / "project"))
        yield made


def session_of(installation, event: str) -> str:
    """The session that an event started."""
    return eventually_sync(lambda: installation.operator.ak("session", "list", "--event", event))[0]["id"]


def completed(installation, session: str) -> dict:
    """The session, once it has completed."""
    return installation.operator.ak("session", "wait", session, "--timeout", "90")


@pytest.mark.timeout(300)
def test_session_of_a_machine_that_is_gone_is_finished_by_another(installation):
    """It read the project's files on one machine; on the other they are elsewhere, and it goes on there."""
    first, second = installation.workers
    second.kill_everything()
    session = session_of(installation, installation.post("long", {}))
    eventually_sync(lambda: "first from the project's own file" in installation.prints(session))
    second.start()
    first.kill_everything()
    installation.post("news", {"to": "long"})
    assert completed(installation, session)["result"] == 42
    assert installation.prints(session) == [
        "inside 0",
        "first from the project's own file",
        "inside 21",
        "second from the project's own file from the project's own file",
    ]
    first.start()


def outage(installation, how: signal.Signals) -> None:
    """Postgres ends and comes back; meanwhile no gateway says that it took something."""
    installation.postgres.stop(how)
    for machine in installation.gateways:
        url = f"{machine.ready['gateway']}/webhooks/{installation.slugs['go']}"
        with contextlib.suppress(httpx.TransportError):
            assert httpx.post(url, json={"n": -1}, timeout=60).status_code >= 500
    installation.postgres.start()


@pytest.mark.timeout(400)
def test_everything_goes_on_after_postgres_comes_back(installation):
    """A crash and a fast shutdown of the database while sessions run: none is lost, no line is lost or doubled."""
    pids = [machine.process.pid for machine in installation.machines]
    events = []
    for how in (signal.SIGKILL, signal.SIGINT):
        for n in range(len(events), len(events) + SESSIONS // 2):
            events.append(installation.post("go", {"n": n}, n))
        outage(installation, how)
    numbers = {event: number for number, event in enumerate(events)}
    subscriptions = installation.store.mailbox.subscriptions
    eventually_sync(lambda: len(subscriptions(project="replicas")) == SESSIONS, 120)
    for i in range(2):
        for n in numbers.values():
            installation.post("news", {"to": n, "i": i}, n)

    def all_completed() -> list[dict] | None:
        found = [item for item in installation.sessions("replicas") if item["event_id"] in numbers]
        return found if [item["state"] for item in found] == ["completed"] * SESSIONS else None

    wait_completed(installation.temporal_address, "main.py:works", SESSIONS, 120)
    for item in eventually_sync(all_completed):
        assert installation.prints(item["id"]) == [*STEP_LINES, "news 0", "news 1"]
    deployed = installation.store.deployments.list("replicas")
    assert [item.state for item in deployed] == ["active"]
    assert pids == [
        machine.process.pid for machine in installation.machines if machine.process.poll() is None
    ]
