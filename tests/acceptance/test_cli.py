"""Commands as subprocesses: their JSON, their exit statuses, what a person reads."""

from __future__ import annotations

import json

import httpx
import pytest

from tests.helpers.projects import write
from tests.helpers.waiting import eventually_sync

CODE = """
import os, time

def on_event(event):
    print(event.event_type, event.data.get("body", {}).get("text"))
    print(os.getenv("TOKEN"), event.trigger)
    return event.data.get("url", {}).get("path_suffix")

def waits(event):
    try:
        print("waiting")
        time.sleep(600)
    finally:
        print("bye")
"""
TRIGGERS = """
- {name: go, type: webhook, event_type: post, call: "main.py:on_event"}
- {name: picky, type: webhook, filter: 'data.url.path_suffix == "yes"', call: "main.py:on_event"}
- {name: slow, type: webhook, call: "main.py:waits"}
- {name: talk, connection: chat, event_type: message, call: "main.py:on_event"}
"""
EXTRA = """
vars:
  - {name: TOKEN, value: "top-secret-1", secret: true}
connections:
  - {name: chat, integration: slack}
"""


@pytest.fixture(scope="module")
def deployed(up, tmp_path_factory):
    """A project with triggers of several kinds."""
    directory = tmp_path_factory.mktemp("cli")
    return up.ak("deploy", str(write(directory, "cli", {"main.py": CODE}, triggers=TRIGGERS, extra=EXTRA)))


def sessions_of(up, event: str, count: int) -> list[dict]:
    """The sessions an event started, once they have ended."""

    def ended():
        found = up.ak("session", "list", "--event", event)
        return found if len(found) == count and all(item["state"] == "completed" for item in found) else None

    return eventually_sync(ended)


def test_webhook_starts_what_its_trigger_says(up, deployed):
    """The type selects, the body and the path arrive, and the log stands in order."""
    answer = httpx.post(f"{deployed['webhooks']['go']}/new/one", content="hello")
    assert (answer.status_code, answer.headers["Cache-Control"], answer.content) == (202, "no-cache", b"")
    event = answer.headers["AutoKitteh-Event-ID"]
    session = up.ak("session", "get", sessions_of(up, event, 1)[0]["id"])
    assert (session["result"], session["event_id"], session["trigger"], session["deployment"]) == (
        "new/one",
        event,
        "go",
        deployed["deployment"],
    )
    assert up.prints(session["id"]) == ["post hello", "•••••• go"]
    assert set(session) == {
        *("id", "project", "deployment", "handler", "state", "trigger", "event_id"),
        *("started_at", "ended_at", "result", "error", "problem", "restarts", "ui", "origin"),
    }
    found = up.ak("event", "get", event)
    assert (found["source"], found["deliveries"][0]["state"]) == ("go", "done")


@pytest.mark.parametrize(("trigger", "suffix", "reason"), [("go", "", "type"), ("picky", "/no", "filter")])
def test_event_that_matches_nothing_is_kept_with_the_reason(up, deployed, trigger, suffix, reason):
    """202 all the same; the delivery says why nothing was started."""
    answer = httpx.get(deployed["webhooks"][trigger] + suffix)
    assert answer.status_code == 202
    found = up.ak("event", "get", answer.headers["AutoKitteh-Event-ID"])
    assert [item["state"] for item in found["deliveries"]] == ["skipped"]
    assert reason in found["deliveries"][0]["reason"]


def test_gateway_answers_404_413_and_health(up, deployed):
    """Unknown slugs, large bodies, and whether it is well."""
    assert httpx.get(f"{up.ready['gateway']}/webhooks/nope").status_code == 404
    assert httpx.post(deployed["webhooks"]["go"], content=b"x" * (512 * 1024 + 1)).status_code == 413
    assert httpx.get(f"{up.ready['gateway']}/healthz").status_code == 200
    assert httpx.get(f"{up.ready['gateway']}/readyz").status_code == 200


def test_event_send_reaches_triggers_of_a_connection(up, deployed):
    """An event sent by hand is like one that came."""
    event = up.ak("event", "send", "cli", "chat", "--type", "message", "--data", '{"body": {"text": "hi"}}')[
        "event_id"
    ]
    assert up.prints(sessions_of(up, event, 1)[0]["id"])[0] == "message hi"
    assert event in [item["id"] for item in up.ak("event", "list", "cli", "--source", "chat")]


