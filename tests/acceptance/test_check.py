"""`ak deploy --check`: each kind of change that breaks open sessions is found, each that does not is passed.

Sessions are started once; every variant of the code is rehearsed beside their histories, as the command does it.
"""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from temporalio.client import Client

from tests.helpers import golden
from tests.helpers.ak import CommandError
from tests.helpers.projects import write
from tests.helpers.waiting import eventually_sync
from worker.cli.checking import rehearsal
from worker.config import Settings
from worker.payload.converter import data_converter
from worker.store import open_store
from worker.supervisor import boot
from worker.supervisor.checks import Checks
from worker.target import prepare

MAIN = """
import os
import time
import autokitteh
from extra import label

TAGS = {"usr", "etc", "var"}

def on_event(event):
    print("begin")
    mode = os.stat("/tmp").st_mode
    names = os.listdir("/opt")
    if event.data.get("deep"):
        os.listdir("/usr")
    else:
        os.stat("/etc")
    for tag in TAGS:
        os.stat("/" + tag)
    time.sleep(0.2)
    wanted = autokitteh.subscribe("hook", "event_type == 'x'")
    print(label(mode))
    found = autokitteh.next_event(wanted)
    print(found)
    return len(names)
"""
EXTRA = """
def label(mode):
    return f"mode {mode}"
"""
OTHER = """
import os
import time

def on_other(event):
    os.stat("/tmp")
    time.sleep(3600)
"""
FILES = {"main.py": MAIN, "extra.py": EXTRA, "other.py": OTHER}
HANDLERS = ["main.py:on_event", "other.py:on_other"]

BREAKING = {
    "reordered calls": [
        ('    mode = os.stat("/tmp").st_mode\n', ""),
        ('listdir("/opt")\n', 'listdir("/opt")\n    mode = os.stat("/tmp").st_mode\n'),
    ],
    "removed call": [('os.listdir("/opt")', "[]")],
    "new call before a wait": [("    found = ", '    os.stat("/srv")\n    found = ')],
    "renamed handler": [("on_event(", "on_hook(")],
    "changed signature": [("on_event(event)", "on_event(event, reason)")],
    "other branch": [('if event.data.get("deep")', 'if not event.data.get("deep")')],
    "changed set order": [
        ("for tag in TAGS", "for tag in sorted(TAGS, key=lambda tag: list(TAGS).index(tag) * -1)")
    ],
    "changed sleep": [("time.sleep(0.2)", "time.sleep(0.4)")],
    "removed subscription": [
        ("""    wanted = autokitteh.subscribe("hook", "event_type == 'x'")\n""", ""),
        ("autokitteh.next_event(wanted)", 'autokitteh.next_signal("x")'),
    ],
}
HARMLESS = {
    "comment": [("    mode = ", "    # The mode of the directory.\n    mode = ")],
    "renamed local": [("names", "entries")],
    "new handler": [("def on_event", 'def on_new(event):\n    os.stat("/")\n\ndef on_event')],
    "refactored helper": [
        ('    mode = os.stat("/tmp").st_mode\n', "    mode = mode_of('/tmp')\n"),
        ("def on_event", "def mode_of(path):\n    return os.stat(path).st_mode\n\ndef on_event"),
    ],
    "added print": [("    mode = ", '    print("more")\n    mode = ')],
    "changed text": [('print("begin")', 'print("it begins")')],
    "reformatting": [('    names = os.listdir("/opt")', '    names = os.listdir(\n        "/opt",\n    )')],
    "call after the wait": [("    print(found)", '    os.stat("/srv")\n    print(found)')],
    "type annotations": [("on_event(event)", "on_event(event: autokitteh.Event) -> int")],
    "docstring": [("on_event(event):", 'on_event(event):\n    """Handle it."""')],
}


class Rig:
    """Open sessions of one project, and the code they are looked at with."""

    def __init__(self, up, directory: Path) -> None:
        self.up = up
        self.directory = directory
        self.count = 0

    def variant(self, **files: str) -> Path:
        """The project with other files."""
        self.count += 1
        path = self.directory / f"v{self.count}"
        handler = "on_event" if "def on_event(" in files["main.py"] else "on_hook"
        triggers = f"- {{name: hook, type: webhook, call: 'main.py:{handler}'}}"
        return write(path, "checked", files, triggers=triggers)

    def look(self, path: Path) -> dict[str, dict]:
        """What the check says, by handler."""
        found = Settings.load({**self.up.environment})

        async def ask() -> dict[str, dict]:
            """By the product's own path, in this process."""
            store = open_store(found.database_url, secret_key=found.installation_key())
            try:
                client = await Client.connect(
                    self.up.ready["temporal"], data_converter=data_converter(store.blobs)
                )
                ready = prepare(path, store)
                launch = boot.rehearse(
                    rehearsal(ready), ready.packed.content, store, found, self.up.ready["gateway"], print
                )
                report = await Checks(client, store, launch).run()
                return {item.handler: item.to_json() for item in report.sessions}
            finally:
                store.close()

        return asyncio.run(ask())


