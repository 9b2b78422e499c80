"""Cleaning a running installation: what is past its time goes, a session that sleeps on an old deployment goes on."""

from __future__ import annotations

import asyncio
import contextlib
import datetime as dt
import os
import re
import signal
import sqlite3

import httpx
import pytest
from temporalio.api.common.v1 import WorkflowExecution
from temporalio.api.workflowservice.v1 import DeleteWorkflowExecutionRequest
from temporalio.client import Client

from tests.helpers.ak import running
from tests.helpers.projects import write
from tests.helpers.waiting import eventually_sync
from worker import clock

CODE = """
import autokitteh

def on_event(event):
    print("version {version}")

def sleeps(event):
    print("waiting on {version}", "x" * int(event.data.get("size", 0)))
    text = autokitteh.wait_for_signal("go")["text"]
    print("{version}", len(text), len(event.data.get("text", "")))

def sleeps_long(event):
    given = event.data.body.json["text"]
    print("waiting on {version}")
    text = autokitteh.wait_for_signal("go")["text"]
    print("{version}", len(text), len(given))

def fails(event):
    raise ValueError("on purpose")

def loops(event):
    n = event.data.get("n", 0)
    print("run", n)
    if n == 0:
        autokitteh.restart({{"n": 1, "child": autokitteh.start("main.py:ends_late")}})
    if n == 1:
        print(autokitteh.next_signal(event.data.child).payload)
        autokitteh.restart({{"n": 2}})
    autokitteh.wait_for_signal("go")

def answers(event):
    if "again" not in event.data:
        autokitteh.restart({{"again": True}})
    autokitteh.http_outcome(200, json={{"again": event.data.again, "event": event.event_type}})

def ends_late(event):
    autokitteh.wait_for_signal("end")
    return "late"
"""
TRIGGERS = """
- {name: go, type: webhook, call: "main.py:on_event"}
- {name: sleep, type: webhook, call: "main.py:sleeps"}
- {name: large, type: webhook, call: "main.py:sleeps_long"}
- {name: ask, type: webhook, is_sync: true, call: "main.py:answers"}
"""
SECOND = str(1 / 86_400)
KEEP_NOTHING = {f"AK_RETENTION_{name}_DAYS": SECOND for name in ("EVENT", "LOG", "DEPLOYMENT")} | {
    "AK_RETENTION_EVERY_SECONDS": "0"
}


@pytest.fixture(scope="module")
def up(tmp_path_factory):
    """A running ``ak up`` where everything is past its time after a second, and one deployment stays."""
    home = tmp_path_factory.mktemp("up") / "home"
    with running(home, AK_RETENTION_DEPLOYMENTS="1", **KEEP_NOTHING) as started:
        yield started
        assert started.stop() == 0, started.log()


def deploy(up, directory, version: str) -> dict:
    """Deploy the project with a text of its own."""
    files = {"main.py": CODE.format(version=version)}
    return up.ak("deploy", str(write(directory, "kept", files, triggers=TRIGGERS)))


def session_of(up, event: str) -> str:
    """The session an event started."""
    return eventually_sync(lambda: up.ak("session", "list", "--event", event))[0]["id"]


def rows(up, query: str, *values) -> list[tuple]:
    """What the database answers."""
    with contextlib.closing(sqlite3.connect(up.home / "autokitteh.db")) as database, database:
        return database.execute(query, values).fetchall()


async def blobs_of(up, session: str) -> set[str]:
    """The large payloads that a session's history refers to."""
    client = await Client.connect(up.ready["temporal"])
    history = await client.get_workflow_handle(session).fetch_history()
    data = b"".join(event.SerializeToString() for event in history.events)
    return {name.decode() for name in re.findall(rb"blob_[0-9a-f]{64}", data)}


def lines_of(up) -> dict[str, int]:
    """How many lines of the log each session has."""
    return dict(rows(up, "SELECT workflow_id, count(*) FROM session_log GROUP BY workflow_id"))


