"""A session as the commands have it."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from temporalio.client import WorkflowExecutionStatus

from worker.cli.sessions_view import shown, state_of


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


@pytest.mark.parametrize(
    ("kept", "result"),
    [
        ({"a": [1, "x"]}, {"a": [1, "x"]}),
        ({"preview": "(1, 2)", "pickle": "v1"}, "(1, 2)"),
        ({"preview": {"id": 7}, "pickle": "v1"}, {"id": 7}),
        ({"key": {"preview": "••••••", "secret": [{"var": "KEY"}]}}, {"key": "••••••"}),
        ({"preview": "dict", "escaped": {"preview": 1, "pickle": [2]}}, {"preview": 1, "pickle": [2]}),
        ({"preview": "too large"}, "too large"),
    ],
)
def test_a_result_as_json(kept, result):
    """Without the envelopes it was kept in, wherever they stand in it."""
    assert shown(kept) == result
