"""Where a recording is cut: what is taken over, what is left, and where it cannot be cut."""

from __future__ import annotations

import datetime as dt

import pytest

from worker.cutting import cut
from worker.errors import NotFoundError, UsageError
from worker.recording import Recording
from worker.steps import CALL, CHILD, Step

NOW = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)


def step(n: int, kind: str = CALL, name: str = "f") -> Step:
    """A step."""
    return Step(n=n, kind=kind, name=name, where=f"main.py:{n}", event=n, asked_at=NOW)


def done(n: int) -> dict:
    """The end of a step."""
    return {"step": n, "as": "completed", "result": {"json": {"result": n}}}


def task(at: int, *, jobs=(), asked=(), signals=()) -> dict:
    """A task."""
    return {
        "at": at,
        "jobs": list(jobs),
        "asked": list(asked),
        "signals": list(signals),
        "locals": [],
        "patches": [],
    }


def at_once(kind: str = CALL) -> Recording:
    """Steps 1 to 3 asked for at once; the third ends first, the second never."""
    tasks = [
        task(1, asked=[1, 2, 3]),
        task(2, jobs=[done(3)], signals=[{"name": "early", "input": []}]),
        task(3, jobs=[done(1)], signals=[{"name": "now", "input": []}]),
        task(4, signals=[{"name": "late", "input": []}]),
    ]
    return Recording("ses_1", "run", [step(1), step(2), step(3, kind)], tasks, {3: (1, -1), 1: (2, -1)}, at=5)


def test_results_of_later_steps_are_left_out():
    """Only what belongs to the steps taken over comes; signals come by when they came."""
    record = cut(at_once(), 1)
    assert [item["jobs"] for item in record["tasks"]] == [[], []]
    assert [item["asked"] for item in record["tasks"]] == [[1], []]
    assert [item["more"] for item in record["tasks"]] == [True, False]
    assert record["live"] == {"signals": [{"name": "now", "input": []}], "jobs": [done(1)]}
    assert record["tasks"][1]["signals"] == [{"name": "early", "input": []}]
    assert record["steps"] == [["call", "f", "main.py:1"]]


def test_another_outcome_replaces_the_last_result():
    """Also where there was none yet."""
    other = {"as": "completed", "result": {"json": {"result": "other"}}}
    made = at_once()
    made.settled[2], made.tasks[2]["jobs"] = (2, -1), [done(1), done(2)]
    earlier = cut(made, 3, other)  # which had ended before the others
    assert earlier["tasks"][1]["jobs"] == [{"step": 3, **other}]
    assert earlier["live"]["jobs"] == [done(1), done(2)]
    assert cut(at_once(), 1, other)["live"]["jobs"] == [{"step": 1, **other}]
    opened = cut(at_once(), 2, other)
    assert opened["live"]["jobs"] == [{"step": 2, **other}]
    assert len(opened["tasks"]) == 4


@pytest.mark.parametrize(
    ("at", "kind", "error", "text"),
    [
        (4, CALL, NotFoundError, "has no step 4: it has 3 steps"),
        (2, CALL, UsageError, "has no result yet"),
        (1, CHILD, UsageError, "was asked for at the same time as step 1"),
    ],
)
def test_places_that_leave_half_of_something_are_refused(at, kind, error, text):
    """The message says what is in the way."""
    with pytest.raises(error, match=text):
        cut(at_once(kind), at)


def test_stopped_session_is_not_forked_after_its_stop():
    """Its last steps clean up."""
    made = at_once()
    made.stopped = 1
    with pytest.raises(UsageError, match="was asked to stop before"):
        cut(made, 1)
