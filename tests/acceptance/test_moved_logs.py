"""The log of a session that was moved to code which logs more, fewer or other lines: what stood there stays, once."""

from __future__ import annotations

import asyncio
import os
import signal

import pytest
from temporalio.client import Client

from tests.helpers.projects import write
from tests.helpers.waiting import eventually_sync
from worker.payload.converter import data_converter

TALKS = """
import autokitteh


@autokitteh.activity
def call(text):
    print("called", text)
    return text


def talk(version, lines):
    for n in range(lines):
        print(version, n)
    call("before")
    for n in (1, 2, 3):
        autokitteh.next_signal("go")
        call(n)
        print(version, "goes", n)
    return version


def fewer(event):
    return talk(VERSION, FEWER)


def equal(event):
    return talk(VERSION, 4)


def more(event):
    return talk(VERSION, MORE)


def on_event(event):
    return None
"""
HANDLERS = {"fewer": 9, "equal": 4, "more": 1}


def deploy(up, path, version, fewer, more, *options):
    """Deploy one version."""
    head = f"VERSION, FEWER, MORE = {version!r}, {fewer}, {more}\n"
    write(path, "talks", {"main.py": head + TALKS})
    return up.ak("deploy", str(path), *options)


def killed(up):
    """SIGKILL for every build process; they are started again by themselves."""
    for pid in up.build_pids():
        os.kill(pid, signal.SIGKILL)


def go(up, session):
    """The signal that a session waits for."""

    async def send():
        """By Temporal's client."""
        client = await Client.connect(up.ready["temporal"], data_converter=data_converter())
        await client.get_workflow_handle(session).signal("go", 1)

    asyncio.run(send())


@pytest.mark.parametrize("kills", [False, True], ids=["calm", "killed"])
def test_what_was_printed_stays_and_what_is_new_comes_after(up, tmp_path, kills):
    """Two moves, to fewer, as many and more lines before the wait; with kills before and after the first of them."""
    deploy(up, tmp_path / "p", "one", HANDLERS["fewer"], HANDLERS["more"])
    started = {name: up.ak("session", "start", "talks", f"main.py:{name}")["id"] for name in HANDLERS}
    told = {name: [f"one {n}" for n in range(count)] + ["called before"] for name, count in HANDLERS.items()}

    def complete():
        """Each has printed what it was to print, once."""
        assert {name: up.prints(session) for name, session in started.items()} == told
        return True

    def waits(n):
        """Each has asked for a signal so many times, so that a move finds it at rest."""
        found = [up.ak("session", "log", session) for session in started.values()]
        return all(
            max((i for i, line in enumerate(lines) if line["kind"] == "print"), default=-1) >= 0
            and len([line for line in lines if "await_signal" in line["text"]]) == 1
            and sum("goes" in line["text"] for line in lines) == n
            for lines in found
        )

    eventually_sync(lambda: waits(0), 30)
    complete()
    versions = [("two", 2, 12), ("three", 7, 3), ("three", 0, 0)]
    running = "one"
    for n, (version, fewer, more) in enumerate(versions, 1):
        if kills and n == 1:
            killed(up)
        if n < len(versions):
            answer = deploy(up, tmp_path / "p", version, fewer, more, "--migrate")
            assert answer["sessions"]["moved"] == len(HANDLERS), [
                (item["reason"], item["difference"]) for item in answer["sessions"]["sessions"]
            ]
            running = version
            if kills and n == 1:
                killed(up)
        for name, session in started.items():
            go(up, session)
            told[name] += [f"called {n}", f"{running} goes {n}"]
        eventually_sync(lambda n=n: waits(n), 60)
        complete()
    for session in started.values():
        assert up.ak("session", "wait", session, "--timeout", "60")["result"] == "three"
    complete()
