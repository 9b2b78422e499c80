"""What a developer does: begin, save, see it run; connect to a vendor and try the connection."""

from __future__ import annotations

import contextlib
import json
import sqlite3
import subprocess
import sys
import time

import httpx
import pytest

from tests.helpers.ak import AK, AkUp, environment, running
from tests.helpers.projects import write
from tests.helpers.vendor import serving
from tests.helpers.waiting import eventually_sync

SLEEPS = """
    import time

    def on_event(event):
        print("{version} begins")
        time.sleep(event.data.get("seconds", 0))
        print("{version} ends")
        return "{version}"
"""
TOKEN = "xoxb-a-token-nobody-sees"


def ak(home, *arguments: str, text: str = "") -> subprocess.CompletedProcess[str]:
    """A command, with something on standard input."""
    return subprocess.run(
        [AK, *arguments],
        env=environment(home),
        input=text,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    """A watched project."""
    return write(
        tmp_path_factory.mktemp("watched") / "p", "watched", {"main.py": SLEEPS.format(version="one")}
    )


@pytest.fixture(scope="module")
def up(tmp_path_factory, project):
    """``ak init`` and ``ak up --watch`` of what it made and of another project."""
    home = tmp_path_factory.mktemp("up") / "home"
    created = project.parent / "hello"
    assert ak(home, "init", str(created)).returncode == 0
    started = AkUp(home, created, project, "--watch")
    try:
        yield started.start()
        assert started.stop() == 0, started.log()
    finally:
        started.kill_everything()


def test_created_project_runs_and_its_test_passes(up, project):
    """The webhook starts a session; plain pytest runs the test that came with it; nothing is overwritten."""
    created = project.parent / "hello"
    event = httpx.post(f"{up.webhook('hello')}/ada").headers["AutoKitteh-Event-ID"]
    found = eventually_sync(lambda: up.ak("session", "list", "--event", event))
    ended = up.ak("session", "wait", found[0]["id"], "--timeout", "60")
    assert (ended["state"], ended["result"]) == ("completed", "ada")
    assert up.prints(found[0]["id"]) == ["hello ada", "goodbye ada"]
    refused = ak(up.home, "init", str(created))
    assert (refused.returncode, "would be overwritten" in refused.stderr) == (2, True)


@pytest.mark.parametrize("template", ["webhook", "schedule", "slack"])
def test_every_template_is_valid_and_tested(tmp_path, template):
    """Each passes its own test, and its manifest is valid."""
    assert ak(tmp_path / "home", "init", str(tmp_path / "1 new"), "--template", template).returncode == 0
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"],
        cwd=tmp_path / "1 new",
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    assert ak(tmp_path / "home", "manifest", "validate", str(tmp_path / "1 new")).returncode == 0


def test_saved_files_run_and_old_sessions_finish_as_they_began(up, project):
    """A save is a deployment; a syntax error is told with its line, and the next save is tried again."""
    old = up.ak("session", "start", "watched", "main.py:on_event", "--data", '{"seconds": 15}')["id"]
    eventually_sync(lambda: up.prints(old) == ["one begins"])
    (project / "main.py").write_text("def on_event(event:\n    pass\n")
    eventually_sync(lambda: "main.py:1" in up.log(), 20)
    (project / "main.py~").write_text("an editor's")
    write(project, "watched", {"main.py": SLEEPS.format(version="two")})
    saved = time.monotonic()
    eventually_sync(lambda: "watched deployed" in up.log(), 30)
    sys.stdout.write(f"deployed {time.monotonic() - saved:.1f} s after the last save\n")
    new = up.ak("session", "start", "watched", "main.py:on_event", "--wait")
    assert new["result"] == "two"
    assert up.ak("session", "wait", old, "--timeout", "60")["result"] == "one"
    assert up.process.poll() is None


def test_connections_are_set_up_and_tried(up, project):
    """Listed with what they lack, given credentials, tried against the vendor; the token is seen nowhere."""
    other = project.parent / "other"
    write(
        other,
        "other",
        {"main.py": "def on_event(event): pass\n"},
        extra="connections: [{name: chat, integration: slack}, {name: plain, integration: asana}]\n",
    )
    up.ak("deploy", str(other))
    listed = up.ak("connection", "list", "other")
    assert [(c["name"], c["initialized"], c["missing"]) for c in listed] == [
        ("chat", False, ["BotToken"]),
        ("plain", False, ["pat"]),
    ]
    refused = ak(up.home, "connection", "test", "other", "chat")
    assert (refused.returncode, "needs BotToken" in refused.stderr) == (1, True)
    assert ak(up.home, "connection", "init", "other", "chat", text="{}").returncode == 2
    made = ak(up.home, "connection", "init", "other", "chat", "--json", text=json.dumps({"BotToken": TOKEN}))
    assert json.loads(made.stdout)["initialized"] is True
    with serving() as vendor:
        base = f"base_url={vendor.url}/"
        vendor.answers["/auth.test"] = [{"ok": True}, {"ok": False, "error": f"invalid {TOKEN}"}]
        assert up.ak("connection", "test", "other", "chat", "--argument", base) == {
            "name": "chat",
            "tested": True,
            "ok": True,
        }
        failed = ak(up.home, "connection", "test", "other", "chat", "--argument", base)
        assert [header for _, header, _ in vendor.seen] == [f"Bearer {TOKEN}"] * 2
    assert (failed.returncode, "invalid ••••••" in failed.stderr) == (1, True)
    (project.parent / "pat").write_text("an-asana-token\n")
    up.ak("connection", "set", "other", "plain", f"pat=@{project.parent / 'pat'}")
    assert "nothing to test asana with" in up.run("connection", "test", "other", "plain").stdout
    said = up.run("connection", "get", "other", "plain").stdout
    assert ("••••••" in said, "an-asana-token" in said) == (True, False)


def test_shell_completes_commands_and_projects(up):
    """As bash asks for it."""

    def completed(line: str) -> list[str]:
        words = {"_AK_COMPLETE": "complete_bash", "COMP_WORDS": line, "COMP_CWORD": str(line.count(" "))}
        done = subprocess.run([AK], env=up.environment | words, capture_output=True, text=True, check=False)
        return done.stdout.split()

    assert {"up", "deploy", "session", "connection", "init"} <= set(completed("ak "))
    assert completed("ak var list wat") == ["watched"]


def test_doctor_is_silent_until_something_breaks(project, tmp_path):
    """Nothing is said of a healthy installation; a connection without credentials, an open key and a dead worker are."""
    home = tmp_path / "home"
    home.mkdir(mode=0o700)
    with running(home, project) as up:
        quiet = ak(home, "doctor")
        assert (quiet.returncode, quiet.stdout) == (0, "")
        triggers = "- {name: said, connection: chat, call: 'main.py:on_event'}"
        extra = "connections: [{name: chat, integration: slack}]\n"
        files = {"main.py": "def on_event(event): pass\n"}
        up.ak("deploy", str(write(tmp_path / "broken", "broken", files, triggers=triggers, extra=extra)))
        (home / "key").chmod(0o644)
        found = json.loads(ak(home, "doctor", "--json").stdout)
        (home / "key").chmod(0o600)
        assert sorted(item["check"] for item in found) == ["connection", "permissions"]
        assert "Set it up: `ak connection init broken chat`" in [item["remedy"] for item in found]
        text = ak(home, "doctor")
        assert (text.returncode, "broken: chat (slack)" in text.stdout) == (1, True)
        assert up.stop() == 0
        down = {item["check"] for item in json.loads(ak(home, "doctor", "--json").stdout)}
        assert {"worker", "gateway", "connection"} <= down


@pytest.mark.parametrize(("schema", "said"), [(999, "newer version"), (3, "older version")])
def test_doctor_tells_a_database_of_another_version(tmp_path, schema, said):
    """It is left as it is: neither upgraded nor read by rules that are not its own."""
    home = tmp_path / "home"
    assert ak(home, "project", "list").returncode == 0
    with contextlib.closing(sqlite3.connect(home / "autokitteh.db")) as database, database:
        database.execute("UPDATE settings SET value = ? WHERE name = 'schema_version'", (str(schema),))
    [found] = json.loads(ak(home, "doctor", "--json").stdout)
    assert (found["check"], said in found["message"]) == ("store", True)
    with contextlib.closing(sqlite3.connect(home / "autokitteh.db")) as database:
        kept = database.execute("SELECT value FROM settings WHERE name = 'schema_version'").fetchone()
    assert kept == (str(schema),)
