"""Deploying: safe, side by side, and never half done."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.helpers.ak import CommandError
from tests.helpers.projects import write
from tests.helpers.waiting import eventually_sync

WAITING = """
    import os, time
    def on_event(event):
        print("{version}", os.getenv("MODE"))
        time.sleep(event.data.get("seconds", 0))
        print("{version}", os.getenv("MODE"), "after")
        return "{version}"
"""


def run(up, project: str, handler: str = "main.py:on_event", data: str = "{}") -> dict:
    """Start a handler and wait for its end."""
    return up.ak("session", "start", project, handler, "--data", data, "--wait")


def variables(value: str) -> str:
    """A manifest's variable MODE."""
    return f"vars:\n  - {{name: MODE, value: {value}}}\n"


def test_old_session_finishes_on_its_version_and_its_process_goes(up, tmp_path):
    """Version 2 goes live while a session of version 1 sleeps: each runs its own code and variables."""
    project = tmp_path / "p"
    write(project, "versions", {"main.py": WAITING.format(version="one")}, extra=variables("a"))
    first = up.ak("deploy", str(project))
    old = up.ak("session", "start", "versions", "main.py:on_event", "--data", '{"seconds": 8}')
    eventually_sync(lambda: up.prints(old["id"]) == ["one a"], 30)
    write(project, "versions", {"main.py": WAITING.format(version="two")}, extra=variables("b"))
    second = up.ak("deploy", str(project))
    assert second["changed"] is True
    new = run(up, "versions")
    assert up.prints(new["id"]) == ["two b", "two b after"]
    ended = up.ak("session", "wait", old["id"], "--timeout", "60")
    assert (ended["result"], ended["deployment"], new["deployment"]) == (
        "one",
        first["deployment"],
        second["deployment"],
    )
    assert up.prints(old["id"]) == ["one a", "one a after"]
    eventually_sync(
        lambda: len([pid for pid in up.build_pids() if cwd_of(pid).endswith(first["build"])]) == 0, 60
    )
    assert [pid for pid in up.build_pids() if cwd_of(pid).endswith(second["build"])]


def cwd_of(pid: int) -> str:
    """A process's working directory; nothing when it is gone."""
    try:
        return str(Path(f"/proc/{pid}/cwd").readlink())
    except OSError:
        return ""


@pytest.mark.parametrize(
    ("files", "triggers", "where", "what"),
    [
        ({"main.py": "def on_event(event:\n    pass\n"}, "", "main.py:1", ""),
        (
            {"main.py": "import nothing_like_it\ndef on_event(event): pass\n"},
            "",
            "main.py:1",
            "nothing_like_it",
        ),
        ({"main.py": "X = 1 / 0\ndef on_event(event): pass\n"}, "", "main.py:1", "ZeroDivisionError"),
        ({"main.py": "def other(event): pass\n"}, "", "autokitteh.yaml:", "on_event"),
        (
            {
                "main.py": "def on_event(event): pass\n",
                "requirements.txt": "# none\nno-such-distribution-at-all==9\n",
            },
            "",
            "requirements.txt:2",
            "no-such-distribution-at-all",
        ),
        ({"main.py": "def on_event(event): pass\n", "util.py": "x = (\n"}, "", "util.py:1", ""),
    ],
    ids=["syntax", "import", "module level", "handler", "requirement", "helper"],
)
def test_broken_project_is_refused_with_its_line_and_the_old_one_stays(
    up, tmp_path, files, triggers, where, what
):
    """The message names the user's file and line; sessions of the running deployment go on being served."""
    name = "broken"
    good = write(tmp_path / "good", name, {"main.py": "def on_event(event): return 'good'\n"})
    up.ak("deploy", str(good))
    bad = write(tmp_path / "bad", name, files, triggers=triggers)
    with pytest.raises(CommandError) as refused:
        up.ak("deploy", str(bad))
    assert refused.value.status == 1
    assert where in refused.value.stderr
    assert what in refused.value.stderr
    assert "/worker/" not in refused.value.stderr
    assert run(up, name)["result"] == "good"


def test_projects_with_contradicting_requirements_run_side_by_side(up, tmp_path):
    """Two versions of a library, two values of a variable, two modules of one name."""
    code = "import os, helper, idna\ndef on_event(event): return [os.getenv('MODE'), helper.NAME, idna.__version__]\n"
    for name, version in (("left", "3.6"), ("right", "3.7")):
        write(
            tmp_path / name,
            name,
            {"main.py": code, "helper.py": f"NAME = '{name}'\n", "requirements.txt": f"idna=={version}\n"},
            extra=variables(name),
        )
        up.ak("deploy", str(tmp_path / name))
    assert run(up, "left")["result"] == ["left", "left", "3.6"]
    assert run(up, "right")["result"] == ["right", "right", "3.7"]


def test_conflict_with_the_runtime_is_an_error_at_deploy(up, tmp_path):
    """Requirements are resolved together with ours."""
    files = {"main.py": "def on_event(event): pass\n", "requirements.txt": "greenlet==1.0\n"}
    with pytest.raises(CommandError) as refused:
        up.ak("deploy", str(write(tmp_path / "p", "conflict", files)))
    assert "requirements.txt:1" in refused.value.stderr
    assert "greenlet" in refused.value.stderr


NAMES = ("worker", "manifest", "slack", "store", "log", "config", "calendar", "autokitteh_helper")


def test_user_modules_work_under_any_name(up, tmp_path):
    """Modules named like ours, like the standard library's or like libraries load and are durable."""
    files = {
        f"{name}.py": f"import time\ndef tell():\n    time.sleep(0.01)\n    return '{name}'\n"
        for name in NAMES
    }
    files |= {
        "plain/inner.py": "def tell():\n    from . import other\n    return 'plain ' + other.NAME\n",
        "plain/other.py": "NAME = 'other'\n",
        "packed/__init__.py": "from packed.deep import tell\n",
        "packed/deep.py": "def tell():\n    import lazy\n    return lazy.tell()\n",
        "lazy.py": "import uuid\ndef tell():\n    return len(uuid.uuid4().hex)\n",
        "_private.py": "def tell():\n    return 'private'\n",
        "main.py": f"import {', '.join(NAMES)}, packed, _private\nimport plain.inner\n"
        "def on_event(event):\n"
        f"    return [m.tell() for m in ({', '.join(NAMES)}, packed, plain.inner, _private)]\n",
    }
    up.ak("deploy", str(write(tmp_path / "p", "names", files)))
    assert run(up, "names")["result"] == [*NAMES, 32, "plain other", "private"]


def test_going_back_reactivates_the_older_deployment(up, tmp_path):
    """The same content and configuration is the same version, whenever it comes."""
    project = tmp_path / "p"
    first = up.ak("deploy", str(write(project, "back", {"main.py": "def on_event(e): return 1\n"})))
    second = up.ak("deploy", str(write(project, "back", {"main.py": "def on_event(e): return 2\n"})))
    again = up.ak("deploy", str(write(project, "back", {"main.py": "def on_event(e): return 1\n"})))
    assert again["deployment"] == first["deployment"] != second["deployment"]
    assert again["webhooks"] == first["webhooks"]
    assert run(up, "back")["result"] == 1
