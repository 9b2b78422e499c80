"""Histories that earlier shapes of the session workflow left behind replay on the code of today.

Needs no server. New histories are recorded with ``python -m tests.helpers.record``; none is ever edited.
"""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from temporalio.client import WorkflowHistory

from tests.helpers.record import NAME
from tests.helpers.replaying import replaying

HISTORIES = sorted((Path(__file__).parent / "histories").glob("*.json"))
HERE = Path(__file__).parent


@pytest.fixture(scope="module")
def replayer(tmp_path_factory):
    """A replayer of the project the histories were recorded with, in a process started as for it."""
    project = tmp_path_factory.mktemp("replay") / "project"
    shutil.copytree(HERE / "project", project)
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(HERE / "libraries")
        patch.setenv("GREETING", "hi")
        with replaying(NAME, project, "main.py:simple") as (made, _prints):
            yield made


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
