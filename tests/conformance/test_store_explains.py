"""What the store keeps so that people can ask afterwards: the same on both databases."""

from __future__ import annotations

import contextlib
import datetime as dt
from dataclasses import replace
from functools import partial

from tests.helpers.desired import desired, trigger
from worker import clock, ids
from worker.cli import context, event_explain
from worker.cli import trigger as commands
from worker.contracts import LogBatch, LogLine
from worker.dispatch.dispatcher import subscribers
from worker.store import refused as module_of_refused
from worker.store.migrations import m0009_what_did_not_happen
from worker.store.records import Delivery, Event, Refused, Subscription


def event(**fields) -> Event:
    """An event of the trigger hook."""
    plain = {"event_type": "post", "data": {"n": 1}, "memo": {}, "created_at": clock.now()}
    return Event(
        **{"id": ids.new("evt"), **plain, **fields}, project="p", source_kind="trigger", source="hook"
    )


def delivery(of: Event, state: str, trigger: str = "hook") -> Delivery:
    """A delivery that starts a session."""
    return Delivery(
        ids.new("dlv"), of.id, "p", trigger, "main.py:on_event", ids.derived("ses", of.id, trigger), state
    )


def test_subscriptions_are_known_for_the_time_they_lived(store):
    """An ended subscription meets no event any more, and is found for a moment of its life."""
    before = clock.now()
    store.mailbox.subscribe(Subscription("gone", "p", "hook", "ses_1", "data.n == 1"))
    store.mailbox.subscribe(Subscription("stays", "p", "hook", "ses_2"))
    during = clock.now()
    store.mailbox.unsubscribe("gone", "ses_1")
    after = clock.now() + dt.timedelta(microseconds=1)
    assert store.mailbox.alive_at("p", "hook", before - dt.timedelta(seconds=1)) == []
    found = store.mailbox.alive_at("p", "hook", during)
    assert [(item.id, item.filter, item.ended_at is None) for item in found] == [
        ("gone", "data.n == 1", False),
        ("stays", "", True),
    ]
    assert [item.id for item in store.mailbox.alive_at("p", "hook", after)] == ["stays"]
    store.mailbox.forget("ses_2")
    assert sorted(item.id for item in store.mailbox.past(["gone", "stays"])) == ["gone", "stays"]
    later = event()
    store.events.record(later, [], partial(subscribers, store.mailbox))
    assert store.events.deliveries(later.id) == []


def test_events_know_whether_their_source_was_heard(store):
    """By any subscription that lived when they came, all in one question."""
    before = clock.now() - dt.timedelta(seconds=1)
    store.mailbox.subscribe(Subscription("gone", "p", "hook", "ses_1", "data.n == 1"))
    during = clock.now()
    store.mailbox.unsubscribe("gone", "ses_1")
    after = clock.now() + dt.timedelta(microseconds=1)
    events = [event(created_at=at) for at in (before, during, after)]
    other = replace(event(created_at=during), source="other")
    for item in (*events, other):
        store.events.record(item, [])
    named = [item.id for item in (*events, other)]
    assert store.mailbox.heard(named) == {events[1].id}
    store.mailbox.subscribe(Subscription("stays", "p", "hook", "ses_2"))
    late = event(created_at=clock.now())
    store.events.record(late, [])
    assert store.mailbox.heard([*named, late.id, "evt_unknown"]) == {events[1].id, late.id}
    assert store.mailbox.heard([]) == frozenset()


