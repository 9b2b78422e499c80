"""What a session's state is called."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from temporalio.client import WorkflowExecutionStatus

from worker.cli.sessions_view import state_of


@pytest.mark.parametrize(
    ("status", "length", "state"),
    [
        (WorkflowExecutionStatus.RUNNING, 2, "created"),
        (WorkflowExecutionStatus.RUNNING, 12, "running"),
        (WorkflowExecutionStatus.CONTINUED_AS_NEW, 12, "running"),
        (WorkflowExecutionStatus.COMPLETED, 12, "completed"),
        (WorkflowExecutionStatus.TIMED_OUT, 12, "error"),
        (WorkflowExecutionStatus.TERMINATED, 12, "stopped"),
    ],
)
def test_state_is_that_of_the_session_and_not_of_a_run(status, length, state):
    """A run that has restarted has not ended its session."""
    raw = SimpleNamespace(first_run_id="r1")
    execution = SimpleNamespace(status=status, run_id="r1", history_length=length, raw_info=raw)
    assert state_of(execution) == state
