"""What a build process notices about tasks that fail."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace

import pytest
from temporalio.api.common.v1 import Payload
from temporalio.bridge.proto.workflow_activation import RemoveFromCache, WorkflowActivation
from temporalio.bridge.proto.workflow_completion import WorkflowActivationCompletion
from temporalio.client import WorkflowHistory

from tests.helpers.replaying import boot_of
from tests.helpers.waiting import eventually
from worker.process.problems import Problems

HISTORY = Path(__file__).parents[3] / "replay" / "histories" / "steps.json"
NONDETERMINISM = RemoveFromCache(
    reason=RemoveFromCache.EvictionReason.NONDETERMINISM, message="does not match"
)


class Rig:
    """A build process of version v1, and a Temporal with one recorded session."""

    def __init__(self, recorded_on: str) -> None:
        self.noted: list[tuple[str, str]] = []
        self.reports: list[tuple[str, str, str]] = []
        history = WorkflowHistory.from_json("ses_1", HISTORY.read_text())
        for event in history.events:
            if event.HasField("workflow_task_completed_event_attributes"):
                attributes = event.workflow_task_completed_event_attributes
                attributes.deployment_version.build_id = recorded_on
        self._history = history
        self.problems = Problems(
            boot_of("p", Path(), "main.py:steps"),
            self,
            lambda: self,
            lambda report: self.reports.append((report.state, report.message, report.hint)),
        )

    def note(self, _project, session, _run, _kind, text, where):
        """The session log."""
        self.noted.append((text, where))
        return True

    def get_workflow_handle(self, _session, *, run_id):
        """Temporal's client."""

        async def fetch():
            """The history."""
            return self._history

        return SimpleNamespace(fetch_history=fetch)

    def activates(self, *, replaying: bool, first: bool = False) -> None:
        """An activation arrives and is answered with a call of ``os.listdir``."""
        act = WorkflowActivation(run_id="r1", is_replaying=replaying, history_length=3)
        job = act.jobs.add()
        if first:
            job.initialize_workflow.workflow_id = "ses_1"
        else:
            job.fire_timer.seq = 1
        self.problems.polled(act)
        completion = WorkflowActivationCompletion(run_id="r1")
        command = completion.successful.commands.add()
        command.schedule_activity.activity_type = "os.listdir"
        command.user_metadata.summary.CopyFrom(Payload(data=json.dumps("main.py:9").encode()))
        self.problems.answered(completion)

    def is_to_leave(self, job: RemoveFromCache) -> None:
        """The cache is asked to drop the session."""
        act = WorkflowActivation(run_id="r1")
        act.jobs.add().remove_from_cache.CopyFrom(job)
        self.problems.polled(act)


@pytest.mark.parametrize(("recorded_on", "reports"), [("v0", [("misfit", "ses_1", "v0")]), ("v1", [])])
async def test_nondeterminism_is_told_with_both_sides(recorded_on, reports):
    """A session that came from another version is reported, so that it can go back; any other one waits."""
    rig = Rig(recorded_on)
    rig.activates(replaying=True, first=True)
    rig.is_to_leave(NONDETERMINISM)
    rig.activates(replaying=True, first=True)  # Temporal's next attempt may come first
    rig.problems.evicted("r1", NONDETERMINISM)
    await eventually(lambda: len(rig.noted) == 1)
    await eventually(lambda: rig.reports == reports)
    ((text, where),) = rig.noted
    assert text.startswith("AK1600: the code does not fit what was recorded: recorded #1 outside.add ")
    assert "now #1 os.listdir main.py:9" in text
    assert "#2  os.listdir" not in text
    assert where == "main.py:9"
    assert ("ak session stop ses_1 --force" in text) == (not reports)
    assert ("ak session fork ses_1 --at 0" in text) == (not reports)


async def test_nothing_is_kept_of_sessions_that_go_on_live():
    """What a session asks for is kept while it replays, not longer."""
    rig = Rig("v1")
    rig.activates(replaying=True, first=True)
    assert len(rig.problems._replaying) == 1
    rig.activates(replaying=False)
    assert rig.problems._replaying == rig.problems._current == {}
    full = RemoveFromCache(reason=RemoveFromCache.EvictionReason.CACHE_FULL)
    rig.is_to_leave(full)
    rig.problems.evicted("r1", full)
    assert rig.problems._sessions == rig.problems._leaving == {}
    assert rig.noted == []


async def test_task_that_fails_otherwise_is_told_with_its_reason():
    """A value that cannot be read, for example."""
    rig = Rig("v1")
    act = WorkflowActivation(run_id="r1")
    act.jobs.add().initialize_workflow.workflow_id = "ses_1"
    rig.problems.polled(act)
    completion = WorkflowActivationCompletion(run_id="r1")
    completion.failed.failure.message = "a large value is not in the store"
    rig.problems.answered(completion)
    await eventually(lambda: len(rig.noted) == 1)
    assert rig.noted[0][0].startswith("AK1601: the session's task fails: a large value is not in the store")