def last_used(up, names: set[str], after_cutoff: dt.timedelta) -> None:
    """Let payloads have been used so long after the moment from which on they are kept."""
    # Temporal keeps histories for a day, and writers say once a day what they use.
    at = str(clock.now().replace(tzinfo=None) - dt.timedelta(days=3) + after_cutoff)
    for name in names:
        rows(up, "UPDATE blobs SET used_at = ?, created_at = ? WHERE id = ?", at, at, name)


def check_goes_on(up, sessions: dict[str, int]) -> None:
    """Sessions of version one end as they should, in processes that know nothing of them; values: size of their input."""
    for pid in up.build_pids():
        os.kill(pid, signal.SIGKILL)
    for session in sessions:
        asyncio.run(send(up, session, {"text": "hello"}))
    for session, size in sessions.items():
        assert up.ak("session", "wait", session, "--timeout", "90")["state"] == "completed"
        assert up.prints(session)[-1] == f"one 5 {size}"


def test_cleaning_leaves_what_an_open_session_needs(tmp_path):
    """Its event, its log, its deployment and its large input; all else that is old goes, to the row, and is told."""
    large = {"text": "y" * 400_000}
    with running(tmp_path / "home", AK_RETENTION_DEPLOYMENTS="1", **KEEP_NOTHING) as up:
        first = deploy(up, tmp_path, "one")
        slept, passed = (
            httpx.post(first["webhooks"][name], json=large | {"n": name}).headers["autokitteh-event-id"]
            for name in ("large", "go")
        )
        session, ended = session_of(up, slept), session_of(up, passed)
        up.ak("session", "wait", ended, "--timeout", "60")
        by_hand = up.ak("session", "start", "kept", "main.py:sleeps")["id"]
        eventually_sync(lambda: up.prints(session) and up.prints(by_hand))
        second = deploy(up, tmp_path, "two")
        third = deploy(up, tmp_path, "three")
        needed, not_needed = (asyncio.run(blobs_of(up, name)) for name in (session, ended))
        assert needed
        assert not_needed
        assert not needed & not_needed
        last_used(up, needed, dt.timedelta(minutes=10))
        last_used(up, not_needed, dt.timedelta(minutes=-1))

        def show() -> dict:
            """What would go."""
            return up.ak("retention", "show")["removed"]

        eventually_sync(lambda: second["deployment"] in show()["deployments"], 90)
        eventually_sync(lambda: (show()["events"], show()["open_sessions"]) == (1, 2), 60)
        assert {passed, slept} == {item["id"] for item in up.ak("event", "list", "kept")}
        told = up.run("retention", "run", "--dry-run").stdout
        assert "would be deleted" in told
        assert second["deployment"] in told
        lines = lines_of(up)
        assert lines.keys() == {session, ended, by_hand}
        removed = up.ak("retention", "run")["removed"]
        expected = {
            "open_sessions": 2,
            "events": 1,
            "signals": 0,
            "log_lines": lines.pop(ended),
            "registrations": 0,
            "payloads": len(not_needed),
            "deployments": [second["deployment"]],
            "builds": [],
        }
        assert {name: removed[name] for name in expected} == expected
        assert lines_of(up) == lines
        assert {name for (name,) in rows(up, "SELECT id FROM blobs")} == needed
        assert [item["id"] for item in up.ak("event", "list", "kept")] == [slept]
        assert {item["id"] for item in up.ak("deployment", "list", "kept")} == {
            first["deployment"],
            third["deployment"],
        }
        assert up.ak("session", "get", session)["deployment"] == first["deployment"]
        check_goes_on(up, {session: 400_000, by_hand: 0})
        assert up.stop() == 0


async def send(up, session: str, payload: dict, name: str = "go") -> None:
    """Signal a session as any program would."""
    client = await Client.connect(up.ready["temporal"])
    await client.get_workflow_handle(session).signal(name, payload)


async def forget(up, session: str) -> None:
    """Let Temporal forget a session, as it does when its time is over."""
    client = await Client.connect(up.ready["temporal"])
    request = DeleteWorkflowExecutionRequest(
        namespace="default", workflow_execution=WorkflowExecution(workflow_id=session)
    )
    await client.workflow_service.delete_workflow_execution(request)


