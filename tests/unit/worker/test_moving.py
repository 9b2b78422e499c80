"""Which version a session runs on."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from temporalio.api.enums.v1 import EventType
from temporalio.api.history.v1 import HistoryEvent
from temporalio.api.workflow.v1 import WorkflowExecutionVersioningInfo

from worker import moving


def execution(*, override: str = "", recorded: str = "", old: str = "", attribute: str = ""):
    """A session as Temporal describes or lists it."""
    info = WorkflowExecutionVersioningInfo()
    if override:
        info.versioning_override.pinned.version.build_id = override
    if recorded:
        info.deployment_version.build_id = recorded
    info.version = old
    found = {"TemporalWorkerDeploymentVersion": [attribute]} if attribute else {}
    return SimpleNamespace(raw_info=SimpleNamespace(versioning_info=info), search_attributes=found)


@pytest.mark.parametrize(
    ("facts", "version"),
    [
        ({"override": "v2", "recorded": "v1"}, "v2"),
        ({"attribute": "shop:v2", "recorded": "v1"}, "v2"),
        ({"recorded": "v1"}, "v1"),
        ({"old": "shop.v0"}, "v0"),
        ({}, ""),
    ],
)
def test_version_is_the_one_the_next_task_runs_on(facts, version):
    """A session that was moved is on its new version before it did anything there."""
    assert moving.version_of(execution(**facts)) == version


def test_recorded_version_is_that_of_the_last_task():
    """Whoever completed it last."""
    events = [HistoryEvent(event_type=EventType.EVENT_TYPE_WORKFLOW_TASK_COMPLETED) for _ in range(2)]
    assert moving.recorded_version([]) == ""
    for event, version in zip(events, ["v1", "v2"], strict=True):
        event.workflow_task_completed_event_attributes.deployment_version.build_id = version
    assert moving.recorded_version(events) == "v2"
