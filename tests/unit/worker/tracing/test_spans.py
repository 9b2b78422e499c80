"""Spans fit together though each is made by itself."""

from __future__ import annotations

import datetime as dt

from hypothesis import given
from hypothesis import strategies as st

from worker.steps import Step
from worker.tracing import spans

AT = dt.datetime(2026, 1, 2, tzinfo=dt.UTC)
LATER = AT + dt.timedelta(seconds=3)


def facts(**changes):
    """A session's facts."""
    base = {
        "id": "ses_1",
        "run_id": "run-1",
        "project": "p",
        "handler": "main.py:f",
        "state": "completed",
        "began": AT,
        "ended": LATER,
    }
    return spans.SessionFacts(**{**base, **changes})


def test_a_session_hangs_under_the_event_that_started_it():
    """The arrival's span and the session's are in one trace, one under the other."""
    place = spans.under_event("evt_1", {"headers": {}})
    (top,) = spans.session(facts(event_id="evt_1", trigger="hook"), place, [])
    assert top.place.trace == spans.of_event("evt_1", {}).trace
    assert top.place.parent == spans.event_span("evt_1")
    assert top.attributes["autokitteh.event.id"] == "evt_1"


def test_the_senders_trace_goes_on():
    """A traceparent header decides the trace of the event and of its sessions."""
    data = {"headers": {"Traceparent": "00-" + "ab" * 16 + "-" + "cd" * 8 + "-01"}}
    place = spans.of_event("evt_1", data)
    assert place == spans.Place(int("ab" * 16, 16), int("cd" * 8, 16))
    assert spans.under_event("evt_1", data).trace == place.trace


@given(st.one_of(st.text(), st.none(), st.integers(), st.lists(st.text())))
def test_any_other_header_is_no_trace(header):
    """What is no traceparent, whatever it is, leaves the event its own trace."""
    assert spans.of_event("evt_1", {"headers": {"Traceparent": header}}) == spans.of_event("evt_1", None)


def test_a_child_hangs_under_the_step_that_started_it():
    """The parent's step and the child's session agree about the span between them."""
    step = Step(1, "child", "main.py:g", "main.py:4", 5, AT, target="ses_2", started_at=AT, ended_at=LATER)
    place = spans.by_hand("ses_1")
    _, made = spans.session(facts(), place, [step])
    (child,) = spans.session(facts(id="ses_2", run_id="run-2"), spans.under_parent(place, "ses_2"), [])
    assert child.place == spans.Place(made.place.trace, made.identifier)
    assert made.ended == AT  # only its start; the child goes on by itself


def test_received_events_link_to_their_own_traces():
    """A session that waited for events points to where they came from."""
    (top,) = spans.session(facts(received=(("evt_7", None),)), spans.by_hand("ses_1"), [])
    assert top.links == ((spans.of_event("evt_7", None).trace, spans.event_span("evt_7")),)


def test_a_received_event_with_a_trace_of_its_senders_is_linked_there():
    """The link leads to where the event's arrival is, also when a ``traceparent`` header decided that."""
    data = {"headers": {"Traceparent": f"00-{'ab' * 16}-{'cd' * 8}-01"}}
    (top,) = spans.session(facts(received=(("evt_7", data),)), spans.by_hand("ses_1"), [])
    assert top.links == ((int("ab" * 16, 16), spans.event_span("evt_7")),)


def test_a_step_that_is_open_ends_with_its_session():
    """A stopped session's last call has an end."""
    step = Step(1, "call", "requests.get", "main.py:4", 5, AT)
    assert spans.session(facts(), spans.by_hand("ses_1"), [step])[1].ended == LATER
