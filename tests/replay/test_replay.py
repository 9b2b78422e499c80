"""Histories that earlier shapes of the session workflow left behind replay on the code of today.

Needs no server. New histories are recorded with ``python -m tests.helpers.record``; none is ever edited.
"""

from __future__ import annotations

import shutil
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from temporalio.client import WorkflowHistory
from temporalio.worker import Replayer

from tests.helpers.bed import KEY
from tests.helpers.record import NAME
from worker.contracts import BootConfig
from worker.payload.converter import data_converter
from worker.payload.signing import derive_keys
from worker.process import assemble
from worker.process.logwriter import LogWriter
from worker.session.runner import SessionRunner
from worker.session.workflow import SessionWorkflow

HISTORIES = sorted((Path(__file__).parent / "histories").glob("*.json"))
HERE = Path(__file__).parent


class NoWatch:
    """Nobody watches a replay."""

    def begin(self, workflow_id, run_id):
        """An activation begins."""

    def end(self):
        """It ended."""


@pytest.fixture(scope="module")
def replayer(tmp_path_factory):
    """A replayer of the project the histories were recorded with."""
    project = tmp_path_factory.mktemp("replay") / "project"
    shutil.copytree(HERE / "project", project)
    sys.path.insert(0, str(HERE / "libraries"))
    keys = {name: key.hex() for name, key in derive_keys(KEY, NAME).items()}
    boot = BootConfig(NAME, "dep", "bld", "v1", str(project), ["main.py:simple"], "", "default", "", keys)
    with pytest.MonkeyPatch.context() as patch, ThreadPoolExecutor(1) as thread:
        # As a build process is started: in its project, with its variables.
        patch.chdir(project)
        patch.setenv("GREETING", "hi")
        parts = assemble.prepare(boot, LogWriter(lambda _batches: None))
        runner = SessionRunner(parts.host, NoWatch())
        yield Replayer(
            workflows=[SessionWorkflow],
            workflow_runner=runner,
            unsandboxed_workflow_runner=runner,
            workflow_task_executor=thread,
            data_converter=data_converter(),
            disable_safe_workflow_eviction=False,
        )
        parts.activities.pool.shutdown()
    sys.path.remove(str(HERE / "libraries"))


def test_there_are_histories():
    """An empty corpus would prove nothing."""
    assert len(HISTORIES) >= 10


@pytest.mark.parametrize("path", HISTORIES, ids=lambda path: path.stem)
async def test_history_replays(replayer, path):
    """The recorded session makes the same commands today."""
    history = WorkflowHistory.from_json(f"ses_{path.stem}", path.read_text())
    await replayer.replay_workflow(history)


async def test_changed_program_does_not_replay(replayer):
    """The check can fail: a history of another handler is refused."""
    text = next(path for path in HISTORIES if path.stem == "steps").read_text()
    changed = text.replace('"outside.add"', '"outside.sub"')
    assert changed != text
    with pytest.raises(Exception, match=r"[Nn]ondeterminism"):
        await replayer.replay_workflow(WorkflowHistory.from_json("ses_changed", changed))
