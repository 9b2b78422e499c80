"""An installation as on several machines: workers and gateways with a home each, one Postgres, one Temporal."""

from __future__ import annotations

import contextlib
import json
import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx

from tests.helpers import postgres
from tests.helpers.ak import NO_AUTHORITIES, AkUp, alive
from tests.helpers.temporal import shared_server
from tests.helpers.waiting import eventually_sync
from worker.contracts import LINE_PRINT
from worker.store import open_store

KEY = "ab" * 32


class Machine(AkUp):
    """``ak worker`` or ``ak gateway`` on a home of its own."""

    def start(self) -> Machine:
        """Start it, and return once it says that it is ready; a gateway comes back on the port that was given out."""
        super().start()
        if "gateway" in self.ready:
            self.environment["AK_LISTEN"] = self.ready["gateway"].removeprefix("http://")
        return self


class Cluster:
    """All machines, and one more for the operator."""

    def __init__(self, home: Path, database: postgres.Server, settings: dict[str, str], size: int) -> None:
        self.postgres = database
        self.workers = [Machine(home / f"worker{n}", command="worker", **settings) for n in range(size)]
        self.gateways = [Machine(home / f"gateway{n}", command="gateway", **settings) for n in range(size)]
        self.operator = AkUp(home / "operator", **settings)
        self.slugs: dict[str, str] = {}
        self.temporal_address = settings["TEMPORAL_ADDRESS"]
        self.store = open_store(settings["AK_DATABASE_URL"], secret_key=bytes.fromhex(KEY))

    @property
    def machines(self) -> list[Machine]:
        """Workers and gateways."""
        return [*self.workers, *self.gateways]

    def deploy(self, directory: Path, *options: str) -> dict[str, Any]:
        """Deploy, once a worker is known to run."""

        def attempt() -> dict[str, Any] | None:
            done = self.operator.run("deploy", str(directory), *options, "--json", check=False)
            assert done.returncode == 0 or "no worker is running" in done.stderr, done.stderr
            return json.loads(done.stdout) if done.returncode == 0 else None

        found: dict[str, Any] = eventually_sync(attempt)
        self.slugs = {name: url.rpartition("/")[2] for name, url in found["webhooks"].items()}
        return found

    def post(self, trigger: str, body: Any, gateway: int = 0) -> str:
        """Send a webhook to a gateway, or to the next one while it is away; returns the event's id."""
        for attempt in range(600):
            machine = self.gateways[(gateway + attempt) % len(self.gateways)]
            try:
                url = f"{machine.ready['gateway']}/webhooks/{self.slugs[trigger]}"
                answer = httpx.post(url, json=body, timeout=20, verify=NO_AUTHORITIES)
                if answer.status_code == 202:
                    return answer.headers["AutoKitteh-Event-ID"]
            except httpx.HTTPError:
                pass
            pause()
        raise AssertionError(f"no gateway took {trigger} {body}")

    def sessions(self, project: str) -> list[dict[str, Any]]:
        """All sessions of a project."""
        found: list[dict[str, Any]] = self.operator.ak("session", "list", project, "--limit", "2000")
        return found

    def prints(self, session: str) -> list[str]:
        """What a session printed, without the cost of a command."""
        return [line.text for line in self.store.log.read(session) if line.kind == LINE_PRINT]


def pause() -> None:
    """Before the next attempt at something that is away."""
    signal.sigtimedwait([], 0.1)


@contextlib.contextmanager
def running(home: Path, size: int = 2, **settings: str) -> Iterator[Cluster]:
    """A cluster that runs; everything of it is down afterwards."""
    with postgres.server() as database, shared_server(home / "temporal") as temporal:
        shared = {
            "AK_DATABASE_URL": postgres.new_database(database.url),
            "AK_PAYLOAD_KEY": KEY,
            "TEMPORAL_ADDRESS": temporal.address,
            **settings,
        }
        cluster = Cluster(home, database, shared, size)
        try:
            for machine in cluster.machines:
                machine.start()
            yield cluster
        finally:
            for machine in cluster.machines:
                with contextlib.suppress(AssertionError, ValueError):
                    machine.kill_everything()
            cluster.store.close()
            left = [pid for machine in cluster.workers for pid in machine.build_pids()]
            for pid in left:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            eventually_sync(lambda: not any(alive(pid) for pid in left))
