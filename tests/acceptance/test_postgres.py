"""The parts as commands of their own, on Postgres and a Temporal server that is not ours to start."""

from __future__ import annotations

import json
import re
import signal
import subprocess

import httpx
import psycopg
import pytest

from tests.helpers import postgres
from tests.helpers.ak import AK, AkUp, environment
from tests.helpers.projects import write
from tests.helpers.temporal import shared_server
from tests.helpers.transcripts import typed
from tests.helpers.waiting import eventually_sync


@pytest.mark.timeout(200)
def test_gateway_and_worker_serve_a_project_on_postgres(tmp_path):
    """Deploy, webhook, durable session, log: with nothing shared but the database, Temporal and the key."""
    project = write(
        tmp_path / "p",
        "parts",
        {
            "main.py": "import time\ndef on_event(e):\n    print('one')\n    time.sleep(1)\n    print('two')\n    return 2\n"
        },
    )
    with postgres.cluster() as server, shared_server(tmp_path / "temporal") as temporal:
        shared = {
            "AK_DATABASE_URL": postgres.new_database(server),
            "AK_PAYLOAD_KEY": "ab" * 32,
            "TEMPORAL_ADDRESS": temporal.address,
        }
        homes = [tmp_path / name for name in ("gateway", "worker", "operator")]
        processes = []
        try:
            for name, home in zip(("gateway", "worker"), homes[:2], strict=True):
                with (tmp_path / f"{name}.log").open("w") as log:
                    process = subprocess.Popen(
                        [AK, name, "--json"],
                        env=environment(home, **shared),
                        stdout=subprocess.PIPE,
                        stderr=log,
                        text=True,
                    )
                processes.append(process)
            gateway = json.loads(processes[0].stdout.readline())["gateway"]
            processes[1].stdout.readline()
            operator = AkUp(homes[2], **shared)
            deployed = eventually_sync(lambda: try_deploy(operator, project))
            slug = deployed["webhooks"]["go"].rpartition("/")[2]
            event = httpx.post(f"{gateway}/webhooks/{slug}").headers["AutoKitteh-Event-ID"]
            session = eventually_sync(lambda: operator.ak("session", "list", "--event", event))[0]["id"]
            assert operator.ak("session", "wait", session, "--timeout", "60")["result"] == 2
            assert operator.prints(session) == ["one", "two"]
        finally:
            for process in processes:
                process.send_signal(signal.SIGTERM)
            statuses = [process.wait(60) for process in processes]
            for process in processes:
                process.stdout.close()
        assert statuses == [0, 0]


def try_deploy(operator: AkUp, project) -> dict | None:
    """Deploy, once a worker is known to run."""
    done = operator.run("deploy", str(project), "--json", check=False)
    return json.loads(done.stdout) if done.returncode == 0 else None


def test_doctor_tells_a_database_whose_clock_differs(tmp_path):
    """A real server's own clock, an hour ahead or right: a function of that name is found first."""
    with postgres.cluster() as server:
        url = postgres.new_database(server)
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute("CREATE SCHEMA ahead")
            connection.execute(
                "CREATE FUNCTION ahead.clock_timestamp() RETURNS timestamptz LANGUAGE sql AS"
                " $$ SELECT pg_catalog.clock_timestamp() + interval '1 hour' $$"
            )
        operator = AkUp(tmp_path / "home", AK_DATABASE_URL=url)
        operator.home.mkdir(mode=0o700)
        assert operator.run("doctor").stdout == ""
        operator.environment["AK_DATABASE_URL"] = f"{url}?options=-csearch_path%3Dahead,pg_catalog,public"
        text = typed(operator, "life/doctor-clock", "ak doctor")
        seconds = int(re.search(r"clock is (\d+) s ahead of", text)[1])
        assert 3590 <= seconds <= 3610
