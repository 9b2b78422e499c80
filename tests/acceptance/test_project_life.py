"""Names of triggers, and the life of a project from list to delete; the texts are golden files."""

from __future__ import annotations

import re
import zipfile

import httpx
import pytest

from tests.helpers import golden
from tests.helpers.ak import CommandError
from tests.helpers.projects import write
from tests.helpers.remains import asked, cwd_of, rows_of, schedules
from tests.helpers.waiting import eventually_sync

CODE = """
import os, time
import autokitteh

URL = autokitteh.get_webhook_url("hook")

def on_event(event):
    return event.trigger

def waits(event):
    sub = autokitteh.subscribe("hook")
    print("waiting")
    try:
        got = autokitteh.next_event(sub)
        later = autokitteh.subscribe("hook")
        print(got["method"], URL == autokitteh.get_webhook_url("hook"))
    finally:
        print("bye")
"""
TRIGGERS = """
- {name: hook, type: webhook, call: "main.py:on_event"}
- {name: nightly, schedule: "0 9 * * 1-5", timezone: Europe/Berlin, call: "main.py:on_event"}
- {name: talk, connection: chat, event_type: message, filter: data.x == 1, call: "main.py:on_event"}
"""
EXTRA = """
display_name: The shop
vars:
  - {name: TOKEN, value: some-secret-value, secret: true}
connections:
  - {name: chat, integration: slack, vars: [{name: room, value: general}]}
"""


def shop(directory, name, triggers=TRIGGERS):
    """A project with a trigger of each kind."""
    return write(directory, name, {"main.py": CODE, "data/list.txt": "a\n"}, triggers=triggers, extra=EXTRA)


def test_triggers_are_listed_and_shown(up, tmp_path):
    """All of a trigger: what fires it, its URL, what it starts, its last event."""
    deployed = up.ak("deploy", str(shop(tmp_path / "p", "life_list")))
    eventually_sync(lambda: up.ak("trigger", "get", "life_list", "nightly")["next_at"])
    listed = re.sub(
        r"in \d+ (d|h|min)( \d+ (h|min|s))?\b", "in 8 h", up.run("trigger", "list", "life_list").stdout
    )
    listed = re.sub(r"(in 8 h) +", r"\1   ", listed)
    golden.check(listed, "trigger/list")
    golden.check(up.run("trigger", "get", "life_list", "talk").stdout, "trigger/get_connection")
    assert httpx.post(deployed["webhooks"]["hook"]).status_code == 202
    hook = eventually_sync(
        lambda: "pending" not in (text := up.run("trigger", "get", "life_list", "hook").stdout) and text
    )
    golden.check(hook, "trigger/get")
    found = up.ak("trigger", "get", "life_list", "nightly")
    assert (found["schedule"], found["timezone"], found["last_event"]) == (
        "0 9 * * 1-5",
        "Europe/Berlin",
        None,
    )
    missing = up.run("trigger", "get", "life_list", "hok", check=False)
    assert (missing.returncode, "hook" in missing.stderr) == (4, True)


def test_a_schedule_says_when_it_fires_and_that_it_is_paused(up, tmp_path):
    """In its own zone, the pause with its reason, what was left out; never again where no time is left."""
    past = TRIGGERS + '- {name: past, schedule: "0 9 1 1 * 2020", call: main.py:on_event}\n'
    past += '- {name: zoned, schedule: "CRON_TZ=Asia/Tokyo 0 9 * * *", call: main.py:on_event}\n'
    up.ak("deploy", str(shop(tmp_path / "p", "life_fires", past)))
    eventually_sync(lambda: len(schedules(up, "life_fires")) == 3)

    def told(name):
        return up.run("trigger", "get", "life_fires", name).stdout

    assert re.search(r"fires next +\w{3} \d{4}-\d\d-\d\d 09:00:00 CES?T, in \d+ ", told("nightly"))
    assert re.search(r"fires next +\w{3} \d{4}-\d\d-\d\d 09:00:00 JST, in \d+ ", told("zoned"))
    assert re.search(r"fires next +never again", told("past"))
    assert "paused" not in told("nightly")
    asked(up, lambda client: client.get_schedule_handle("life_fires:nightly").pause(note="until Monday"))
    assert re.search(r"paused +yes \(until Monday\)", told("nightly"))
    rows = up.run("trigger", "list", "life_fires").stdout.splitlines()
    assert [" paused " in row for row in rows if "nightly" in row] == [True]
    assert [" never again " in row for row in rows if "past" in row] == [True]
    up.ak("deploy", str(shop(tmp_path / "p", "life_fires", past.replace("0 9 * * 1-5", "5 9 * * 1-5"))))
    found = up.ak("trigger", "get", "life_fires", "nightly")
    assert (found["schedule"], found["paused"], found["note"]) == ("5 9 * * 1-5", True, "until Monday")