def edited(changes: list[tuple[str, str]]) -> str:
    """The handler's file with changes; each must change something."""
    text = MAIN
    for old, new in changes:
        assert old in text, old
        text = text.replace(old, new)
    return text


@pytest.fixture(scope="module")
def rig(up, tmp_path_factory):
    """Two sessions that wait, of two handlers."""
    made = Rig(up, tmp_path_factory.mktemp("checked"))
    up.ak("deploy", str(made.variant(**FILES)))
    sessions = [up.ak("session", "start", "checked", handler)["id"] for handler in HANDLERS]
    eventually_sync(lambda: any(line.startswith("mode") for line in up.prints(sessions[0])), 30)
    eventually_sync(lambda: "os.stat" in str(up.ak("session", "log", sessions[1])), 30)
    return made


@pytest.mark.parametrize("kind", BREAKING)
def test_breaking_change_is_found(rig, kind):
    """The session that would break is named, with both places; the other one moves."""
    found = rig.look(rig.variant(**{**FILES, "main.py": edited(BREAKING[kind])}))
    assert found["main.py:on_event"]["verdict"] == "breaks", found
    assert found["main.py:on_event"]["difference"]["line"].startswith("recorded ")
    assert found["other.py:on_other"]["verdict"] == "moves"


def test_deleted_module_is_found(rig):
    """A handler whose file is gone: its session would end."""
    files = {name: text for name, text in FILES.items() if name != "other.py"}
    found = rig.look(rig.variant(**files))
    assert found["other.py:on_other"]["verdict"] == "breaks"
    assert "the session ends" in found["other.py:on_other"]["reason"]
    assert found["main.py:on_event"]["verdict"] == "moves"


@pytest.mark.parametrize("kind", HARMLESS)
def test_harmless_change_is_passed(rig, kind):
    """The session could go on with this code."""
    found = rig.look(rig.variant(**{**FILES, "main.py": edited(HARMLESS[kind])}))
    assert [item["verdict"] for item in found.values()] == ["moves", "moves"], found


def test_new_module_is_passed(rig):
    """A file more, used by the handler."""
    main = edited([("from extra import label", "from extra import label\nimport more")])
    found = rig.look(rig.variant(**{**FILES, "main.py": main, "more.py": "LIMIT = 3\n"}))
    assert {"moves"} == {item["verdict"] for item in found.values()}


def test_other_arguments_leave_the_session_where_it_is(rig):
    """The answers a session has belong to what it asked: it stays, and nothing is called broken."""
    found = rig.look(rig.variant(**{**FILES, "main.py": edited([('listdir("/opt")', 'listdir("/srv")')])}))
    assert found["main.py:on_event"]["verdict"] == "stays"
    assert "/srv" in str(found["main.py:on_event"]["difference"]["rows"])


def states(rig) -> list[tuple[str, str, str]]:
    """The sessions, with their state and the deployment they are on."""
    found = rig.up.ak("session", "list", "checked")
    return [(item["id"], item["state"], item["deployment"]) for item in found]


def test_check_prints_what_would_break_and_changes_nothing(rig):
    """The command's text is a golden file; its status is 1; the deployment stays as it was."""
    before = states(rig)
    path = rig.variant(**{**FILES, "main.py": edited(BREAKING["removed call"])})
    broken = rig.up.run("deploy", "--check", str(path), check=False)
    assert broken.returncode == 1
    golden.check(broken.stdout, "deploy/check")
    assert states(rig) == before
    with pytest.raises(CommandError) as as_json:
        rig.up.ak("deploy", "--check", str(path))
    assert '"breaks": 1' in as_json.value.stdout


def test_check_passes_harmless_code_with_status_0(rig):
    """The command for a change that moves everything."""
    path = rig.variant(**{**FILES, "main.py": edited(HARMLESS["comment"])})
    assert (rig.up.ak("deploy", "--check", str(path))["moves"]) == 2
    some = rig.up.ak("deploy", "--check", str(path), "--limit", "1")
    assert (len(some["sessions"]), some["unchecked"]) == (1, 1)


def test_check_of_code_that_does_not_load_names_the_line(rig):
    """What cannot be loaded is refused as a deploy would refuse it."""
    path = rig.variant(**{**FILES, "main.py": edited([("from extra", "from nowhere")])})
    with pytest.raises(CommandError) as refused:
        rig.up.ak("deploy", "--check", str(path))
    assert "AK1101: main.py:5" in refused.value.stderr
