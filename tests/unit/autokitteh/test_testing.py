"""Handlers tested without a server: events, answers, signals, values, calls, time."""

from __future__ import annotations

import pickle
import sys
import time
from pathlib import Path

import pytest

import autokitteh
from autokitteh import Signal, errors
from autokitteh.testing import Call, Project, Sent, WaitsForeverError

PROJECT = Path(__file__).parents[2] / "projects" / "tested"


@pytest.fixture
def project():
    """The project under test, its module loaded afresh."""
    sys.modules.pop("main", None)
    with Project(PROJECT, values={"orders": 1}, env={"BOSS": "ada@example.com"}) as entered:
        yield entered
    sys.modules.pop("main", None)


def test_handler_gets_its_answer_and_everything_is_recorded(project):
    """Calls, values, children and outcomes of one run."""
    project.replace("main.send_mail")
    project.answer("approvals", {"ok": True, "by": "Ada"}, after=3600)
    assert project.run("main.py:on_order", {"id": 7, "amount": 5}) == "approved"
    assert project.calls == [
        Call("main.charge", (5,)),
        Call("main.send_mail", ("ada@example.com", "order 7")),
    ]
    assert project.values == {"orders": 2}
    assert [(child.handler, child.data) for child in project.started] == [("main.py:ship", {"id": 7})]
    assert project.outcomes == [{"status_code": 201, "headers": {}, "json": {"by": "Ada"}, "more": False}]
    assert [(sub.source, sub.filter) for sub in project.subscriptions] == [("approvals", "data.order == 7")]
    assert project.clock.seconds == 3600


def test_timeout_comes_at_once_when_nothing_else_does(project):
    """Two virtual days cost no real time."""
    project.replace("main.send_mail", lambda to, text: None)
    began = time.monotonic()
    assert project.run("main.py:on_order", {"id": 7, "amount": 5}) == "nobody answered"
    assert project.clock.seconds == 2 * 86400
    assert time.monotonic() - began < 60


def test_time_passes_when_the_handler_sleeps(project):
    """However it imported its clocks."""
    assert project.run("main.py:sleeps") == [86490, 86490, 86490, 1]
    assert project.clock.slept == 86490
    assert time.time() < 1_900_000_000


def test_events_reach_subscriptions_whose_filter_lets_them_pass(project):
    """In order, at their time; what comes before the subscription is not for it."""
    project.send("hook", {"n": 1}, event_type="post", after=3)
    project.send("hook", {"n": 2}, event_type="get", after=2)
    project.send("hook", {"n": 3}, event_type="post", after=1)
    project.send("other", {"n": 4}, event_type="post", after=1)
    assert project.run("main.py:events_of") == [(3, "post"), (1, "post"), None]


def test_signals_are_recorded_and_received(project):
    """Those to all sessions reach the sender as well."""
    project.signal("stop", "now", after=2)
    assert project.run("main.py:talks") == [
        Signal("hello", 1),
        Signal("stop", "now"),
        None,
    ]
    assert project.signals == [Sent(None, "hello", 1), Sent("ses_other", "bye", 2)]


def test_handler_that_waits_for_ever_fails_with_a_remedy(project):
    """Instead of hanging."""
    with pytest.raises(WaitsForeverError, match=r"an event of approvals.*project\.answer\('approvals'"):
        project.run("main.py:waits")


def test_rules_of_sessions_hold(project):
    """No waiting inside an activity, no wrong filters."""
    with pytest.raises(errors.AutoKittehError, match=r"subscribe inside an activity \(main.wrong\)"):
        project.run("main.py:calls_wrong")
    with pytest.raises(errors.AutoKittehError, match="invalid filter"):
        project.run("main.py:bad_filter")


def test_async_handlers_run(project):
    """A coroutine function is a handler like any other."""
    assert project.run("main.py:is_async", event_type="post") == ("ses_", "post")
    assert project.clock.slept == 3600


def test_everything_is_put_back(project):
    """The project's module is its own again after a run."""
    import main

    with pytest.raises(AssertionError, match="must not send mail"):
        project.run(main.on_order, {"id": 1, "amount": 1})
    assert main.time is time
    assert main.sleep is time.sleep
    assert not hasattr(main.charge, "__wrapped__")


def test_restarts_are_followed(project):
    """The last run's result; subscriptions with what waits in them stay, data come as they were given."""

    def collects(event):
        """A handler that restarts after each event."""
        chat = autokitteh.subscribe("chat")
        got = [*event.data.get("got", []), autokitteh.next_event(chat).n]
        if len(got) == 3:
            return got, autokitteh.subscribe("chat") == chat
        try:
            autokitteh.restart({"got": got})
        except Exception:
            return "swallowed"

    for n in range(3):
        project.send("chat", {"n": n}, after=1)
    assert project.run(collects) == ([0, 1, 2], False)
    assert project.restarts == [{"got": [0]}, {"got": [0, 1]}]
    assert len(project.subscriptions) == 2


def test_restart_without_data_gives_the_same_data(project):
    """Whatever the run before did to them."""

    def again(event):
        """A handler that changes its data."""
        assert event.data == {"items": [1]}
        event.data["items"].append(2)
        if autokitteh.add_values("runs", 1) < 3:
            autokitteh.restart()
        return "done"

    assert project.run(again, {"items": [1]}) == "done"
    assert project.restarts == [{"items": [1]}, {"items": [1]}]


def test_restarts_without_an_end_are_an_error(project):
    """A handler that only restarts would never return."""
    with pytest.raises(WaitsForeverError, match="restarted 50 times"):
        project.run(lambda event: autokitteh.restart())


def test_restart_outside_of_a_project_is_an_exception_of_its_own():
    """A plain test sees it, with the data; ``except Exception`` does not."""
    with pytest.raises(errors.SessionRestart, match="the session restarts") as caught:
        autokitteh.restart({"n": 1})
    assert caught.value.data == {"n": 1}
    assert not isinstance(caught.value, Exception)
    assert pickle.loads(pickle.dumps(caught.value)).data == {"n": 1}


@pytest.mark.parametrize(
    ("session", "name"), [("", "go"), ("s" * 1001, "go"), (7, "go"), ("ses_1", ""), ("ses_1", None)]
)
def test_signal_to_what_can_be_no_session_is_an_error(session, name):
    """At the line of the call, in a handler as elsewhere: Temporal would never take it."""
    with pytest.raises(autokitteh.AutoKittehError, match="is a text of 1 to 1000 characters, not"):
        autokitteh.signal(session, name, None)
