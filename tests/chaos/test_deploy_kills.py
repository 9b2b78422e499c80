"""SIGKILL of deploys, and of who carries them out: what is active is one manifest, whole, in the store and in Temporal."""

from __future__ import annotations

import contextlib
import random
import subprocess
import time

import httpx
import pytest
from temporalio.client import Client

import manifest
from manifest import Manifest
from tests.helpers import cluster
from tests.helpers.ak import AK, AkUp
from tests.helpers.cluster import Cluster
from tests.helpers.projects import write
from tests.helpers.remains import asked
from tests.helpers.waiting import eventually_sync
from worker import versions
from worker.config import Settings
from worker.store import Store, open_store

NAME = "deploy_kills"
ROUNDS = 6
# Every part of a manifest differs: one only here, one only there, one in both with other fields.
ODD = {
    "triggers": """
- {name: hook, type: webhook, call: "main.py:on_event"}
- {name: odd, type: webhook, call: "main.py:on_event"}
- {name: nightly, schedule: "0 9 * * *", call: "main.py:on_event"}
""",
    "extra": """
vars:
  - {name: WHICH, value: odd}
  - {name: ONLY_ODD, value: "1"}
connections:
  - {name: chat, integration: slack, vars: [{name: room, value: odd}]}
  - {name: code, integration: github}
""",
}
EVEN = {
    "triggers": """
- {name: hook, type: webhook, call: "main.py:on_event", is_durable: false}
- {name: nightly, schedule: "0 7 * * *", timezone: Europe/Berlin, call: "main.py:on_event"}
""",
    "extra": """
vars:
  - {name: WHICH, value: even, description: other}
connections:
  - {name: chat, integration: discord}
""",
}
CODE = "import os\n\ndef on_event(event):\n    return [{n}, os.getenv('WHICH')]\n"


PARTS = ["worker", "gateway", "deploy", "worker and deploy", "worker"]


@pytest.fixture
def up(tmp_path):
    """A running ``ak up``, of which nothing is left afterwards."""
    started = AkUp(tmp_path / "home")
    try:
        yield started.start()
    finally:
        started.kill_everything()


@pytest.fixture
def store(up):
    """Its store, which can be read while nobody serves it."""
    found = Settings.load(up.environment)
    opened = open_store(found.database_url, secret_key=found.installation_key())
    yield opened
    opened.close()


def edition(directory, number: int):
    """The project's files in their n-th edition."""
    parts = ODD if number % 2 else EVEN
    return write(directory, NAME, {"main.py": CODE.format(n=number)}, **parts)


def check_whole(store: Store) -> str:
    """What is in the tables is what the active manifest says, and nothing else; returns which it is."""
    active = store.deployments.active(NAME)
    assert active is not None
    wanted = Manifest.from_json(active.desired).project
    variables = {item.name: item.value for item in store.vars.list(NAME) if not item.connection}
    which = variables["WHICH"]
    triggers = sorted(item.name for item in store.triggers.list(NAME))
    connections = sorted((item.name, item.integration) for item in store.connections.list(NAME))
    rooms = [item.value for item in store.vars.list(NAME) if item.connection]
    if which == "odd":
        assert triggers == ["hook", "nightly", "odd"]
        assert connections == [("chat", "slack"), ("code", "github")]
        assert (sorted(variables), rooms) == (["ONLY_ODD", "WHICH"], ["odd"])
    else:
        assert triggers == ["hook", "nightly"]
        assert connections == [("chat", "discord")]
        assert (sorted(variables), rooms) == (["WHICH"], [])
    assert active.environment["WHICH"] == which
    assert manifest.plan(wanted, store.deployments.state(NAME)).changes == ()
    assert [item.state for item in store.deployments.list(NAME)].count("active") == 1
    return which


def settled(up: AkUp, store: Store) -> None:
    """Return once nothing is under way and Temporal has the active version as its current one."""

    async def current(client: Client) -> list[str]:
        """The current version, as Temporal says."""
        return [item.build_id for item in await versions.describe(client, NAME) if item.current]

    def agree() -> bool:
        active = store.deployments.active(NAME)
        states = {item.state for item in store.deployments.list(NAME)}
        return (
            active is not None
            and not states & {"pending", "starting"}
            and asked(up, current) == [active.version]
        )

    eventually_sync(agree, 30)


