"""Shell completion: installed into a home of its own, and asked as bash asks, for commands, names and ids."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import httpx
import pytest

from tests.helpers.ak import AK
from tests.helpers.projects import write
from tests.helpers.waiting import eventually_sync

TRIGGERS = """
- {name: hook, type: webhook, call: "main.py:on_event"}
- {name: talk, connection: chat, event_type: message, call: "main.py:on_event"}
"""
EXTRA = """
vars: [{name: GREETING, value: hello}]
connections: [{name: chat, integration: slack, vars: [{name: room, value: general}]}]
"""


@pytest.fixture(scope="module")
def shop(up, tmp_path_factory):
    """What a project has: a deployment, an event, a session and a value."""
    project = tmp_path_factory.mktemp("shop") / "p"
    write(
        project, "corner_shop", {"main.py": "def on_event(e): print('x')\n"}, triggers=TRIGGERS, extra=EXTRA
    )
    deployed = up.ak("deploy", str(project))
    event = httpx.post(deployed["webhooks"]["hook"], json={}).headers["AutoKitteh-Event-ID"]
    [session] = eventually_sync(
        lambda: up.ak("session", "list", "--event", event, "--state", "completed"), 60
    )
    up.ak("value", "set", "corner_shop", "stock", "1")
    return {"deployment": deployed["deployment"], "event": event, "session": session["id"]}


def completed(environment: dict[str, str], line: str) -> list[str]:
    """What bash is told for a line that was begun."""
    words = {"_AK_COMPLETE": "complete_bash", "COMP_WORDS": line, "COMP_CWORD": str(line.count(" "))}
    done = subprocess.run([AK], env=environment | words, capture_output=True, text=True, check=False)
    assert done.stderr == ""
    return done.stdout.split()


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("ak project delete cor", "corner_shop"),
        ("ak session start cor", "corner_shop"),
        ("ak deployment get cor", "corner_shop"),
        ("ak trigger get corner_shop ho", "hook"),
        ("ak trigger rename corner_shop ho", "hook"),
        ("ak connection test corner_shop ch", "chat"),
        ("ak var set corner_shop GR", "GREETING"),
        ("ak var set corner_shop --connection chat ro", "room"),
        ("ak var delete corner_shop --connection ch", "chat"),
        ("ak value get corner_shop st", "stock"),
        ("ak event send corner_shop ch", "chat"),
        ("ak deployment activate dep_", "deployment"),
        ("ak session get ses_", "session"),
        ("ak event explain evt_", "event"),
    ],
)
def test_names_and_ids_are_completed(up, shop, line, expected):
    """Those of the project that was typed before, where it matters."""
    assert shop.get(expected, expected) in completed(up.environment, line)


def test_nothing_is_offered_where_nothing_is(tmp_path):
    """No installation, no project of the name: no word, no error, and nothing is made."""
    home = {**os.environ, "AK_HOME": str(tmp_path / "none")}
    assert completed(home, "ak project delete ") == []
    assert completed(home, "ak session log ") == []
    assert not (tmp_path / "none").exists()


def test_completion_is_installed_for_bash(up, shop, tmp_path):
    """``ak --install-completion`` writes to the home of who asks; a new shell completes by itself."""
    environment = up.environment | {
        "HOME": str(tmp_path),
        "PATH": f"{Path(AK).parent}:{os.environ['PATH']}",
        "SHELL": shutil.which("bash") or "bash",
    }
    shell = ["bash", "--norc", "-c", "ak --install-completion; exit $?"]
    done = subprocess.run(shell, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "completion installed" in done.stdout
    assert (tmp_path / ".bashrc").exists()
    asks = "; ".join(
        [
            f"source {tmp_path}/.bashrc",
            "complete -p ak",
            "COMP_WORDS=(ak project get cor) COMP_CWORD=3",
            '"$(complete -p ak | sed "s/.*-F \\([^ ]*\\).*/\\1/")" ak cor get',
            'echo "${COMPREPLY[@]}"',
        ]
    )
    done = subprocess.run(
        ["bash", "--norc", "-c", asks], env=environment, capture_output=True, text=True, check=False
    )
    assert done.stdout.splitlines()[-1] == "corner_shop", (done.stdout, done.stderr)