def test_stop_runs_finally_and_keeps_the_reason(up, deployed):
    """A stopped session cleaned up; stopping it again is an error."""
    session = up.ak("session", "start", "cli", "main.py:waits", "--memo", "who=me")["id"]
    eventually_sync(lambda: up.prints(session) == ["waiting"])
    eventually_sync(
        lambda: session in [item["id"] for item in up.ak("session", "list", "cli", "--state", "running")]
    )
    assert up.ak("session", "stop", session, "--reason", "enough")["state"] == "stopped"
    assert up.prints(session) == ["waiting", "bye"]
    assert up.run("session", "log", session, "--prints").stdout == "waiting\nbye\n"
    assert [line["text"] for line in up.ak("session", "log", session, "--prints")] == ["waiting", "bye"]
    assert "enough" in up.run("session", "log", session).stdout
    assert up.run("session", "stop", session, check=False).returncode == 1


def test_variables_are_hidden_unless_revealed(up, deployed):
    """Secret values are not listed; they come from standard input as well."""
    listed = up.run("var", "list", "cli").stdout
    assert "TOKEN" in listed
    assert "top-secret-1" not in listed
    assert "top-secret-1" in up.run("var", "list", "cli", "--reveal").stdout
    assert up.ak("var", "list", "cli")[0]["value"] is None
    assert up.ak("var", "set", "cli", "OTHER", "x", "--no-deploy")["deployment"] is None
    assert up.ak("var", "delete", "cli", "OTHER", "--no-deploy")["name"] == "OTHER"


@pytest.mark.parametrize(
    ("arguments", "status"),
    [
        (("session", "get", "ses_nothing"), 4),
        (("event", "get", "evt_nothing"), 4),
        (("var", "list", "no_project"), 4),
        (("session", "start", "no_project", "main.py:f"), 4),
        (("event", "send", "cli", "no_source"), 4),
        (("session", "list", "--state", "asleep"), 2),
        (("session", "start", "cli", "main.py:f", "--data", "{"), 2),
        (("nonsense",), 2),
        (("deploy", "/nowhere/at/all"), 1),
        (("manifest", "validate", "/nowhere/at/all"), 4),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else str(value),
)
def test_exit_status_says_what_kind_of_error(up, deployed, arguments, status):
    """1 failure, 2 usage, 4 not found; one message, no traceback."""
    done = up.run(*arguments, check=False)
    assert done.returncode == status, done.stderr
    assert "Traceback" not in done.stderr
    assert done.stderr.strip()


def test_manifest_commands(up, tmp_path):
    """Problems as documented JSON with status 1; the schema is a JSON document."""
    bad = write(tmp_path / "bad", "bad", {"main.py": ""}, triggers="- {name: t, type: hook}")
    done = up.run("manifest", "validate", str(bad), "--json", check=False)
    answer = json.loads(done.stdout)
    assert (done.returncode, answer["valid"]) == (1, False)
    assert {"path", "line", "column", "code", "message"} <= set(answer["problems"][0])
    good = write(tmp_path / "good", "good", {"main.py": "def on_event(e): pass\n"})
    assert up.ak("manifest", "validate", str(good / "autokitteh.yaml")) == {"valid": True, "problems": []}
    assert up.ak("manifest", "schema")["title"] == "autokitteh.yaml"


@pytest.mark.parametrize(
    "command", ["", "up", "deploy", "worker", "gateway", "session start", "event send", "var set", "manifest"]
)
def test_help_is_there_for_everything(up, command):
    """Every command explains itself."""
    done = up.run(*command.split(), "--help")
    assert "Usage" in done.stdout


def test_deploy_without_a_worker_is_refused(tmp_path):
    """Nothing is written when nobody would carry it out."""
    from tests.helpers.ak import AkUp

    alone = AkUp(tmp_path / "home")
    project = write(tmp_path / "p", "lonely", {"main.py": "def on_event(e): pass\n"})
    done = alone.run("deploy", str(project), check=False)
    assert done.returncode == 1
    assert "ak up" in done.stderr
    assert alone.ak("event", "list") == []
