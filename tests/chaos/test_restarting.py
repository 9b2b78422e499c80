"""Loops that restart all the time, while events keep coming and processes die: no event is lost, none comes twice."""

from __future__ import annotations

import itertools
import json
import shutil
import time
from pathlib import Path

import pytest

from tests.chaos.test_talking import Killer, post
from tests.helpers.ak import AkUp
from tests.helpers.waiting import eventually_sync

PROJECT = Path(__file__).parents[1] / "projects" / "restarting"
SESSIONS = 8
EVENTS = 40
SECONDS = 60


@pytest.mark.timeout(400)
def test_restarting_sessions_survive_a_minute_of_kills(tmp_path):
    """In order, each once, under SIGKILL of build process and gateway; the counter is exact."""
    up = AkUp(tmp_path / "home", shutil.copytree(PROJECT, tmp_path / "restarting"))
    up.start()
    killer = Killer(up, SECONDS)
    try:
        for me in range(SESSIONS):
            post(up, "go", {"me": me, "all": EVENTS, "every": 1 + me % 4}, until=(202,))
        sessions = eventually_sync(
            lambda: (s := up.ak("session", "list", "restarting")) and len(s) == SESSIONS and s
        )
        eventually_sync(lambda: all(up.prints(item["id"]) for item in sessions), 120)
        killer.start()
        for i in range(EVENTS):
            for me in range(SESSIONS):
                post(up, "feed", {"to": me, "i": i}, until=(202,))
                time.sleep(0.6 * SECONDS / SESSIONS / EVENTS)
        killer.join()
        total = 0
        for item in sessions:
            ended = up.ak("session", "wait", item["id"], "--timeout", "120")
            assert ended["state"] == "completed", ended["error"]
            assert ended["restarts"] >= EVENTS // 4 - 1
            ready, printed = up.prints(item["id"])
            got = json.loads(printed)
            assert ready == "ready"
            assert len({identifier for _, identifier in got}) == len(got)
            # Whoever posts to a gateway that dies posts again, and then there are two events.
            assert [n for n, _ in itertools.groupby(n for n, _ in got)] == list(range(EVENTS))
            total += len(got)
        assert int(up.run("value", "get", "restarting", "count").stdout) == total
        assert len(up.ak("session", "list", "restarting")) == SESSIONS
        assert min(killer.kills.values()) > 0
        assert up.stop() == 0
    finally:
        killer.enough.set()
        if killer.is_alive():
            killer.join()
        up.kill_everything()
