"""Starting and stopping, many times: status 0, no process left, no port left."""

from __future__ import annotations

import asyncio
import shutil
import socket
import subprocess
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.helpers.ak import AK, AkUp, gone, running
from tests.helpers.bed import Bed
from tests.helpers.projects import write
from tests.helpers.temporal import shared_server
from tests.helpers.waiting import eventually_sync

PROJECTS = Path(__file__).parents[1] / "projects"
TIMES = 50


def free(url: str) -> bool:
    """Whether nobody listens at an address."""
    parts = urlsplit(url if "//" in url else f"//{url}")
    with socket.socket() as probe:
        return probe.connect_ex((parts.hostname, parts.port)) != 0


@pytest.mark.timeout(600)
def test_ak_up_starts_and_stops_cleanly(tmp_path):
    """Fifty times: everything comes up with a session in the middle, everything goes down."""
    project = write(tmp_path / "p", "again", {"main.py": "def on_event(event): return 1\n"})
    up = AkUp(tmp_path / "home", project)
    try:
        for _ in range(TIMES):
            up.start()
            pids = up.pids()
            assert len(pids) >= 3, up.log()
            assert up.stop() == 0, up.log()
            gone(pids)
            assert all(free(up.ready[name]) for name in ("gateway", "temporal", "ui"))
    finally:
        up.kill_everything()


@pytest.mark.timeout(300)
def test_build_process_starts_and_stops_cleanly(tmp_path):
    """Fifty times: ready, asked to end, ended with status 0."""
    project = shutil.copytree(PROJECTS / "sessions", tmp_path / "project")
    with shared_server(tmp_path / "temporal") as server:
        bed = Bed(project, tmp_path, server.address)
        bed.environment = {"PYTHONPATH_EXTRA": str(PROJECTS / "libraries")}
        asyncio.run(bed.start())
        assert bed.stop() == 0
        for _ in range(TIMES):
            bed.spawn(["main.py:simple"])
            assert bed.read_report()["state"] == "ready"
            assert bed.stop() == 0
        bed.store.close()


STUCK = """
import time

def on_event(event):
    while True:
        try:
            pass
        except BaseException:
            pass

def fine(event):
    for _ in range(20):
        time.sleep(0.2)
    return "fine"
"""


@pytest.mark.timeout(240)
def test_handler_that_cannot_be_interrupted_is_terminated_and_others_go_on(tmp_path):
    """It swallows every exception: its process is started again, and the second time the session is terminated."""
    triggers = "\n".join(
        f"- {{name: {name}, type: webhook, call: 'main.py:{name}'}}" for name in ("on_event", "fine")
    )
    project = write(
        tmp_path / "p",
        "stuck",
        {"main.py": STUCK.replace("pass\n        except", "[x for x in range(9)]\n        except")},
        triggers=triggers,
    )
    with running(tmp_path / "home", project, AK_BUDGET_SECONDS="1") as up:
        others = [up.ak("session", "start", "stuck", "main.py:fine")["id"] for _ in range(3)]
        bad = up.ak("session", "start", "stuck", "main.py:on_event")["id"]
        eventually_sync(lambda: up.ak("session", "get", bad)["state"] in {"stopped", "error"}, 150)
        for session in others:
            assert up.ak("session", "wait", session, "--timeout", "120")["result"] == "fine"
        assert up.stop() == 0


def test_second_ak_up_on_a_home_is_refused(tmp_path):
    """The message names the process that has it."""
    with running(tmp_path / "home") as up:
        done = up.run("up", check=False)
        assert done.returncode == 1
        assert str(up.process.pid) in done.stderr


def test_taken_port_is_a_clear_error(tmp_path):
    """The variable that chooses the port stands in the message."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        for name, value in (("AK_LISTEN", f"127.0.0.1:{port}"), ("AK_TEMPORAL_PORT", port)):
            up = AkUp(tmp_path / name, **{name: value})
            done = subprocess.run(
                ["timeout", "60", AK, "up"],
                env=up.environment,
                capture_output=True,
                text=True,
                check=False,
            )
            assert done.returncode == 1
            assert name in done.stderr
