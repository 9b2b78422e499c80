"""What an operator's commands print, success and the failures that matter most, as golden files that a reviewer reads."""

from __future__ import annotations

import os
import re
import signal
import subprocess
from collections.abc import Callable
from functools import partial

import pytest

from tests.helpers import golden
from tests.helpers.ak import AK, AkUp, environment
from tests.helpers.projects import write
from tests.helpers.transcripts import steady, typed
from tests.helpers.vendor import serving
from tests.helpers.waiting import eventually_sync

CODE = """
import autokitteh

def on_event(event):
    return event.trigger

def waits(event):
    autokitteh.set_value("orders", {"open": 2})
    autokitteh.next_signal("go")
"""
EXTRA = """
vars:
  - {name: GREETING, value: hello, description: What is said first}
  - {name: TOKEN, secret: true}
connections:
  - {name: chat, integration: slack}
"""
BROKEN = """
version: v2
project:
  name: texts
  vars:
    - {name: 9LIVES, value: "1"}
  triggers:
    - {name: hook, type: webhook, call: "main.py:on_evnt"}
    - {name: hook, schedule: "61 * * * *", call: "main.py:on_event", filter: "data.x =="}
"""


OTHERS = r"; Temporal keeps .*|Projects: .*|Deploy one: .*"  # which other projects there are


@pytest.fixture(scope="module", autouse=True)
def nothing_yet(up):
    """What the first command of all says."""
    typed(up, "life/project-none", "ak project list", "ak var list texts")


@pytest.fixture
def project(up, tmp_path, request):
    """A deployed project of the test's own; tests run in any order."""
    name = request.node.name.removeprefix("test_")
    made = write(tmp_path / "p", name, {"main.py": CODE}, extra=EXTRA)
    up.ak("deploy", str(made))
    return made


@pytest.fixture
def type_(up, tmp_path, project) -> Callable[..., str]:
    """Type commands, and compare what they print with a golden file."""
    return partial(typed, up, unlike=OTHERS, DIR=project, TMP=tmp_path)


def test_variables(type_):
    """Set, list, delete; secrets hidden; what is refused."""
    text = type_(
        "life/var",
        "ak var list variables",
        "ak var set variables GREETING hi",
        "ak var set variables TOKEN --secret --no-deploy < a-token-nobody-sees",
        "ak var set variables SHORT --secret --no-deploy < abc",
        "ak var list variables",
        "ak var list variables --reveal",
        "ak var delete variables SHORT --no-deploy",
        "ak var delete variables GREETING --no-deploy",
        "ak var delete variables NOTHING",
        "ak var set variables 9LIVES x",
        "ak var set nowhere A x",
        "ak var set variables TOKEN",
    )
    assert text.count("a-token-nobody-sees") == 1


def test_connections(type_, project):
    """List, get, set, init without a terminal, test with a token that is wrong and one that is right."""
    with serving() as vendor:
        vendor.answers = {
            "/auth.test": [
                {"ok": False, "error": "invalid_auth"},
                {"ok": True, "url": "https://team.example", "team": "T", "user": "bot"},
            ]
        }
        type_(
            "life/connection",
            "ak connection list connections",
            "ak connection test connections chat",
            "ak connection init connections chat",
            "ak connection init connections chat BotToken=@missing.txt",
            "ak connection set connections chat BotToken=- < xoxb-a-token-nobody-sees",
            "ak connection get connections chat",
            f"ak connection test connections chat --argument base_url={vendor.url}/",
            f"ak connection test connections chat --argument base_url={vendor.url}/",
            "ak connection list connections",
            "ak connection get connections nobody",
        )


def test_values(type_, up):
    """Values that sessions and people set."""
    session = up.ak("session", "start", "values", "main.py:waits")["id"]
    eventually_sync(lambda: up.ak("value", "list", "values"))
    type_(
        "life/value",
        "ak value list values",
        "ak value get values orders",
        "ak value set values limit 5",
        "ak value set values limit not-json",
        "ak value get values nothing",
        "ak value delete values limit",
        "ak value delete values limit",
    )
    up.ak("session", "stop", session)


def test_deployments(type_, up, project):
    """Go back to an earlier one, take no new work, and what is refused."""
    first = up.ak("deployment", "list", "deployments")[0]["id"]
    write(project, "deployments", {"main.py": CODE + "\nMORE = 1\n"}, extra=EXTRA)
    up.ak("deploy", str(project))
    type_(
        "life/deployment",
        f"ak deployment activate {first}",
        f"ak deployment activate {first}",
        "ak deployment deactivate deployments",
        "ak deployment deactivate deployments",
        f"ak deployment activate {first}",
        "ak deployment activate dep_00000000000000000000000000",
        "ak deployment list nowhere",
    )
    up.ak("deploy", str(project))


