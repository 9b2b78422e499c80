"""Plans on the whole system: what they say, when they ask, what is kept. The texts are golden files."""

from __future__ import annotations

import contextlib
import json
import os
import pty
import select
import subprocess
import time

import httpx
import pytest

from tests.helpers import golden
from tests.helpers.ak import AK, CommandError
from tests.helpers.projects import write
from tests.helpers.waiting import eventually_sync

CODE = """
import autokitteh

def on_event(event):
    return "one"

def waits(event):
    source = autokitteh.subscribe("chat")
    print("waiting")
    return autokitteh.next_event(source)
"""
FIRST = """
vars:
  - {name: MODE, value: fast, description: how}
  - {name: TOKEN, value: first-secret-value, secret: true}
  - {name: OLD, value: "1"}
connections:
  - {name: chat, integration: slack, vars: [{name: room, value: general}]}
  - {name: code, integration: github}
"""
FIRST_TRIGGERS = """
- {name: hook, type: webhook, call: "main.py:on_event"}
- {name: talk, connection: chat, event_type: message, call: "main.py:on_event"}
- {name: nightly, schedule: "0 9 * * 1-5", timezone: Europe/Berlin, call: "main.py:on_event"}
- {name: fed, type: webhook}
"""
SECOND = """
display_name: The shop
vars:
  - {name: MODE, value: slow, description: why}
  - {name: TOKEN, value: second-secret-value, secret: true}
  - {name: NEW, value: "a long value that has more characters than a line of a plan should have"}
connections:
  - {name: chat, integration: discord}
"""
SECOND_TRIGGERS = """
- {name: hook, schedule: "@hourly", call: "main.py:on_event"}
- {name: talk, connection: chat, filter: 'data.text == "hi"', call: "main.py:on_event", is_durable: false}
- {name: nightly, schedule: "@daily", timezone: Europe/Paris, overlap: skip, call: "main.py:on_event"}
"""


def first(directory, name, **files):
    """The project as it begins."""
    return write(directory, name, {"main.py": CODE, **files}, triggers=FIRST_TRIGGERS, extra=FIRST)


def second(directory, name):
    """The same, changed in every way; one file more, one less."""
    (directory / "notes.txt").unlink()
    files = {"main.py": CODE.replace('"one"', '"two"'), "helper.py": "X = 1\n"}
    return write(directory, name, files, triggers=SECOND_TRIGGERS, extra=SECOND)


def test_plans_say_what_changes(up, tmp_path):
    """A new project, nothing, everything: as text for a reviewer and as JSON; the secret is in neither."""
    project = first(tmp_path / "p", "plan_shop", **{"notes.txt": "x"})
    golden.check(up.run("manifest", "plan", str(project)).stdout, "plan/new")
    golden.check(up.run("deploy", str(project)).stdout, "plan/deploy_new")
    golden.check(up.run("manifest", "plan", str(project)).stdout, "plan/nothing")
    assert up.ak("manifest", "plan", str(project))["actions"] == []
    assert up.ak("deploy", str(project))["changed"] is False
    second(project, "plan_shop")
    text = up.run("manifest", "plan", str(project)).stdout
    golden.check(text, "plan/changed")
    answer = up.ak("manifest", "plan", str(project))
    golden.check(json.dumps(answer, indent=2, ensure_ascii=False), "plan/changed_json")
    deployed = up.run("deploy", str(project), "--json")
    assert "secret-value" not in text + json.dumps(answer) + deployed.stdout + deployed.stderr
    assert json.loads(deployed.stdout)["actions"] == answer["actions"]
    assert up.ak("manifest", "plan", str(project))["actions"] == []


