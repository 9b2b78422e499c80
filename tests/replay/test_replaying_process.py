"""The replaying process: a build, asked about histories in its own environment. Needs no server."""

from __future__ import annotations

import dataclasses
import os
import shutil
import sys
from pathlib import Path

import pytest
from temporalio.client import WorkflowHistory

from tests.helpers.record import NAME
from tests.helpers.replaying import boot_of
from worker.errors import DeployError
from worker.supervisor.boot import Launch
from worker.supervisor.replays import EndedBeforeError, asking

HERE = Path(__file__).parent
ROOT = HERE.parents[1]


def history(name: str) -> WorkflowHistory:
    """A recorded one."""
    return WorkflowHistory.from_json(f"ses_{name}", (HERE / "histories" / f"{name}.json").read_text())


@pytest.fixture
def project(tmp_path):
    """The project the histories were recorded with."""
    shutil.copytree(HERE / "project", tmp_path / "project")
    return tmp_path / "project"


def launch_of(project: Path) -> Launch:
    """What a build process of the project would be started with."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("AK_", "TEMPORAL_"))}
    paths = os.pathsep.join([str(ROOT), str(HERE / "libraries")])
    environment |= {"PYTHONHASHSEED": "0", "PYTHONPATH": paths, "GREETING": "hi"}
    return Launch(
        boot_of(NAME, project, "main.py:simple"), sys.executable, environment, project.parent / "log"
    )


async def test_same_code_replays_cleanly(project):
    """Histories of the same code come back clean, one after the other."""
    async with asking(launch_of(project)) as build:
        answers = [await build.replay(history(name)) for name in ("steps", "talks", "naps")]
    assert [answer["outcome"] for answer in answers] == ["clean", "clean", "clean"]


async def test_edited_code_is_told_with_both_lines(project):
    """Where the code asks for something else, both sides are named with their lines."""
    text = (project / "main.py").read_text()
    changed = text.replace("total = outside.add(total, i)", "total = outside.slow(total, i)")
    assert changed != text
    (project / "main.py").write_text(changed)
    async with asking(launch_of(project)) as build:
        found = await build.replay(history("steps"), edited=True)
    line = text[: text.index("outside.add(total")].count("\n") + 1
    assert found["outcome"] == "breaks"
    assert f"recorded #1 outside.add main.py:{line} / now #1 outside.slow main.py:{line}" == found["line"]
    assert found["likely"] == ["the code was edited"]


async def test_code_that_cannot_be_loaded_is_refused_with_its_line(project):
    """A build that does not load says so before any history is sent."""
    (project / "main.py").write_text("import nowhere_to_be_found\n")
    with pytest.raises(DeployError) as refused:
        async with asking(launch_of(project)):
            pass
    assert (refused.value.code, refused.value.where) == ("AK1101", "main.py:1")


async def test_code_that_computes_for_ever_breaks(project):
    """It is stopped over its budget, as in a build process; the session would end there."""
    text = (project / "main.py").read_text()
    changed = text.replace(
        "    total = 0\n    for i", "    total = 0\n    while True:\n        total += 1\n    for i", 1
    )
    assert changed != text
    (project / "main.py").write_text(changed)
    launch = launch_of(project)
    launch = dataclasses.replace(launch, boot=dataclasses.replace(launch.boot, budget_seconds=0.5))
    async with asking(launch) as build:
        found = await build.replay(history("steps"))
    assert (found["outcome"], found["now"]["kind"]) == ("breaks", "end")


async def test_process_that_dies_is_told_from_one_that_was_dead(project):
    """Only the history it died over is suspect; those that waited are for another process."""
    async with asking(launch_of(project)) as build:
        build._process.kill()
        with pytest.raises(DeployError, match="ended"):
            await build.replay(history("steps"))
        with pytest.raises(EndedBeforeError):
            await build.replay(history("naps"))


async def test_replay_prints_nothing_and_writes_nothing(project):
    """What the session printed when it ran is not printed again."""
    launch = launch_of(project)
    async with asking(launch) as build:
        assert (await build.replay(history("steps")))["outcome"] == "clean"
    assert launch.log_file.read_text() == ""
    assert not (project.parent / "store.db").exists()
