"""``ak lint`` as a user runs it."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.helpers import golden
from tests.helpers.ak import AK, environment

ROOT = Path(__file__).parents[2]


@pytest.fixture
def run(tmp_path):
    """Run ``ak lint``."""

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        command = [AK, "lint", *arguments]
        return subprocess.run(
            command, env=environment(tmp_path / "home"), capture_output=True, text=True, check=False
        )

    return run


def test_an_example_is_explained(run):
    """Steps with their rule and source line, about how many events, and no finding: status 0."""
    done = run(str(ROOT / "examples" / "http_digest"))
    assert (done.returncode, done.stderr) == (0, "")
    golden.check(done.stdout, "lint/http_digest")


def test_findings_end_with_one_and_say_what_to_do(run, tmp_path):
    """Each finding has its place, its source line and a remedy."""
    project = tmp_path / "project"
    project.mkdir()
    for name in ("orders", "writing", "computing"):
        shutil.copy(ROOT / "tests" / "projects" / "lint" / f"{name}.py", project)
    (project / "autokitteh.yaml").write_text(
        "version: v2\nproject:\n  name: linted\n  triggers:\n"
        "    - {name: hook, type: webhook, call: orders.py:through_a_helper}\n"
        "    - {name: again, type: webhook, call: computing.py:listens}\n"
    )
    done = run(str(project))
    assert (done.returncode, done.stderr) == (1, "")
    golden.check(done.stdout, "lint/findings")
    found = json.loads(run(str(project), "--json").stdout)
    assert {item["triggers"][0] for item in found["handlers"]} == {"hook", "again"}
    assert {"set-order", "file-write", "long-computation", "endless-history"} == {
        item["code"] for item in found["hazards"]
    }


def test_a_project_that_cannot_be_read_is_one_message(run, tmp_path):
    """A syntax error has the user's file and line; a directory without a manifest says so."""
    project = tmp_path / "project"
    project.mkdir()
    done = run(str(project))
    assert done.returncode == 1
    assert "autokitteh.yaml" in done.stderr
    (project / "main.py").write_text("def on_event(event:\n    pass\n")
    (project / "autokitteh.yaml").write_text("version: v2\nproject: {name: broken}\n")
    done = run(str(project))
    assert done.returncode == 1
    assert "main.py:1" in done.stderr
    (project / "main.py").write_text("def on_event(event): ...\n")
    (project / "autokitteh.yaml").write_text("version: v2\nproject: {name: broken, trigers: []}\n")
    done = run(str(project))
    assert "autokitteh.yaml has problems; nothing was looked at" in done.stderr
    assert "Traceback" not in done.stderr


def test_projects_as_they_lie_about_are_read(run, tmp_path):
    """A sum of thousands of terms, long chains of helpers, missing libraries, a virtual environment inside."""
    project = tmp_path / "project"
    broken = project / ".venv" / "lib"
    broken.mkdir(parents=True)
    (broken / "bad.py").write_text("def x(:")
    (project / "autokitteh.yaml").write_text(
        "version: v2\nproject:\n  name: linted\n  triggers:\n"
        "    - {name: hook, type: webhook, call: main.py:f0}\n"
    )
    (project / "total.py").write_text(f"TOTAL = {' + '.join(['1'] * 3000)}\n")
    helpers = "".join(f"def f{n}(event):\n    return f{n + 1}(event)\n" for n in range(300))
    (project / "main.py").write_text(
        f"import time, not_there\n{helpers}def f300(event):\n    not_there.go()\n    time.sleep(1)\n"
    )
    done = run(str(project), "--json")
    assert (done.returncode, done.stderr) == (0, "")
    (handler,) = json.loads(done.stdout)["handlers"]
    assert [call["kind"] for call in handler["calls"]] == ["unknown", "timer"]
