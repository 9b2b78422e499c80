"""SIGKILL of ``ak project delete`` at each of its steps: the project is still there to be deleted, and the next time it goes."""

from __future__ import annotations

import json
import subprocess
import sys

import httpx
import pytest

from tests.helpers.ak import AK, AkUp, running
from tests.helpers.projects import write
from tests.helpers.remains import cwd_of, rows_of, schedules
from tests.helpers.waiting import eventually_sync

CODE = """
import autokitteh

def on_event(event):
    return "done"

def waits(event):
    sub = autokitteh.subscribe("hook")
    print("waiting")
    autokitteh.next_event(sub)
"""
TRIGGERS = """
- {name: hook, type: webhook, call: "main.py:on_event"}
- {name: nightly, schedule: "0 9 * * 1-5", call: "main.py:on_event"}
"""
EXTRA = """
vars:
  - {name: TOKEN, value: some-secret-value, secret: true}
"""
# Deletes, and stops for ever in a function or after it: "here" says that it is there.
CHILD = """
import inspect, sys
from worker import removal
from worker.store import removing

where, when, arguments = sys.argv[1], sys.argv[2], sys.argv[3:]
room = removal if hasattr(removal, where) else removing
plain, calls = getattr(room, where), 0

def stop(*_ignored):
    print("here", flush=True)
    sys.stdin.read()

async def after(*given):
    await plain(*given)
    stop()

async def second(*given):
    global calls
    calls += 1
    if calls == 2:
        stop()
    return await plain(*given)

setattr(room, where, {"in": stop, "after": after, "second": second}[when])
sys.argv = ["ak", "project", "delete", *arguments]
from worker.cli.main import main
sys.exit(main())
"""
# The project → where its deletion is killed: see the steps at the head of worker/removal.py.
STOPS = {
    "killed_quiet": ("_stop", "in"),
    "killed_stopped": ("_stop", "after"),
    "killed_histories": ("patiently", "second"),
    "killed_versions": ("_delete_versions", "after"),
    "killed_rows": ("forget", "in"),
}


@pytest.fixture(scope="module")
def up(tmp_path_factory):
    """A running ``ak up`` with all the projects."""
    place = tmp_path_factory.mktemp("delete")
    projects = [
        write(place / name, name, {"main.py": CODE, "name.txt": name}, triggers=TRIGGERS, extra=EXTRA)
        for name in [*STOPS, "bystander"]
    ]
    with running(place / "home", *projects) as started:
        yield started
        assert started.stop() == 0, started.log()


def used(up: AkUp, project: str) -> str:
    """Give the project something of everything that a deletion takes away; returns its webhook."""
    [url] = [item["webhooks"]["hook"] for item in up.ready["deployments"] if item["project"] == project]
    up.run("value", "set", project, "key", "1")
    for _ in range(2):
        assert httpx.post(url).status_code == 202
    return url


def killed(up: AkUp, project: str) -> None:
    """Delete the project, and be killed at its place."""
    child = subprocess.Popen(
        [sys.executable, "-c", CHILD, *STOPS[project], project, "--force", "--json"],
        env=up.environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert child.stdout.readline() == "here\n", child.stderr.read()
    finally:
        child.kill()
        child.communicate()


def listed(up: AkUp, project: str) -> list[dict]:
    """The sessions that Temporal still knows."""
    return up.ak("session", "list", project)


@pytest.mark.timeout(240)
def test_killed_deletions_are_finished_by_the_next(up, tmp_path):
    """Wherever it is killed: nothing new begins, the project is listed until it is gone, and nothing of it stays."""
    urls = {project: used(up, project) for project in [*STOPS, "bystander"]}
    for project in urls:
        session = up.ak("session", "start", project, "main.py:waits")["id"]
        eventually_sync(lambda name=session: up.prints(name) == ["waiting"])
    eventually_sync(lambda: all(schedules(up, project) for project in urls))
    bystander = rows_of(up, "bystander")
    for project in STOPS:
        killed(up, project)
        assert httpx.post(urls[project]).status_code == 404
        [known] = [item for item in up.ak("project", "list") if item["name"] == project]
        assert (known["state"] in {"draining", "inactive"}, known["triggers"]) == (True, 0)
    again = [
        subprocess.Popen(
            [AK, "project", "delete", project, "--force", "--json"],
            env=up.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for project in STOPS
    ]
    for deleting, project in zip(again, STOPS, strict=True):
        said, complained = deleting.communicate(timeout=120)
        assert deleting.returncode == 0, complained
        answer = json.loads(said)
        assert len(answer["builds"]) == 1
        assert rows_of(up, project) == {}
        assert schedules(up, project) == []
        assert not (up.home / "builds" / answer["builds"][0]).exists()
        # Temporal takes its time to delete what ended a moment ago, a minute at worst.
        eventually_sync(lambda name=project: {item["state"] for item in listed(up, name)} <= {"stopped"})
        eventually_sync(
            lambda build=answer["builds"][0]: not [p for p in up.build_pids() if build in cwd_of(p)]
        )
        assert up.run("project", "get", project, check=False).returncode == 4
    assert rows_of(up, "bystander").keys() == bystander.keys()
    assert httpx.post(urls["bystander"]).status_code == 202
    up.run("project", "delete", "bystander", "--force")
