"""What was recorded beside what is asked for now."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import pytest
from temporalio.api.common.v1 import Payload
from temporalio.client import WorkflowHistory

from worker import asked, comparing
from worker.steps import Step, steps_of

HISTORIES = Path(__file__).parents[2] / "replay" / "histories"


def events(name: str):
    """The events of a recorded history, without its end."""
    history = WorkflowHistory.from_json(name, (HISTORIES / f"{name}.json").read_text())
    return list(history.events)[:-1]


def as_asked(history) -> list[Step]:
    """What the same code asks for when it replays: the recorded steps, each in its task."""
    found = []
    for step in steps_of(history):
        event = history[step.event - 1]
        attributes = getattr(event, event.WhichOneof("attributes"))
        found.append(dataclasses.replace(step, event=attributes.workflow_task_completed_event_id - 1))
    return found


@pytest.fixture
def recorded():
    """Four calls of one function."""
    return events("steps")


def outcome(recorded, now, *, refused=False):
    """The outcome and the number of the step."""
    found = comparing.compare(recorded, now, refused=refused)
    return found.outcome, found.n


def test_same_steps_are_clean(recorded):
    """Nothing differs."""
    assert outcome(recorded, as_asked(recorded)) == ("clean", 0)


def test_moved_lines_are_clean(recorded):
    """The place of a step is no part of it."""
    now = [dataclasses.replace(step, where="other.py:99") for step in as_asked(recorded)]
    assert outcome(recorded, now) == ("clean", 0)


def test_other_function_breaks_with_both_sides(recorded):
    """The first step that differs is shown as recorded and as asked for now."""
    now = as_asked(recorded)
    now[1] = dataclasses.replace(now[1], name="slack.chat_postMessage", where="main.py:44")
    found = comparing.compare(recorded, now[:2], refused=True)
    assert (found.outcome, found.n) == ("breaks", 2)
    assert (
        found.line()
        == f"recorded #2 outside.add {found.recorded.where} / now #2 slack.chat_postMessage main.py:44"
    )


def test_missing_step_breaks(recorded):
    """What was recorded and is no longer asked for."""
    found = comparing.compare(recorded, as_asked(recorded)[:-1], refused=True)
    assert (found.outcome, found.now) == ("breaks", None)


def test_new_step_in_a_finished_task_breaks_without_temporals_refusal(recorded):
    """A new call before a wait: Temporal would notice it one task later only."""
    now = as_asked(recorded)
    extra = dataclasses.replace(now[-1], n=len(now) + 1, name="requests.get")
    assert ("breaks", extra.n) == outcome(recorded, [*now, extra])


def test_new_step_in_a_task_under_way_is_clean(recorded):
    """A call after the wait: the history has no answer yet, and needs none."""
    now = as_asked(recorded)
    extra = dataclasses.replace(now[-1], n=len(now) + 1, event=10_000, name="requests.get")
    assert outcome(recorded, [*now, extra]) == ("clean", 0)


def test_other_duration_of_a_sleep_breaks():
    """Temporal itself does not look at durations."""
    history = events("naps")
    now = as_asked(history)
    now[0] = dataclasses.replace(now[0], seconds=now[0].seconds * 2)
    assert outcome(history, now) == ("breaks", 1)


def test_same_arguments_in_another_order_break(recorded):
    """Each call would get the other's answer."""
    now = as_asked(recorded)
    first, second = now[0].arguments, now[1].arguments
    now[0], now[1] = (
        dataclasses.replace(now[0], arguments=second),
        dataclasses.replace(now[1], arguments=first),
    )
    found = comparing.compare(recorded, now, refused=False)
    assert (found.outcome, found.likely) == ("breaks", [comparing.SET_ORDER])


def test_other_arguments_differ(recorded):
    """The session could go on, with an answer to what is no longer asked."""
    now = as_asked(recorded)
    given = Payload(data=json.dumps({"args": ["other"]}).encode())
    now[0] = dataclasses.replace(now[0], arguments=(given, *now[0].arguments[1:]))
    assert outcome(recorded, now) == ("differs", 1)


@pytest.mark.parametrize(("pickle", "verdict"), [("v1.k1.aa", ("clean", 0)), ("v1.k1.bb", ("differs", 1))])
def test_same_value_that_is_shown_otherwise_is_clean(recorded, pickle, verdict):
    """Another version of the worker describes an object in other words; the object decides."""

    def given(preview, pickle):
        return Payload(data=json.dumps({"args": [{"preview": preview, "pickle": pickle}]}).encode())

    event = next(item for item in recorded if item.HasField("activity_task_scheduled_event_attributes"))
    event.activity_task_scheduled_event_attributes.input.payloads[0].CopyFrom(given("<Order>", "v1.k1.aa"))
    now = as_asked(recorded)
    now[0] = dataclasses.replace(now[0], arguments=(given("Order(n=1)", pickle), *now[0].arguments[1:]))
    assert outcome(recorded, now) == verdict


def test_refusal_without_a_difference_still_breaks(recorded):
    """Temporal's word counts, also where we see the same steps."""
    assert outcome(recorded, as_asked(recorded), refused=True)[0] == "breaks"


def test_ending_before_recorded_steps_breaks(recorded):
    """A handler that ends where it went on."""
    now = as_asked(recorded)[:1]
    end = Step(
        n=2, kind=asked.END, name=asked.ENDS, where="", event=now[0].event + 6, asked_at=now[0].asked_at
    )
    found = comparing.compare(recorded, [*now, end], refused=True)
    assert (found.outcome, found.n, found.now.name) == ("breaks", 2, asked.ENDS)


def test_difference_reads_as_aligned_columns():
    """Marks, numbers, names and places stand under each other."""
    rows = [(" ", 9, "a", "m.py:1"), ("-", 10, "requests.get", "m.py:2"), ("+", 10, "b", "m.py:3")]
    assert comparing.text_of(rows).splitlines() == [
        "  #9   a             m.py:1",
        "- #10  requests.get  m.py:2",
        "+ #10  b             m.py:3",
    ]
