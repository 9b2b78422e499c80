"""A save is one deployment, an editor's backup is none, and an error is not the end."""

from __future__ import annotations

import asyncio
import contextlib

import pytest

from tests.helpers.waiting import eventually
from worker.cli import watch
from worker.errors import DeployError


@pytest.fixture(autouse=True)
def _quick(monkeypatch):
    """Look all the time."""
    monkeypatch.setattr(watch, "_LOOK_SECONDS", 0.005)


def test_what_a_build_would_pack_counts(tmp_path):
    """Not what is hidden, compiled or an editor's."""
    for name in ("main.py", "main.py~", ".main.py.swp", "4913", "x.pyc", "#main.py#"):
        (tmp_path / name).write_text(name)
    assert list(watch.look(tmp_path)) == ["main.py"]
    assert watch.look(tmp_path / "not there") == {}


async def test_changes_are_deployed_and_errors_told(tmp_path):
    """New, changed and removed files; after an error the next change is tried."""
    (tmp_path / "main.py").write_text("one")
    deployed, told = [], []

    async def deploy(directory):
        """Refuse what is broken."""
        deployed.append(sorted(path.name for path in directory.iterdir()))
        if "broken.py" in deployed[-1]:
            raise DeployError("it is broken", where="broken.py:1")
        return "deployed"

    task = asyncio.create_task(watch.watch(tmp_path, deploy, told.append, watch.look(tmp_path)))
    try:
        (tmp_path / "main.py").write_text("two, longer")
        await eventually(lambda: told[-1:] == ["deployed"])
        (tmp_path / "broken.py").write_text("(")
        await eventually(lambda: "broken.py:1: it is broken" in told[-1])
        (tmp_path / "broken.py").unlink()
        await eventually(lambda: told[-1] == "deployed" and len(deployed) == 3)
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
    assert deployed == [["main.py"], ["broken.py", "main.py"], ["main.py"]]
    assert told[0] == "changed: main.py"


async def test_error_of_ours_does_not_end_the_watching(tmp_path, monkeypatch):
    """It is told with its report, and the next change is deployed."""
    monkeypatch.setenv("AK_HOME", str(tmp_path / "home"))
    project = tmp_path / "p"
    project.mkdir()
    told: list[str] = []

    async def deploy(directory):
        """Fail in a way nobody thought of, once."""
        if (directory / "odd.py").exists():
            raise RuntimeError("nobody thought of this")
        return "deployed"

    task = asyncio.create_task(watch.watch(project, deploy, told.append, watch.look(project)))
    try:
        (project / "odd.py").write_text("")
        await eventually(lambda: "a bug in ak: RuntimeError: nobody thought of this" in "".join(told))
        (project / "odd.py").unlink()
        await eventually(lambda: told[-1] == "deployed")
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
    (report,) = (tmp_path / "home" / "reports").iterdir()
    assert "nobody thought of this" in report.read_text()
