"""What sessions tell each other and keep: the same on both databases, also at the same time."""

from __future__ import annotations

import datetime as dt
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import pytest

from worker import clock, ids
from worker.dispatch.dispatcher import subscribers
from worker.errors import LimitError
from worker.store.records import Event, Subscription
from worker.store.values import New


def event(n: int = 1) -> Event:
    """An event of the trigger hook."""
    return Event(ids.new("evt"), "p", "trigger", "hook", "post", {"n": n}, {}, clock.now())


def test_values_change_atomically_and_once(store):
    """Forty concurrent additions are all there; one that is repeated counts once; large integers stay exact."""

    def add(n):
        def change(old):
            total = (old.value if old else 2**80) + 1
            return total, New(total, total)

        return store.values.change("p", "n", change, f"op {n}")

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(add, [*range(40), *range(40)]))
    assert store.values.get("p", "n").value == 2**80 + 40


def test_values_have_limits(store):
    """The sixty-fifth key is refused, the sixty-fourth may be overwritten."""
    for n in range(64):
        store.values.change("p", f"k{n}", lambda _old: (None, New("v", "v")))
    store.values.change("p", "k0", lambda _old: (None, New("w", "w")))
    with pytest.raises(LimitError, match=r"\(65\) exceeds maximum allowed \(64\)"):
        store.values.change("p", "more", lambda _old: (None, New("v", "v")))


def test_event_finds_the_subscriptions_it_meets(store):
    """By source and by an equality of the filter, in the transaction that records it; none after forget."""
    term = '["data","n"]'.replace(",", ", ")
    for name, text, path, value in [
        ("any", "", "", ""),
        ("one", "data.n == 1", term, "1"),
        ("two", "data.n == 2", term, "2"),
    ]:
        store.mailbox.subscribe(Subscription(name, "p", "hook", f"ses_{name}", text, path, value))
    first = event()
    store.events.record(first, [], partial(subscribers, store.mailbox))
    assert sorted(item.trigger for item in store.events.deliveries(first.id)) == ["any", "one"]
    store.mailbox.forget("ses_any")
    second = event(2)
    store.events.record(second, [], partial(subscribers, store.mailbox))
    assert [item.trigger for item in store.events.deliveries(second.id)] == ["two"]


def test_signal_reaches_each_waiter_once_whoever_is_first(store):
    """Waiting and sending at the same time: a waiter gets the signal from the backlog or as a delivery, never neither."""
    began = clock.now() - dt.timedelta(seconds=1)

    def wait(n):
        return f"ses_{n}", store.mailbox.await_signal("p", "go", f"ses_{n}", began)

    with ThreadPoolExecutor(8) as pool:
        waiting = [pool.submit(wait, n) for n in range(20)]
        sent = pool.submit(store.mailbox.signal, "sig_1", "p", "go", {"a": 1})
        missed = {session for session, items in (item.result() for item in waiting) if items}
        delivered = {item.session_id for item in sent.result()}
    assert missed | delivered == {f"ses_{n}" for n in range(20)}
    assert not missed & delivered
    assert store.mailbox.signal("sig_1", "p", "go", {"a": 1}) == []


def test_outcomes_are_read_in_order_and_recorded_once(store):
    """A repetition of the same operation adds nothing."""
    for n in (1, 2, 2):
        store.mailbox.answer("evt_1", "ses_1", {"n": n}, f"op {n}")
    found = store.mailbox.outcomes("evt_1")
    assert [item.value["n"] for item in found] == [1, 2]
    assert [item.value["n"] for item in store.mailbox.outcomes("evt_1", found[0].seq)] == [2]


def test_newest_outcomes_are_told_per_event(store):
    """Of the events asked for, those that have any."""
    for n, event in enumerate(("evt_1", "evt_2", "evt_1")):
        store.mailbox.answer(event, "ses_1", {"n": n}, f"op {n}")
    newest = store.mailbox.newest_outcomes({"evt_1", "evt_3"})
    assert newest == {"evt_1": store.mailbox.outcomes("evt_1")[-1].seq}
