"""Steps read from recorded histories."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from temporalio.client import WorkflowHistory

from worker import steps

HISTORIES = Path(__file__).parents[2] / "replay" / "histories"


def read(name: str) -> list[steps.Step]:
    """The steps of a recorded history."""
    history = WorkflowHistory.from_json(name, (HISTORIES / f"{name}.json").read_text())
    return steps.steps_of(history.events)


def test_steps_come_in_the_order_they_were_asked_for():
    """Calls, reads, children, waits and operations of the SDK are numbered from 1; the session's own ending is none."""
    found = read("talks")
    assert [(step.n, step.kind, step.name, step.where) for step in found[:2]] == [
        (1, "system", "set_value", "main.py:263"),
        (2, "system", "add_value", "main.py:264"),
    ]
    assert [step.kind for step in found[2:]] == ["read", "child", "system", "system", "wait"]
    assert [step.name for step in found[2:]] == [
        "get_value",
        "main.py:child",
        "del_value",
        "await_signal",
        "wait for the signal never",
    ]
    assert {steps.DONE} == {step.state for step in found}


def test_a_sleep_knows_its_length_and_line():
    """A timer's summary gives its line, the timer itself its length."""
    first = read("naps")[0]
    assert (
        first.kind,
        first.name,
        first.where,
        first.seconds,
    ) == ("sleep", "sleep 0.05 s", "main.py:44", 0.05)


def test_calls_in_parallel_keep_their_own_results():
    """What came back belongs to the step that asked for it, whatever order they ended in."""
    found = read("threaded")
    assert sorted(json.loads(step.result.data)["result"] for step in found) == [0, 2, 4, 6]
    asked = [json.loads(step.arguments[0].data)["args"] for step in found]
    assert [sum(args) for args in asked] == [json.loads(step.result.data)["result"] for step in found]


def test_a_failed_call_has_its_failure():
    """A call that raised is failed and carries the failure."""
    failed = [step for step in read("catches") if step.state == steps.FAILED]
    assert failed
    assert all(step.failure is not None and step.failure.message for step in failed)


@pytest.mark.parametrize("path", sorted(HISTORIES.glob("*.json")), ids=lambda path: path.stem)
def test_every_recorded_history_can_be_read(path):
    """Each step has a name and, unless it is a timer of an event loop, a signal or our asking for a child's end, a line of the user's."""
    for step in read(path.stem):
        assert step.name
        placeless = (
            step.name in {"timer", "wait_for_child"} or step.kind == steps.SIGNAL
        )  # of an event loop; Temporal takes no line
        assert ".py:" in step.where or placeless
        waits = step.kind in {steps.SLEEP, steps.WAIT, steps.SIGNAL}
        assert step.attempts >= 1 or waits or step.state == steps.OPEN
