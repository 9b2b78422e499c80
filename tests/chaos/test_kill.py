"""SIGKILL at random moments: nothing is lost, nothing is said twice."""

from __future__ import annotations

import contextlib
import os
import random
import shutil
import signal
import time
from pathlib import Path

import httpx
import pytest

from tests.helpers.ak import NO_AUTHORITIES, AkUp, running
from tests.helpers.temporal import wait_completed
from tests.helpers.waiting import eventually_sync

PROJECT = Path(__file__).parents[1] / "projects" / "chaos"
SESSIONS = 30
STEPS = 20
EXPECTED = [line for n in range(STEPS) for line in (f"inside {n}", f"step {n} total {n * (n + 1)}")]


@pytest.fixture
def project(tmp_path):
    """A copy of the project."""
    return shutil.copytree(PROJECT, tmp_path / "chaos")


def fire(up: AkUp, count: int) -> list[str]:
    """Send webhooks, again when the gateway is away; returns the ids of the events answered with 202."""
    events = []
    for _ in range(count):
        for _ in range(200):
            try:
                answer = httpx.post(up.webhook("go"), json={}, timeout=5, verify=NO_AUTHORITIES)
            except httpx.HTTPError:
                time.sleep(0.1)
                continue
            if answer.status_code == 202:
                events.append(answer.headers["AutoKitteh-Event-ID"])
                break
    assert len(events) == count
    return events


def all_done(up: AkUp, events: list[str]) -> list[str]:
    """The sessions of the events, once all have completed."""

    def ended() -> list[dict] | None:
        with contextlib.suppress(AssertionError):
            found = up.ak("session", "list", "chaos", "--limit", "200")
            mine = [item for item in found if item["event_id"] in events]
            if len(mine) == len(events) and all(item["state"] == "completed" for item in mine):
                return mine
        return None

    wait_completed(up.ready["temporal"], "main.py:on_event", len(events), 240)
    found = eventually_sync(ended)
    assert sorted(item["event_id"] for item in found) == sorted(events)
    return [item["id"] for item in found]


def check(up: AkUp, events: list[str]) -> None:
    """Every session completed, each line in its log exactly once and in order."""
    for session in all_done(up, events):
        assert up.prints(session) == EXPECTED


@pytest.mark.timeout(400)
@pytest.mark.parametrize("victim", ["build process", "temporal"])
def test_killing_one_process_loses_nothing(project, tmp_path, victim):
    """The build process, or the Temporal server, dies three times at random while thirty sessions run."""
    with running(tmp_path / "home", project) as up:
        events = fire(up, SESSIONS)
        for _ in range(3):
            time.sleep(random.uniform(0.3, 2))
            victims = up.build_pids() if victim == "build process" else [up.temporal_pid()]
            for pid in victims:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
        check(up, events)
        assert up.stop() == 0


@pytest.mark.timeout(400)
@pytest.mark.parametrize("victim", ["gateway and supervisor", "everything"])
def test_killing_ak_up_loses_nothing(project, tmp_path, victim):
    """``ak up``, alone or with all its processes, dies twice; started again, everything goes on."""
    up = AkUp(tmp_path / "home", project)
    up.start()
    try:
        events = fire(up, SESSIONS // 3)
        for _ in range(2):
            time.sleep(random.uniform(0.3, 2))
            up.kill() if victim == "gateway and supervisor" else up.kill_everything()
            up.start()
            events += fire(up, SESSIONS // 3)
        check(up, events)
        assert up.stop() == 0
    finally:
        up.kill_everything()
