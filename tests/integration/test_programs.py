"""A plain program prints the same as a session: each program is run by Python first, which gives what is expected.

Every program stands in ``tests/projects/programs`` and is run warm, and with every step a replay.
"""

from __future__ import annotations

import asyncio
import difflib
import os
import shutil
import subprocess
import sys

import pytest
import pytest_asyncio
from temporalio.client import WorkflowFailureError

from tests.helpers.bed import Bed
from tests.integration.conftest import PROJECTS

pytestmark = pytest.mark.asyncio(loop_scope="module")
SOURCE = PROJECTS / "programs"
# Programs in the language of a newer Python (``newer_312``) wait for one that can read them.
NEWER = {path.stem for path in SOURCE.glob("newer_*.py") if sys.version_info < (3, int(path.stem[-2:]))}
PROGRAMS = sorted({path.stem for path in SOURCE.glob("*.py") if "__main__" in path.read_text()} - NEWER)
LEFT_OUT = shutil.ignore_patterns("__pycache__", *(f"{program}.py" for program in NEWER))


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def bed(temporal_server, cached, tmp_path_factory):
    """A build process of the programs."""
    home = tmp_path_factory.mktemp("bed")
    project = home / "project"
    shutil.copytree(SOURCE, project, ignore=LEFT_OUT)
    made = Bed(project, home, temporal_server.address, cached=cached)
    made.environment = {"PYTHONPATH_EXTRA": str(PROJECTS / "libraries"), "GREETING": "hi"}
    await made.start([f"{program}.py:main" for program in PROGRAMS])
    yield made
    status = await asyncio.to_thread(made.stop)
    made.store.close()
    assert status == 0, (home / "process.log").read_text()[-3000:]


def as_python(program: str, directory) -> list[str]:
    """What Python prints."""
    shutil.copytree(SOURCE, directory, ignore=LEFT_OUT)
    libraries = os.pathsep.join([str(PROJECTS / "libraries"), str(PROJECTS.parents[1])])
    done = subprocess.run(
        [sys.executable, "-c", f"import {program}; {program}.main()"],
        cwd=directory,
        env={**os.environ, "PYTHONHASHSEED": "0", "PYTHONPATH": libraries, "GREETING": "hi"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    assert "Traceback" not in done.stderr, done.stderr
    return done.stdout.splitlines()


@pytest.mark.parametrize("program", PROGRAMS)
async def test_program_prints_in_a_session_what_it_prints_in_python(bed, program, tmp_path):
    """Line by line."""
    expected = await asyncio.to_thread(as_python, program, tmp_path / "plain")
    failure = ""
    try:
        await bed.run(f"{program}.py:main")
    except WorkflowFailureError as error:
        failure = f"{error.cause}: {bed.lines(kind='error')}"
    printed = [line for text in bed.lines() for line in (text.splitlines() or [""])]
    difference = "\n".join(difflib.unified_diff(expected, printed, "python", "session", lineterm="", n=1))
    assert not difference, f"{difference}\n{failure}"
    assert not failure
    assert bed.lines(kind="warning") == []