def test_projects(type_, up, tmp_path):
    """An export, a deletion, names that are wrong."""
    (tmp_path / "taken").mkdir()
    (tmp_path / "taken" / "file").write_text("mine")
    text = type_(
        "life/project",
        "ak project get projects",
        f"ak project export projects --to {tmp_path}/out",
        f"ak project export projects --to {tmp_path}/taken",
        "ak trigger list projects",
        "ak trigger get projects nothing",
        "ak trigger rename projects go go",
        "ak trigger rename projects nothing other",
        "ak project delete projects",
        "ak project delete projects --yes",
        "ak project delete projects --yes",
    )
    assert "projects deleted" in text
    assert "projects" not in [item["name"] for item in up.ak("project", "list")]


def test_manifests(up, tmp_path):
    """Validate and plan: a good one, one with many problems, none at all."""
    write(tmp_path / "good", "fresh", {"main.py": CODE}, extra=EXTRA)
    broken = write(tmp_path / "bad", "texts", {"main.py": CODE})
    (broken / "autokitteh.yaml").write_text(BROKEN)
    typed(
        up,
        "life/manifest",
        f"ak manifest validate {tmp_path}/good",
        f"ak manifest plan {tmp_path}/good",
        f"ak manifest validate {tmp_path}/bad",
        f"ak manifest plan {tmp_path}/bad",
        f"ak manifest validate {tmp_path}/nowhere",
        TMP=tmp_path,
    )


def test_retention(up):
    """What is kept how long, and a cleaning that finds nothing."""
    typed(
        up,
        "life/retention",
        "ak retention show",
        "ak retention run",
        "ak retention run --dry-run",
        unlike=r"there are \d+",
    )


def test_init(up, tmp_path):
    """A new project, one that exists already, a template nobody has."""
    typed(
        up,
        "life/init",
        f"ak init {tmp_path}/hello",
        f"ak init {tmp_path}/hello",
        f"ak init {tmp_path}/nightly --template schedule",
        f"ak init {tmp_path}/other --template nothing",
        f"ak init {tmp_path}/9lives",
        TMP=tmp_path,
    )


def test_doctor(up, project):
    """Silent, and status 0; each thing that is wrong has its line and its remedy."""
    up.home.chmod(0o700)
    done = up.run("doctor", check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    write(
        project,
        "doctor",
        {"main.py": CODE},
        triggers='- {name: talk, connection: chat, event_type: message, call: "main.py:on_event"}',
        extra=EXTRA,
    )
    up.ak("deploy", str(project), "--yes")
    (up.home / "key").chmod(0o644)
    try:
        typed(up, "life/doctor", "ak doctor", settings={"AK_HOMES": "x"})
    finally:
        (up.home / "key").chmod(0o600)
        up.ak("project", "delete", "doctor", "--yes")
    typed(
        up,
        "life/doctor-nothing-runs",
        "ak doctor",
        settings={
            "AK_DATABASE_URL": "postgresql://ak:hidden@127.0.0.1:1/x",
            "TEMPORAL_ADDRESS": "127.0.0.1:1",
        },
    )


@pytest.mark.timeout(120)
def test_watching(tmp_path):
    """``ak up --watch``: a deploy, an error in place, the next save; what it prints to its end."""
    project = write(tmp_path / "p", "watched_texts", {"main.py": "def on_event(event):\n    return 1\n"})
    said = tmp_path / "said"
    with said.open("w") as out:
        watching = subprocess.Popen(
            [AK, "up", str(project), "--watch"],
            env=environment(tmp_path / "home") | {"COLUMNS": "200"},
            stdout=out,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )

    def shows(text: str, count: int = 1) -> None:
        eventually_sync(lambda: said.read_text().count(text) >= count or watching.poll() is not None, 60)

    try:
        shows("ready ")
        (project / "main.py").write_text("def on_event(event):\n    return 2 +\n")
        shows("save again")
        (project / "main.py").write_text("def on_event(event):\n    return 2\n")
        shows("watched_texts deployed   dep_")
        watching.send_signal(signal.SIGINT)
        assert watching.wait(60) == 0
    finally:
        AkUp(tmp_path / "home").kill_everything()
        if watching.poll() is None:
            os.kill(watching.pid, signal.SIGKILL)
            watching.wait()
    text = re.sub(r"/webhooks/\S+", "/webhooks/SLUG", said.read_text())
    text = re.sub(r"^Temporal: .*", "Temporal: …", text)
    golden.check(steady(text), "life/watch", DIR=project, HOME=tmp_path / "home")