def test_session_that_temporal_forgot_is_known_from_its_log(up, tmp_path):
    """State, error and lines; and one that never was is not found."""
    deploy(up, tmp_path, "four")
    session = up.ak("session", "start", "kept", "main.py:fails")["id"]
    known = up.ak("session", "wait", session, "--timeout", "60")
    asyncio.run(forget(up, session))
    found = eventually_sync(lambda: (s := up.ak("session", "get", session)).get("only_log") and s, 120)
    for name in ("id", "project", "handler", "state"):
        assert found[name] == known[name]
    assert found["error"]["type"] == "ValueError"
    assert found["error"]["message"] == "on purpose"
    assert "Temporal does not keep" in up.run("session", "get", session).stdout
    assert up.ak("session", "log", session)[-1]["text"] == "error"
    assert up.run("session", "get", "ses_never", check=False).returncode == 4


def test_session_that_temporal_forgot_still_names_what_started_it(up, tmp_path):
    """Its trigger and its event, as long as the event is kept."""
    deploy(up, tmp_path, "six")
    event = up.ak("event", "send", "kept", "go")["event_id"]
    session = session_of(up, event)
    up.ak("session", "wait", session, "--timeout", "60")
    asyncio.run(forget(up, session))
    found = eventually_sync(lambda: (s := up.ak("session", "get", session)).get("only_log") and s, 120)
    assert (found["trigger"], found["event_id"]) == ("go", event)
    shown = " ".join(up.run("session", "show", session).stdout.split())
    assert f"by trigger go, event {event}" in shown


def test_session_that_restarts_is_one_session(up, tmp_path):
    """In every command: listed once, with its beginning and its restarts; waiting means its last run's end."""
    deploy(up, tmp_path, "five")
    begun = up.ak("session", "start", "kept", "main.py:loops")
    session = begun["id"]
    eventually_sync(lambda: up.prints(session) == ["run 0", "run 1"])
    (child,) = [
        item["id"] for item in up.ak("session", "list", "kept") if item["handler"] == "main.py:ends_late"
    ]
    asyncio.run(send(up, child, {}, "end"))
    lines = ["run 0", "run 1", "{'completed': True, 'value': 'late'}", "run 2"]
    eventually_sync(lambda: up.prints(session) == lines)
    listed = eventually_sync(
        lambda: [s for s in up.ak("session", "list", "kept") if s["id"] == session and s["restarts"] == 2]
    )
    assert len(listed) == 1
    assert listed[0]["state"] == "running"
    assert listed[0]["started_at"] == up.ak("session", "get", session)["started_at"]
    assert listed[0]["started_at"] <= begun["started_at"]
    assert [
        s["id"] for s in up.ak("session", "list", "kept", "--state", "completed") if s["id"] == session
    ] == []
    assert up.ak("session", "get", session[:20])["id"] == session
    assert "restarts    2" in up.run("session", "get", session).stdout
    asyncio.run(send(up, session, {}))
    assert up.ak("session", "wait", session, "--timeout", "60")["state"] == "completed"
    states = [line["text"] for line in up.ak("session", "log", session) if line["kind"] == "state"]
    assert states == ["running", "restarted", "restarted", "completed"]


def test_caller_of_a_webhook_waits_for_the_run_that_answers(up, tmp_path):
    """The first run restarts, the second one answers the event."""
    made = deploy(up, tmp_path, "six")
    answer = httpx.post(made["webhooks"]["ask"], json={}, timeout=60)
    assert (answer.status_code, answer.json()) == (200, {"again": True, "event": "post"})


def test_supervisor_cleans_by_itself(tmp_path):
    """Nobody has to ask for it."""
    keep = {"AK_RETENTION_EVENT_DAYS": SECOND, "AK_RETENTION_EVERY_SECONDS": "1"}
    project = write(tmp_path / "kept", "kept", {"main.py": CODE.format(version="one")}, triggers=TRIGGERS)
    with running(tmp_path / "home", project, **keep) as started:
        assert httpx.post(started.webhook("go"), json={}).status_code == 202
        eventually_sync(lambda: started.ak("event", "list", "kept") == [], 60)
        assert started.stop() == 0
