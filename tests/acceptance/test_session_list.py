"""``ak session list``: what it says when there is nothing, its order, and its width on a terminal."""

from __future__ import annotations

import json
import subprocess

import httpx
import pytest

from tests.helpers.ak import AK
from tests.helpers.projects import write
from tests.helpers.waiting import eventually_sync

CODE = """
import time


def fails(event):
    raise KeyError("id")


def sleeps(event):
    time.sleep(3600)


def quick(event):
    print("quick")


def helper(number):
    return number
"""
TRIGGERS = """
- {name: orders, type: webhook, call: "main.py:fails"}
- {name: unused, type: webhook, call: "main.py:quick"}
"""


@pytest.fixture(scope="module")
def failed(up, tmp_path_factory):
    """A session that an event started and that failed."""
    directory = write(tmp_path_factory.mktemp("listed"), "listed", {"main.py": CODE}, triggers=TRIGGERS)
    webhooks = up.ak("deploy", str(directory))["webhooks"]
    event = httpx.post(webhooks["orders"]).headers["AutoKitteh-Event-ID"]
    (session,) = eventually_sync(lambda: up.ak("session", "list", "--event", event, "--state", "error"))
    return {"id": session["id"], "event": event}


def test_list_says_that_there_is_no_such_thing_or_what_it_looked_for(up, failed):
    """Unknown names and ids are not found, beginnings of ids are; what exists and has no session is an answer."""
    for arguments, told in (
        (["nosuch"], "there is no project nosuch"),
        (["listed", "--trigger", "ordres"], "the project listed has no trigger ordres\n  Nearest: orders"),
        (
            ["listed", "--handler", "main.py:fail"],
            "has no handler main.py:fail\n  Nearest: main.py:fails",
        ),
        (["--event", "evt_nothing"], "there is no event evt_nothing"),
    ):
        done = up.run("session", "list", *arguments, check=False)
        assert (done.returncode, told in done.stderr, done.stdout) == (4, True, ""), arguments
        done = up.run("session", "list", *arguments, "--json", check=False)  # a list for a program
        assert (done.returncode, told.splitlines()[0] in done.stderr) == (0, True), arguments
        assert json.loads(done.stdout) == [], arguments
    done = up.run("session", "list", "--since", "1h", "--until", "2h", check=False)
    assert (done.returncode, "--since 1h is after --until 2h" in done.stderr) == (2, True)
    empty = up.run("session", "list", "listed", "--handler", "helper", "--state", "error").stdout
    assert empty.startswith(
        "there is no session of the project listed of the handler helper in the state error\n"
    )
    assert up.ak("session", "list", "listed", "--handler", "helper") == []
    (found,) = up.ak("session", "list", "--event", failed["event"][:12])
    assert found["id"] == failed["id"]
    assert up.ak("session", "get", failed["id"][len("ses_") : 16])["id"] == failed["id"]


def test_list_is_newest_first_and_fits_a_terminal(up, failed):
    """What ended a moment ago stands before what has slept since; at 80 columns each id is one that commands take."""
    asleep, later = (
        up.ak("session", "start", "listed", f"main.py:{name}")["id"] for name in ("sleeps", "quick")
    )
    up.ak("session", "wait", later)
    try:
        ids = eventually_sync(
            lambda: [item["id"] for item in up.ak("session", "list", "listed", "-n", "2")] == [later, asleep]
        )
        assert ids
        assert up.ak("session", "get", "listed")["id"] == later
        done = subprocess.run(
            [AK, "session", "list", "listed", "-n", "2"],
            env=up.environment | {"COLUMNS": "80"},
            capture_output=True,
            text=True,
            check=True,
        )
        heads, first, second, below = done.stdout.splitlines()
        assert max(map(len, (heads, first, second, below))) <= 80
        assert [line.split()[0] for line in (first, second)] == [later[:12], asleep[:12]]
        assert below.startswith("  ↳ the end of sleep 3600 s at main.py:")
        assert done.stderr == "the newest 2 are shown; --limit shows more\n"
        assert up.ak("session", "get", second.split()[0])["id"] == asleep
    finally:
        up.ak("session", "stop", asleep, "--force")


def test_followers_wait_for_a_temporal_that_is_started_again(up, failed):
    """What was told is not told twice, and they end with the session, with status 0."""
    del failed
    session = up.ak("session", "start", "listed", "main.py:sleeps")["id"]
    begun = {"show": "sleep 3600 s  until", "log": "running"}
    followers, seen = {}, {}
    for command, sign in begun.items():
        follower = followers[command] = subprocess.Popen(
            [AK, "session", command, session, "--follow"],
            env=up.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        assert follower.stdout is not None
        seen[command] = ""
        while sign not in seen[command]:
            seen[command] += follower.stdout.readline()
    up.kill_everything()
    up.start()
    up.ak("session", "stop", session)
    for command, follower in followers.items():
        text = seen[command] + follower.communicate(timeout=60)[0]
        assert (follower.returncode, text.count(begun[command])) == (0, 1), text
        assert "stopped" in text