def test_a_trigger_says_why_its_last_event_led_to_nothing(store, monkeypatch, capsys, tmp_path):
    """Sessions had subscribed and their filters passed it over, or nobody listened."""
    monkeypatch.setenv("AK_HOME", str(tmp_path))
    monkeypatch.setattr(context, "opened", lambda _settings: contextlib.nullcontext(store))
    store.projects.ensure("p")
    store.builds.put("p", "bld_1", b"content", ["main.py"])
    made = store.deployments.request(
        "p", "bld_1", "v1", desired(name="p", triggers=[trigger("hook")]), {}, [], ""
    )
    assert store.deployments.activate(made.id)
    for reason in ("nobody listens", "not for the subscribed"):
        happened = event()
        store.events.record(happened, [])
        commands.get("p", "hook")
        said = capsys.readouterr().out
        assert happened.id in said
        assert f"nothing: {reason}" in said
        store.mailbox.subscribe(Subscription("waits", "p", "hook", "ses_1", "data.n == 2"))


def test_a_delivery_knows_when_it_was_finished(store):
    """None while it is pending."""
    happened = event(deployment="dep_1")
    store.events.record(happened, [delivery(happened, "pending")])
    (pending,) = store.events.deliveries(happened.id)
    assert pending.finished_at is None
    store.events.finish_delivery(pending.id, "done")
    (done,) = store.events.deliveries_of([happened.id])[happened.id]
    assert done.finished_at is not None
    assert done.finished_at >= happened.created_at
    assert store.events.get(happened.id).deployment == "dep_1"


def test_events_are_listed_by_type_time_and_effect(store):
    """An event whose deliveries were all skipped, or that had none, is unhandled."""
    early = clock.now() - dt.timedelta(hours=3)
    handled, skipped, alone = event(), event(created_at=early), event(event_type="get")
    store.events.record(handled, [delivery(handled, "pending")])
    store.events.record(skipped, [delivery(skipped, "skipped")])
    store.events.record(alone, [])
    listed = store.events.list
    assert [item.id for item in listed("p", unhandled=True)] == [alone.id, skipped.id]
    assert [item.id for item in listed(event_type="get")] == [alone.id]
    hour_ago = clock.now() - dt.timedelta(hours=1)
    assert [item.id for item in listed(since=hour_ago)] == [alone.id, handled.id]
    assert [item.id for item in listed(until=hour_ago)] == [skipped.id]
    assert handled.id in store.events.near(handled.id[:-3])


def test_an_event_is_found_by_its_beginning_among_many(store):
    """Also where more begin almost alike than are looked at to name the nearest ones."""
    wanted = "evt_2azzzz"
    for number in range(30):
        store.events.record(event(id=f"evt_2a{number:04}"), [])
    store.events.record(event(id=wanted), [])
    for number in range(30):
        store.events.record(event(id=f"evt_7a{number:04}"), [])
    assert store.events.near("evt_2azz", limit=10)[0] == wanted


def test_deliveries_of_more_events_than_a_statement_takes_parameters(store):
    """The list of events may be as long as somebody asks for."""
    happened = event()
    store.events.record(happened, [delivery(happened, "pending")])
    names = [*(f"evt_none{number}" for number in range(70_000)), happened.id]
    assert len(store.events.deliveries_of(names)[happened.id]) == 1
    assert store.events.repetitions(names)[happened.id] == []


def test_sessions_of_a_trigger_are_read_page_by_page(store):
    """Newest first, each once, by the number the page before ended with."""
    happened = [event() for _ in range(5)]
    for item in happened:
        store.events.record(item, [delivery(item, "done"), delivery(item, "skipped", "other")])
    first = store.events.started_by("p", "hook", None, 3)
    rest = store.events.started_by("p", "hook", first[-1][0], 3)
    expected = [ids.derived("ses", item.id, "hook") for item in reversed(happened)]
    assert [session for _, session in [*first, *rest]] == expected
    assert store.events.started_by("p", "other", None, 3) == []


def test_what_sessions_are_registered_for_in_words(store):
    """Signals by name and events by source and filter."""
    store.mailbox.await_signal("p", "approved", "ses_1", clock.now())
    store.mailbox.subscribe(Subscription("a", "p", "chat", "ses_1", "data.n == 1"))
    assert store.mailbox.awaited(["ses_1", "ses_2"]) == {
        "ses_1": ["the signal approved", "an event of chat with data.n == 1"]
    }


