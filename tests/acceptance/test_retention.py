"""Cleaning a running installation: what is past its time goes, a session that sleeps on an old deployment goes on."""

from __future__ import annotations

import asyncio
import os
import signal

import httpx
import pytest
from temporalio.api.common.v1 import WorkflowExecution
from temporalio.api.workflowservice.v1 import DeleteWorkflowExecutionRequest
from temporalio.client import Client

from tests.helpers.ak import running
from tests.helpers.projects import write
from tests.helpers.waiting import eventually_sync

CODE = """
import autokitteh

def on_event(event):
    print("version {version}")

def sleeps(event):
    print("waiting on {version}", "x" * int(event.data.get("size", 0)))
    text = autokitteh.wait_for_signal("go")["text"]
    print("{version}", len(text), len(event.data.get("text", "")))

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
- {name: ask, type: webhook, is_sync: true, call: "main.py:answers"}
"""
SECOND = str(1 / 86_400)


@pytest.fixture(scope="module")
def up(tmp_path_factory):
    """A running ``ak up`` where everything is past its time after a second, and one deployment stays."""
    keep = {f"AK_RETENTION_{name}_DAYS": SECOND for name in ("EVENT", "LOG", "DEPLOYMENT")}
    home = tmp_path_factory.mktemp("up") / "home"
    with running(home, AK_RETENTION_DEPLOYMENTS="1", AK_RETENTION_EVERY_SECONDS="0", **keep) as started:
        yield started
        assert started.stop() == 0, started.log()


def deploy(up, directory, version: str) -> dict:
    """Deploy the project with a text of its own."""
    files = {"main.py": CODE.format(version=version)}
    return up.ak("deploy", str(write(directory, "kept", files, triggers=TRIGGERS)))


def session_of(up, event: str) -> str:
    """The session an event started."""
    return eventually_sync(lambda: up.ak("session", "list", "--event", event))[0]["id"]


def test_cleaning_leaves_what_an_open_session_needs(up, tmp_path):
    """Its event, its log, its deployment and its large input; everything else that is old goes, and is told."""
    first = deploy(up, tmp_path, "one")
    slept = httpx.post(first["webhooks"]["sleep"], json={}).headers["autokitteh-event-id"]
    passed = httpx.post(first["webhooks"]["go"], json={}).headers["autokitteh-event-id"]
    session, ended = session_of(up, slept), session_of(up, passed)
    up.ak("session", "wait", ended, "--timeout", "60")
    big = up.ak("session", "start", "kept", "main.py:sleeps", "--data", '{"text": "%s"}' % ("y" * 100_000))[
        "id"
    ]
    eventually_sync(lambda: up.prints(session) and up.prints(big))
    second = deploy(up, tmp_path, "two")
    third = deploy(up, tmp_path, "three")

    def left() -> dict:
        return up.ak("retention", "show")["removed"]

    eventually_sync(lambda: second["deployment"] in left()["deployments"], 90)
    eventually_sync(lambda: left()["events"] >= 1, 30)
    assert passed in [item["id"] for item in up.ak("event", "list", "kept")]
    told = up.run("retention", "run", "--dry-run").stdout
    assert "would be deleted" in told
    assert second["deployment"] in told
    removed = up.ak("retention", "run")["removed"]
    assert removed["events"] >= 1
    assert second["deployment"] in removed["deployments"]
    assert not {first["deployment"], third["deployment"]} & set(removed["deployments"])
    assert removed["log_lines"] >= 3
    assert removed["open_sessions"] >= 2
    assert [item["id"] for item in up.ak("event", "list", "kept")] == [slept]
    assert up.ak("session", "log", session)
    assert up.ak("session", "get", session)["deployment"] == first["deployment"]
    assert third["deployment"] != first["deployment"]
    for pid in up.build_pids():
        os.kill(pid, signal.SIGKILL)
    asyncio.run(send(up, session, {"text": "hello"}))
    asyncio.run(send(up, big, {"text": "hello"}))
    assert up.ak("session", "wait", session, "--timeout", "90")["state"] == "completed"
    assert up.ak("session", "wait", big, "--timeout", "90")["state"] == "completed"
    assert up.prints(session)[-1] == "one 5 0"
    assert up.prints(big)[-1] == "one 5 100000"


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