def test_rename_then_manifest(up, tmp_path):
    """The URL, a schedule's pause and who waits go along; code from before knows the trigger by its old name."""
    project = shop(tmp_path / "p", "life_first")
    url = up.ak("deploy", str(project))["webhooks"]["hook"]
    session = up.ak("session", "start", "life_first", "main.py:waits")["id"]
    eventually_sync(lambda: up.prints(session) == ["waiting"])
    pause = lambda client: client.get_schedule_handle("life_first:nightly").pause(note="mine")  # noqa: E731
    eventually_sync(lambda: "life_first:nightly" in schedules(up, "life_first"))
    asked(up, pause)
    golden.check(up.run("trigger", "rename", "life_first", "hook", "inbound").stdout, "trigger/rename")
    up.run("trigger", "rename", "life_first", "nightly", "report")
    assert up.ak("deploy", str(project))["changed"] is False
    assert up.ak("trigger", "get", "life_first", "inbound")["becomes"] == "inbound"
    renamed = TRIGGERS.replace("name: hook", "name: inbound").replace("name: nightly", "name: report")
    shop(project, "life_first", renamed)
    golden.check(up.run("manifest", "plan", str(project)).stdout, "trigger/plan")
    assert up.ak("deploy", str(project))["webhooks"] == {"inbound": url}
    answer = httpx.get(url)
    assert answer.status_code == 202
    ended = eventually_sync(lambda: (s := up.ak("session", "get", session))["ended_at"] and s)
    assert ended["state"] == "completed", ended
    assert up.prints(session) == ["waiting", "GET True", "bye"]
    event = answer.headers["AutoKitteh-Event-ID"]
    both = eventually_sync(
        lambda: len(s := up.ak("session", "list", "--event", event, "--state", "completed")) == 2 and s
    )
    [started] = [item["id"] for item in both if item["handler"] == "main.py:on_event"]
    assert up.ak("session", "get", started)["result"] == "inbound"
    eventually_sync(lambda: schedules(up, "life_first") == ["life_first:report"])
    describe = lambda client: client.get_schedule_handle("life_first:report").describe()  # noqa: E731
    state = asked(up, describe).schedule.state
    assert (state.paused, state.note) == (True, "mine")


def test_manifest_then_rename(up, tmp_path):
    """The trigger that came in its place gets the URL; one that had events on its own is asked about."""
    project = shop(tmp_path / "p", "life_second")
    old = up.ak("deploy", str(project))["webhooks"]["hook"]
    shop(project, "life_second", TRIGGERS.replace("name: hook", "name: inbound"))
    fresh = up.ak("deploy", str(project))["webhooks"]["inbound"]
    assert fresh != old
    assert httpx.get(old).status_code == 404
    assert httpx.get(fresh).status_code == 202
    refused = up.run("trigger", "rename", "life_second", "hook", "inbound", check=False)
    assert refused.returncode == 1
    golden.check(refused.stderr, "trigger/rename_refused")
    answer = up.ak("trigger", "rename", "life_second", "hook", "inbound", "--yes")
    assert (answer["state"], answer["webhook"]) == ("moved", old)
    assert httpx.get(old).status_code == 202
    unchanged = up.ak("deploy", str(project))
    assert (unchanged["changed"], unchanged["webhooks"]) == (False, {"inbound": old})
    assert up.ak("trigger", "rename", "life_second", "hook", "inbound")["state"] == "done"
    assert up.run("trigger", "rename", "life_second", "nope", "inbound", check=False).returncode == 4
    assert up.run("trigger", "rename", "life_second", "inbound", "no name", check=False).returncode == 2
    assert up.run("trigger", "rename", "life_second", "inbound", "talk", check=False).returncode == 1


