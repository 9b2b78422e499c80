"""Two hundred sessions talk while processes die: nothing is lost, nothing comes twice, the counters are exact."""

from __future__ import annotations

import collections
import contextlib
import os
import random
import shutil
import signal
import threading
import time
from pathlib import Path

import httpx
import pytest

from tests.helpers.ak import NO_AUTHORITIES, AkUp
from tests.helpers.temporal import wait_completed
from tests.helpers.waiting import eventually_sync

PROJECT = Path(__file__).parents[1] / "projects" / "talking"
SESSIONS = 200
EVENTS = 3
SECONDS = 120


class Killer(threading.Thread):
    """Kills the build process, or gateway and supervisor, at random moments, and starts again what it must."""

    def __init__(self, up: AkUp, seconds: float):
        super().__init__()
        self.up = up
        self.end = time.monotonic() + seconds
        self.kills = collections.Counter()
        self.enough = threading.Event()

    def run(self):
        """Until the time is over."""
        while time.monotonic() < self.end and not self.enough.wait(random.uniform(3, 9)):
            if random.random() < 0.6:
                for pid in self.up.build_pids():
                    with contextlib.suppress(ProcessLookupError):
                        os.kill(pid, signal.SIGKILL)
                        self.kills["build process"] += 1
            else:
                self.up.kill()
                self.up.start()
                self.kills["gateway"] += 1


def post(up: AkUp, trigger: str, body: dict, *, until: tuple[int, ...]) -> httpx.Response:
    """Post until it is answered with one of these; a gateway that dies gives an error, and is asked again."""
    end = time.monotonic() + 120
    while time.monotonic() < end:
        with contextlib.suppress(httpx.HTTPError, KeyError):
            answer = httpx.post(up.webhook(trigger), json=body, timeout=20, verify=NO_AUTHORITIES)
            if answer.status_code in until:
                return answer
        time.sleep(0.1)
    raise AssertionError(f"{trigger} {body} was never answered with {until}")


def value(up: AkUp, key: str) -> int:
    """A counter of the project's; nothing counted yet is zero."""
    done = up.run("value", "get", "talking", key, check=False)
    return int(done.stdout) if done.returncode == 0 else 0


def ask(up: AkUp, n: int) -> bool:
    """Ask a session; whether it answered itself. It answers one question and ends, so an answer may die with a gateway."""
    answer = post(up, "asked", {"to": n}, until=(200, 502, 504))
    assert answer.status_code != 200 or answer.json() == {"n": n}
    return answer.status_code == 200


@pytest.mark.timeout(600)
def test_talking_sessions_survive_two_minutes_of_kills(tmp_path):
    """Subscriptions, signals, values and synchronous webhooks, under SIGKILL of build process and gateway."""
    up = AkUp(tmp_path / "home", shutil.copytree(PROJECT, tmp_path / "talking"), AK_ANSWER_SECONDS="15")
    up.start()
    killer = Killer(up, SECONDS)
    try:
        for n in range(SESSIONS):
            post(up, "go", {"n": n, "of": SESSIONS}, until=(202,))
        eventually_sync(lambda: value(up, "ready") == SESSIONS, 120)
        killer.start()
        work = [(n, i) for n in range(SESSIONS) for i in range(EVENTS)]
        random.shuffle(work)
        pause = SECONDS * 0.6 / len(work)
        for n, i in work:
            post(up, "feed", {"to": n, "i": i}, until=(202,))
            time.sleep(pause * random.random())
        answered = sum(ask(up, n) for n in range(SESSIONS))
        killer.enough.set()
        killer.join()
        check(up)
        assert min(killer.kills.values()) > 0
        assert answered > SESSIONS / 2
        assert up.stop() == 0
    finally:
        killer.enough.set()
        if killer.is_alive():
            killer.join()
        up.kill_everything()


def check(up: AkUp) -> None:
    """All sessions ended, each event came once to each, and the counters are the sums of what was printed."""
    wait_completed(up.ready["temporal"], "main.py:talks", SESSIONS, 180)
    found = eventually_sync(
        lambda: (
            (s := up.ak("session", "list", "talking", "--limit", "500"))
            and all(item["state"] == "completed" for item in s)
            and s
        )
    )
    assert len(found) == SESSIONS
    got = 0
    for item in found:
        *events, ring = [line.split() for line in up.prints(item["id"])]
        assert len({identifier for _, identifier, _ in events}) == len(events)
        assert {i for _, _, i in events} == {str(i) for i in range(EVENTS)}
        assert int(ring[2]) == (int(ring[1]) - 1) % SESSIONS
        got += len(events)
    assert value(up, "count") == got
    assert value(up, "ended") == SESSIONS