def check_serves(up: AkUp, store: Store, directory, number: int) -> None:
    """A deploy of this edition works, and its webhook runs its code with its variables."""
    answer = up.ak("deploy", str(directory), "--yes")
    check_whole(store)
    posted = httpx.post(answer["webhooks"]["hook"])
    assert posted.status_code == 202
    event = posted.headers["AutoKitteh-Event-ID"]
    [delivery] = eventually_sync(lambda: [d for d in store.events.deliveries(event) if d.state == "done"])
    result = asked(up, lambda client: client.get_workflow_handle(delivery.session_id).result())
    assert result == [number, "odd" if number % 2 else "even"]


@pytest.mark.timeout(300)
def test_killed_deploys_leave_one_whole_manifest_active(up, store, tmp_path):
    """``ak deploy``, the supervisor, or both die at a random moment of a deploy; the next one works."""
    project = edition(tmp_path / "project", 0)
    began = time.monotonic()
    check_serves(up, store, project, 0)
    longest = min(time.monotonic() - began, 4)
    for number in range(1, ROUNDS + 1):
        edition(project, number)
        victims = ["deploy", "supervisor", "both"][number % 3]
        before = len(store.deployments.list(NAME))
        moment = random.uniform(0, longest)
        deploy = subprocess.Popen(
            [AK, "deploy", str(project), "--yes"],
            env=up.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        with contextlib.suppress(subprocess.TimeoutExpired):
            deploy.wait(moment)
        if victims != "supervisor":
            deploy.kill()
        if victims != "deploy":
            up.kill()
        if victims != "supervisor":
            deploy.communicate()
        check_whole(store)
        if victims != "deploy":
            up.start()
        if victims == "supervisor":
            said = deploy.communicate(timeout=60)[0]
            # Temporal was away before it had asked for anything: it says so, and nothing was asked for.
            refused = "AK1200" in said and len(store.deployments.list(NAME)) == before
            assert deploy.returncode == 0 or refused, said
        settled(up, store)
        check_whole(store)
        check_serves(up, store, project, number)
        settled(up, store)
    assert up.stop() == 0


@pytest.mark.timeout(400)
def test_killed_parts_leave_one_whole_manifest_active_on_postgres(tmp_path):
    """The same where worker and gateway are processes of their own: each dies in the middle of a deploy."""
    project = edition(tmp_path / "project", 0)
    with cluster.running(tmp_path, size=1, AK_ANSWER_SECONDS="30") as parts:
        [worker], [gateway] = parts.workers, parts.gateways
        began = time.monotonic()
        parts.deploy(project)
        longest = min(time.monotonic() - began, 4)
        check_part(parts, 0)
        for number, victims in enumerate(PARTS, start=1):
            edition(project, number)
            deploy = subprocess.Popen(
                [AK, "deploy", str(project), "--yes"],
                env=parts.operator.environment,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
            )
            with contextlib.suppress(subprocess.TimeoutExpired):
                deploy.wait(random.uniform(0, longest))
            machine = gateway if victims == "gateway" else worker
            if "deploy" in victims:
                deploy.kill()
            if victims != "deploy":
                machine.kill()
            check_whole(parts.store)
            if victims != "deploy":
                machine.start()
            said = deploy.communicate(timeout=90)[0]
            assert deploy.returncode == (-9 if "deploy" in victims and deploy.returncode else 0), said
            settled(parts.gateways[0], parts.store)
            check_whole(parts.store)
            parts.deploy(project, "--yes")
            check_part(parts, number)
        assert [machine.stop() for machine in parts.machines] == [0, 0]


def check_part(parts: Cluster, number: int) -> None:
    """The webhook runs this edition's code with its variables."""
    settled(parts.gateways[0], parts.store)
    check_whole(parts.store)
    event = parts.post("hook", {})
    [delivery] = eventually_sync(
        lambda: [d for d in parts.store.events.deliveries(event) if d.state == "done"]
    )
    result = asked(parts.gateways[0], lambda client: client.get_workflow_handle(delivery.session_id).result())
    assert result == [number, "odd" if number % 2 else "even"]