def test_project_is_listed_shown_and_exported(up, tmp_path):
    """What runs, what it has, and its files as they were deployed."""
    project = shop(tmp_path / "p", "life_shown")
    deployed = up.ak("deploy", str(project))
    [listed] = [item for item in up.ak("project", "list") if item["name"] == "life_shown"]
    assert (listed["state"], listed["deployment"], listed["triggers"]) == (
        "active",
        deployed["deployment"],
        3,
    )
    assert "life_shown" in up.run("project", "list").stdout
    golden.check(up.run("project", "get", "life_shown").stdout, "project/get")
    assert "some-secret-value" not in up.run("project", "get", "life_shown", "--json").stdout
    (project / "main.py").write_text("def on_event(e): ...\n")
    answer = up.ak("project", "export", "life_shown", "--to", str(tmp_path / "out"))
    assert answer["files"] == ["autokitteh.yaml", "data/list.txt", "main.py"]
    assert (tmp_path / "out" / "main.py").read_text() == CODE
    assert up.ak("manifest", "plan", str(tmp_path / "out"))["actions"] == []
    refused = up.run("project", "export", "life_shown", "--to", str(tmp_path / "out"), check=False)
    assert (refused.returncode, "--force" in refused.stderr) == (1, True)
    up.run("project", "export", "life_shown", "--to", str(tmp_path / "out"), "--force")
    up.run("project", "export", "life_shown", "--to", str(tmp_path / "out.zip"))
    with zipfile.ZipFile(tmp_path / "out.zip") as packed:
        assert packed.namelist() == answer["files"]
        assert packed.read("main.py").decode() == CODE
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out", "out.zip", "p"]
    assert up.run("project", "get", "no_such", check=False).returncode == 4


def test_deleted_project_leaves_nothing_behind(up, tmp_path):
    """Refused while a session is open; with --force it is stopped, and rows, schedules, histories, processes are gone."""
    project = shop(tmp_path / "p", "life_gone")
    deployed = up.ak("deploy", str(project))
    up.ak("value", "set", "life_gone", "k", "1")
    event = httpx.get(deployed["webhooks"]["hook"]).headers["AutoKitteh-Event-ID"]
    eventually_sync(lambda: up.ak("session", "list", "--event", event, "--state", "completed"))
    session = up.ak("session", "start", "life_gone", "main.py:waits")["id"]
    eventually_sync(lambda: up.prints(session) == ["waiting"])
    eventually_sync(lambda: up.ak("project", "get", "life_gone")["open_sessions"] == 1)
    eventually_sync(lambda: schedules(up, "life_gone"))
    golden.check(up.run("project", "delete", "life_gone", check=False).stderr, "project/delete_unasked")
    with pytest.raises(CommandError) as refused:
        up.run("project", "delete", "life_gone", "--yes")
    golden.check(refused.value.stderr, "project/delete_open")
    assert up.ak("project", "get", "life_gone")["open_sessions"] == 1
    assert len(up.ak("trigger", "list", "life_gone")) == 3
    removed = up.ak("project", "delete", "life_gone", "--force")
    assert (removed["sessions_stopped"], removed["schedules"], removed["builds"]) == (
        1,
        1,
        [deployed["build"]],
    )
    assert rows_of(up, "life_gone") == {}
    assert schedules(up, "life_gone") == []
    assert httpx.get(deployed["webhooks"]["hook"]).status_code == 404
    gone = up.run("session", "list", "life_gone", "--state", "running", check=False)
    assert (gone.returncode, "there is no project life_gone" in gone.stderr) == (4, True)
    eventually_sync(lambda: up.ak("session", "list", "life_gone") == [])
    eventually_sync(lambda: not [pid for pid in up.build_pids() if deployed["build"] in cwd_of(pid)])
    assert not (up.home / "builds" / deployed["build"]).exists()
    assert up.run("project", "delete", "life_gone", "--yes", check=False).returncode == 4
    again = up.ak("deploy", str(project))
    assert again["webhooks"]["hook"] != deployed["webhooks"]["hook"]
    started = up.ak("session", "start", "life_gone", "main.py:on_event", "--wait")
    assert started["state"] == "completed"