def test_errors_of_sessions_are_found_by_their_text(store):
    """Whatever its case, newest first; the last error of each session is at hand."""
    for number, text in enumerate(["KeyError: 'id'", "TimeoutError: slow", "KeyError: 'name'"]):
        line = LogLine(
            1, clock.now().timestamp(), "error", f"Traceback (most recent call last):\n{text}", "main.py:3"
        )
        other = LogLine(2, clock.now().timestamp(), "print", "keyerror", "")
        store.log.write([LogBatch("p", f"ses_{number}", "run", 0, [line, other])])
    first = store.log.failed("keyerror", None, 1)
    rest = store.log.failed("keyerror", first[-1][0], 5)
    assert [session for _, session in [*first, *rest]] == ["ses_2", "ses_0"]
    assert store.log.failed("100%", None, 5) == []
    assert store.log.last_errors(["ses_1", "ses_9"]) == {"ses_1": "TimeoutError: slow"}


def test_sessions_are_found_by_their_logs(store):
    """By project, handler and time, newest first, page by page; each with what its beginning and end say."""
    places = ("main.py:on_a", "main.py:on_b", "lib/mainXpy.py:on_a", "main.py:on_a")
    for number, place in enumerate(places):
        lines = [
            LogLine(1, 100.0 + number, "state", "running", place),
            LogLine(2, 110.0 + number, "print", "running", ""),
            LogLine(3, 120.0 + number, "state", "completed", ""),
        ]
        store.log.write([LogBatch("q" if number == 3 else "p", f"ses_{number}", "run", 0, lines)])
    again = LogLine(1, 130.0, "state", "restarted", "main.py:on_a")
    store.log.write([LogBatch("p", "ses_0", "run2", 0, [again])])

    def found(*which, **more) -> list[str]:
        return [session for _, _, session in store.log.begun(*which, **{"limit": 9, **more})]

    assert found() == ["ses_0", "ses_3", "ses_2", "ses_1", "ses_0"]
    first = store.log.begun(limit=2)
    assert found(before=first[-1][0]) == ["ses_2", "ses_1", "ses_0"]
    assert found("q") == ["ses_3"]
    assert found("p", "main.py:on_a") == ["ses_0", "ses_0"]
    assert found("p", "main.py") == ["ses_0", "ses_1", "ses_0"]
    assert found("p", "on_a") == ["ses_0", "ses_2", "ses_0"]
    moments = [dt.datetime.fromtimestamp(second, dt.UTC) for second in (101, 102)]
    assert found("", "", *moments) == ["ses_2", "ses_1"]
    outlines = store.log.outlines(["ses_0", "ses_1", "ses_9"])
    assert {name: [line.text for line in lines] for name, lines in outlines.items()} == {
        "ses_0": ["running", "completed", "restarted"],
        "ses_1": ["running", "completed"],
    }
    assert sorted(store.log.alike("ses_", 9)) == ["ses_0", "ses_1", "ses_2", "ses_3"]
    assert store.log.alike("ses-", 9) == []


def test_lines_are_read_cut_and_from_a_number_on(store):
    """For a look at a long session: no line longer than asked for."""
    lines = [LogLine(n, 1.0, "print", "x" * 1000) for n in range(5)]
    store.log.write([LogBatch("p", "ses_1", "run", 0, lines)])
    found = store.log.brief("ses_1", "run", first=3, characters=10)
    assert [(item.line, item.text) for item in found] == [(3, "x" * 10), (4, "x" * 10)]
    assert [item.line for item in store.log.since("ses_1", found[0].seq)] == [4]