def test_what_is_in_use_is_not_taken_away_unasked(up, tmp_path):
    """A trigger with an event today and a connection that a session waits on: refused, by name, until --yes."""
    project = first(tmp_path / "p", "plan_used")
    deployed = up.ak("deploy", str(project))
    assert httpx.post(deployed["webhooks"]["hook"]).status_code == 202
    session = up.ak("session", "start", "plan_used", "main.py:waits")["id"]
    eventually_sync(lambda: up.prints(session) == ["waiting"])
    write(project, "plan_used", {"main.py": CODE}, triggers="- {name: fed, type: webhook}")
    golden.check(up.run("manifest", "plan", str(project)).stdout, "plan/in_use")
    with pytest.raises(CommandError) as refused:
        up.run("deploy", str(project))
    assert refused.value.status == 1
    golden.check(refused.value.stderr, "plan/refused")
    done = up.run("deploy", str(project), "--json", check=False)
    assert json.loads(done.stdout)["error"]["code"] == "AK1102"
    before = up.ak("manifest", "plan", str(project))
    assert len(before["in_use"]) == 2
    assert up.ak("deploy", str(project), "--yes")["changed"] is True
    assert up.ak("manifest", "plan", str(project))["actions"] == []
    assert httpx.post(deployed["webhooks"]["hook"]).status_code == 404
    up.ak("session", "stop", session)


def on_terminal(up, *arguments: str, answer: str) -> tuple[int, str]:
    """Run a command at a terminal, and answer its question; returns status and all it showed."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [AK, *arguments], env=up.environment, stdin=theirs, stdout=theirs, stderr=theirs, close_fds=True
    )
    os.close(theirs)
    shown, end = b"", time.monotonic() + 60
    with contextlib.suppress(OSError):  # Linux says so when the other end is closed
        while time.monotonic() < end:
            if select.select([ours], [], [], 1)[0]:
                shown += os.read(ours, 4096)
                if shown.rstrip().endswith(b"[y/N]"):
                    os.write(ours, answer.encode() + b"\n")
                    shown += b"\n"
    status = process.wait(60)
    os.close(ours)
    return status, shown.decode()


def test_question_at_a_terminal(up, tmp_path):
    """No leaves everything as it is; yes goes on."""
    project = first(tmp_path / "p", "plan_asked")
    deployed = up.ak("deploy", str(project))
    assert httpx.post(deployed["webhooks"]["hook"]).status_code == 202
    write(project, "plan_asked", {"main.py": CODE}, triggers="- {name: fed, type: webhook}")
    status, shown = on_terminal(up, "deploy", str(project), answer="n")
    assert (status, "deletes trigger hook: 1 event in the last day" in shown) == (1, True), shown
    assert httpx.post(deployed["webhooks"]["hook"]).status_code == 202
    status, shown = on_terminal(up, "deploy", str(project), answer="y")
    assert (status, "plan_asked deployed" in shown) == (0, True), shown
    assert httpx.post(deployed["webhooks"]["hook"]).status_code == 404


def test_values_set_by_hand_are_kept_and_said(up, tmp_path):
    """Until the manifest's own value changes; a value that was only stored is a reason for a deployment."""
    extra = "vars:\n  - {name: MODE, value: fast}\n"
    code = "import os\ndef on_event(event): return os.getenv('MODE')\n"
    project = write(tmp_path / "p", "plan_hand", {"main.py": code}, extra=extra)
    up.ak("deploy", str(project))
    up.ak("var", "set", "plan_hand", "MODE", "mine", "--no-deploy")
    golden.check(up.run("manifest", "plan", str(project)).stdout, "plan/by_hand")
    assert up.ak("deploy", str(project))["changed"] is True
    run = lambda: up.ak("session", "start", "plan_hand", "main.py:on_event", "--wait")["result"]  # noqa: E731
    assert run() == "mine"
    golden.check(up.run("manifest", "plan", str(project)).stdout, "plan/kept")
    assert up.ak("deploy", str(project))["changed"] is False
    write(project, "plan_hand", {}, extra=extra.replace("fast", "slow"))
    up.ak("deploy", str(project))
    assert run() == "slow"


def test_up_warns_and_does_not_ask(tmp_path):
    """Whoever starts ``ak up`` with a directory wants what it says."""
    from tests.helpers.ak import running

    project = first(tmp_path / "p", "plan_up")
    with running(tmp_path / "home", project) as up:
        assert httpx.post(up.webhook("hook")).status_code == 202
        up.stop()
        write(project, "plan_up", {"main.py": CODE}, triggers="- {name: fed, type: webhook}")
        up.start()
        assert list(up.ready["deployments"][0]["webhooks"]) == ["fed"]
        assert "deletes trigger hook: 1 event in the last day" in up.log()
        assert up.stop() == 0
