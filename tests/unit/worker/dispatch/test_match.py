"""Matching of events against triggers."""

from __future__ import annotations

import datetime as dt

import pytest

from worker.dispatch import explain, match
from worker.store.records import Event, Trigger

EVENT = Event(
    id="evt_1",
    project="p",
    source_kind="trigger",
    source="hook",
    event_type="post",
    data={"n": 1, "list": [1]},
    memo={},
    created_at=dt.datetime(2026, 1, 1, tzinfo=dt.UTC),
)


def trigger(**changes):
    """A webhook trigger."""
    return Trigger(
        **{"id": "trg_1", "project": "p", "name": "hook", "kind": "webhook", "call": "main.py:f"} | changes
    )


def decide(**changes):
    """The decision about the event by one trigger."""
    (delivery,) = match.decide(EVENT, [trigger(**changes)])
    return delivery


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"event_type": "*"},
        {"event_type": "post"},
        {"filter": "data.n == 1"},
        {"filter": "  "},
        {"filter": "."},
        {"event_type": "post", "filter": 'event_type == "post"'},
    ],
)
def test_decide_matches(changes):
    """Type and filter let the event through: the delivery is pending, without a reason."""
    delivery = decide(**changes)
    assert (delivery.state, delivery.reason) == (match.PENDING, "")
    assert (delivery.handler, delivery.trigger, delivery.project) == ("main.py:f", "hook", "p")


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"call": ""}, "has no call"),
        ({"event_type": "get"}, "event type is 'post', the trigger wants 'get'"),
        ({"event_type": "POST"}, "wants 'POST'"),
        ({"event_type": "pos"}, "wants 'pos'"),
        ({"filter": "data.n == 2"}, "'data.n == 2' is false"),
        ({"filter": "data.missing == 2"}, "'data.missing == 2' failed: "),
        ({"filter": "data.n =="}, "'data.n ==' failed: "),
    ],
)
def test_decide_says_why_not(changes, reason):
    """A trigger that does not match is skipped, and its delivery says why; a failing filter is one of the reasons."""
    delivery = decide(**changes)
    assert delivery.state == match.SKIPPED
    assert reason in delivery.reason


def test_decide_looks_at_the_filter_last():
    """The filter of a trigger for another type is never evaluated."""
    assert "event type" in decide(event_type="get", filter="data.missing").reason


def test_decide_gives_one_delivery_for_each_trigger():
    """Triggers are decided independently and in order."""
    triggers = [
        trigger(id="a", name="a"),
        trigger(id="b", name="b", event_type="get"),
        trigger(id="c", name="c"),
    ]
    deliveries = match.decide(EVENT, triggers)
    assert [(d.trigger, d.state) for d in deliveries] == [
        ("a", "pending"),
        ("b", "skipped"),
        ("c", "pending"),
    ]
    assert len({d.id for d in deliveries}) == len({d.session_id for d in deliveries}) == 3


def test_decide_derives_the_same_ids_again():
    """A second decision about the same event names the same session."""
    first, second = decide(), decide()
    assert (first.id, first.session_id) == (second.id, second.session_id)
    assert first.session_id.startswith("ses_")


def test_skip_overrules_the_triggers():
    """When nothing may start, every delivery is skipped for the given reason."""
    (delivery,) = match.skip(EVENT, [trigger()], "no deployment")
    assert (delivery.state, delivery.reason) == (match.SKIPPED, "no deployment")


@pytest.mark.parametrize(
    "text", ["data.n == 2", "data.n == 'a'", "data.n == \"it\\'s\" + 'failed: ' ", "data.missing == 1"]
)
def test_the_filter_of_that_moment_is_explained_whatever_it_is_now(text):
    """What was recorded tells it: the deployment may be gone, and the trigger have another filter."""
    recorded = decide(filter=text)
    assert recorded.state == match.SKIPPED
    assert match.filter_in(recorded.reason) == text
    verdict = explain.of_trigger(EVENT, trigger(filter="data.n == 1"), recorded)
    assert (verdict.matched, verdict.filter) == (False, text)
    assert verdict.parts[0].value is not True
    assert match.filter_in("the trigger has no call: it starts no session") == ""