def test_subscriptions_are_known_around_a_moment(store):
    """Those that ended before it and those that began after it, nearest first, and what ended them."""
    for name in ("early", "late"):
        store.mailbox.subscribe(Subscription(f"left-{name}", "p", "hook", f"ses_{name}", "data.n == 1"))
    store.mailbox.subscribe(Subscription("elsewhere", "p", "other", "ses_early"))
    store.mailbox.unsubscribe("left-early", "ses_early")
    store.mailbox.forget("ses_late")
    store.mailbox.subscribe(Subscription("spans", "p", "hook", "ses_3"))
    moment = clock.now() + dt.timedelta(microseconds=1)
    wait_past(moment)
    store.mailbox.subscribe(Subscription("came", "p", "hook", "ses_4"))
    store.mailbox.subscribe(Subscription("came-and-went", "p", "hook", "ses_5"))
    store.mailbox.forget("ses_5")
    store.mailbox.forget("ses_3")

    def around(window: dt.timedelta, limit: int = 10) -> tuple[list[tuple[str, str]], list[str]]:
        before, after = store.mailbox.around("p", "hook", moment, window, limit)
        return [(item.id, item.ended_by) for item in before], [item.id for item in after]

    hour = dt.timedelta(hours=1)
    assert around(hour) == (
        [("left-late", "session"), ("left-early", "unsubscribe")],
        ["came", "came-and-went"],
    )
    assert around(hour, limit=1) == ([("left-late", "session")], ["came"])
    assert around(dt.timedelta()) == ([], [])


def test_lost_events_are_those_without_an_effect(store):
    """Their own, or one of a repetition's; for one trigger only its own sessions count."""
    handled, skipped, repeated, tried = event(), event(), event(), event()
    store.events.record(handled, [delivery(handled, "done"), delivery(handled, "skipped", "other")])
    store.events.record(skipped, [delivery(skipped, "skipped")])
    store.events.record(repeated, [])
    store.events.record(tried, [])
    again, nothing = event(repeats=repeated.id), event(repeats=tried.id)
    store.events.record(again, [delivery(again, "pending")])
    store.events.record(nothing, [delivery(nothing, "skipped")])

    def lost(**choice) -> list[str]:
        return [item.id for item in store.events.lost("p", **choice)]

    assert lost() == [skipped.id, tried.id]
    assert lost(limit=1) == [skipped.id]
    assert lost(handled=True) == [handled.id, skipped.id, repeated.id, tried.id]
    assert lost(trigger="other") == [handled.id, skipped.id, repeated.id, tried.id]
    assert lost(trigger="hook") == [skipped.id, tried.id]
    assert (
        lost(source="elsewhere")
        == lost(event_type="get")
        == lost(until=clock.now() - dt.timedelta(hours=1))
        == []
    )
    assert lost(source="new", trigger="new", former=["hook"]) == [skipped.id, tried.id]
    assert store.events.lost("q") == []
    found = store.events.repetitions([repeated.id, tried.id, handled.id])
    assert {key: [item.id for item in value] for key, value in found.items()} == {
        repeated.id: [again.id],
        tried.id: [nothing.id],
        handled.id: [],
    }


def test_repetitions_of_an_older_database_are_known(store):
    """Their memo named the first event; the migration notes it where it is looked for."""
    first = event()
    later = event(memo={"redispatched_from": first.id, "other": "x"})
    store.events.record(first, [])
    store.events.record(later, [])
    assert store.events.repetitions([first.id])[first.id] == []
    with store.database.write() as connection:
        m0009_what_did_not_happen.upgrade(connection)
    assert [item.id for item in store.events.repetitions([first.id])[first.id]] == [later.id]


def test_refused_requests_are_counted_and_bounded(store, monkeypatch):
    """Alike ones together, the last first; the oldest go, those of a project with it, all of them by age."""
    began = clock.now() - dt.timedelta(hours=1)

    def refused(path: str, minutes: int, count: int = 1, project: str = "", reason: str = "") -> Refused:
        at = began + dt.timedelta(minutes=minutes)
        return Refused("POST", path, "AK3404", "1.2.3.4", count, at, at, project, "", reason)

    store.refused.add([refused("/a", 1, 2), refused("/b", 2, project="p")])
    store.refused.add([refused("/a", 3, 5, reason="later"), refused("/c", 1, project="q")])
    (first, second, third) = store.refused.list()
    assert (first.path, first.count, first.reason) == ("/a", 7, "later")
    assert (first.first_at, first.last_at) == (
        began + dt.timedelta(minutes=1),
        began + dt.timedelta(minutes=3),
    )
    assert [second.path, third.path] == ["/b", "/c"]
    assert [item.path for item in store.refused.list("p")] == ["/a", "/b"]
    assert [item.path for item in store.refused.list(since=began + dt.timedelta(minutes=3))] == ["/a"]
    monkeypatch.setattr(module_of_refused, "MOST", 2)
    store.refused.add([refused("/d", 4)])
    assert [item.path for item in store.refused.list()] == ["/d", "/a"]
    before = began + dt.timedelta(minutes=4)
    assert store.retention.leftovers(before, delete=False) == 1
    assert store.retention.leftovers(before, delete=True) == 1
    assert [item.path for item in store.refused.list()] == ["/d"]


def test_what_came_past_a_session_that_waits(store):
    """Signals of other names since it began, events of its sources that were not handed to it; nothing for others."""
    since = clock.now()
    store.mailbox.await_signal("p", "approved", "ses_1", since)
    for number, name in enumerate(("aproved", "other", "aproved", "approved")):
        store.mailbox.signal(f"sig_{number}", "p", name, None)
    store.mailbox.signal("sig_elsewhere", "q", "aproved", None)
    names, found = store.unmatched.signals("p", "ses_1", since)
    assert names == ["approved"]
    assert [(item.name, item.count, item.last) for item in found] == [
        ("aproved", 2, "sig_2"),
        ("other", 1, "sig_1"),
    ]
    assert store.unmatched.signals("p", "ses_2", since) == ([], [])
    assert store.unmatched.signals("p", "ses_1", clock.now() + dt.timedelta(hours=1))[1] == []
    early = event(created_at=since - dt.timedelta(hours=1))
    store.events.record(early, [])
    store.mailbox.subscribe(Subscription("mine", "p", "hook", "ses_1", "data.n == 1"))
    match, first, last = event(), event(data={"n": 2}), event(data={"n": 3})
    for item in (match, first, last):
        store.events.record(item, [], partial(subscribers, store.mailbox))
    (passed,) = store.unmatched.events("p", "ses_1")
    assert (passed.name, passed.count, passed.last) == ("hook", 2, last.id)
    assert store.unmatched.events("p", "ses_2") == []


def test_an_event_with_many_subscriptions_is_explained_shortly(store):
    """All that took it up to some, of the others those first whose filter failed; all of them when asked for."""
    texts = [f"data.n == {n + 10}" for n in range(50)] + ["data.missing == 1", "data.n == 1", "data.n == 1"]
    for number, text in enumerate(texts):
        store.mailbox.subscribe(Subscription(f"sub_{number:02}", "p", "hook", f"ses_{number}", text))
    happened = event()
    store.events.record(happened, [], partial(subscribers, store.mailbox))
    short = event_explain.explained(store, happened)
    assert [item["filter"] for item in short["subscriptions"] if item["matched"]] == ["data.n == 1"] * 2
    passed = [item["filter"] for item in short["subscriptions"] if not item["matched"]]
    assert (passed[0], len(passed)) == ("data.missing == 1", 10)
    assert short["subscriptions_not_shown"] == len(texts) - 12
    assert f"and {len(texts) - 12} more subscriptions: --all shows them" in event_explain.text_of(short)
    whole = event_explain.explained(store, happened, everything=True)
    assert (len(whole["subscriptions"]), whole["subscriptions_not_shown"]) == (len(texts), 0)


def wait_past(moment: dt.datetime) -> None:
    """Until the clock is beyond a moment that is microseconds away."""
    while clock.now() <= moment:
        pass
