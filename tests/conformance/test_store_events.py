"""Events and their outbox, on both databases."""

from __future__ import annotations

import dataclasses
import datetime as dt
import threading

import pytest
import sqlalchemy as sa

from worker import clock, ids
from worker.errors import StoreError
from worker.store import tables
from worker.store.records import Delivery, Event


def event(**fields) -> Event:
    """An event of a webhook."""
    plain = {
        "event_type": "post",
        "data": {"a": [1, None, "ü"]},
        "memo": {"m": "x"},
        "created_at": clock.now(),
    }
    return Event(ids.new("evt"), "p", "trigger", "t", **{**plain, **fields})


def delivery(of: Event) -> Delivery:
    """A session to be started."""
    return Delivery(ids.new("dlv"), of.id, "p", "t", "main.py:on_event", ids.new("ses"), "pending")


def test_record_reads_back_and_is_idempotent(store):
    """An event of an id is written once, with its deliveries."""
    happened = event()
    planned = delivery(happened)
    assert store.events.record(happened, [planned]) is True
    assert store.events.record(happened, [delivery(happened)]) is False
    found = store.events.get(happened.id)
    assert (found.data, found.memo, found.created_at) == (happened.data, happened.memo, happened.created_at)
    assert store.events.deliveries(happened.id) == [planned]
    assert store.events.start_of(planned.session_id) == planned
    assert store.events.start_of("ses_by_hand") is None


def test_list_is_newest_first_and_filters(store):
    """Listings go by project and source."""
    for number in range(3):
        store.events.record(event(data=number), [])
    assert [item.data for item in store.events.list("p", "t", 2)] == [2, 1]
    assert store.events.list("other") == []


def test_claim_hands_out_each_delivery_once(store):
    """However many gateways ask at once, nobody gets what another one has."""
    for _ in range(40):
        happened = event()
        store.events.record(happened, [delivery(happened)])
    claimed: list[str] = []
    lock = threading.Lock()

    def claim(owner: str) -> None:
        while found := store.events.claim_deliveries(owner, 3, 30):
            with lock:
                claimed.extend(item.id for item in found)

    threads = [threading.Thread(target=claim, args=(str(number),)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(claimed) == len(set(claimed)) == 40


def test_lease_of_a_dead_owner_expires(store, monkeypatch):
    """A delivery whose owner never came back is handed out again."""
    happened = event()
    store.events.record(happened, [delivery(happened)])
    assert len(store.events.claim_deliveries("dead", 10, 30)) == 1
    assert store.events.claim_deliveries("next", 10, 30) == []
    later = clock.now() + dt.timedelta(seconds=31)
    monkeypatch.setattr(clock, "now", lambda: later)
    assert store.events.claim_deliveries("next", 10, 30)[0].attempts == 2


def test_claims_of_an_owner_known_to_be_dead_are_free_at_once(store):
    """Its alone: what another one is at stays with it, what waits for another attempt waits."""
    for _ in range(3):
        happened = event()
        store.events.record(happened, [delivery(happened)])
    (lost,) = store.events.claim_deliveries("dead", 1, 30)
    store.events.claim_deliveries("alive", 1, 30)
    (tried,) = store.events.claim_deliveries("dead", 1, 30)
    store.events.release_delivery(tried.id, "away")
    store.events.free_claims("dead")
    assert [item.id for item in store.events.claim_deliveries("next", 10, 30)] == [lost.id]


def test_released_delivery_waits_and_finished_one_is_gone(store, monkeypatch):
    """A failed attempt is tried again later; a finished one never."""
    happened = event()
    planned = delivery(happened)
    store.events.record(happened, [planned])
    store.events.claim_deliveries("me", 10, 30)
    store.events.release_delivery(planned.id, "away")
    assert store.events.claim_deliveries("me", 10, 30) == []
    later = clock.now() + dt.timedelta(seconds=10)
    monkeypatch.setattr(clock, "now", lambda: later)
    assert len(store.events.claim_deliveries("me", 10, 30)) == 1
    store.events.finish_delivery(planned.id, "done")
    assert store.events.deliveries(happened.id)[0].state == "done"


def test_backoff_grows_to_its_limit(store, monkeypatch):
    """Each failure waits longer, up to a few seconds."""
    happened = event()
    planned = delivery(happened)
    store.events.record(happened, [planned])
    waits = []
    now = clock.now()
    for _ in range(6):
        monkeypatch.setattr(clock, "now", lambda now=now: now)
        assert len(store.events.claim_deliveries("me", 1, 30)) == 1
        store.events.release_delivery(planned.id, "away")
        with store.database.read() as connection:
            until = connection.execute(sa.select(tables.deliveries.c.not_before)).scalar_one()
        waits.append((until - now).total_seconds())
        now = until
    assert waits == [1, 2, 4, 5, 5, 5]
    assert store.events.deliveries(happened.id)[0].reason == "away"


def test_finished_delivery_is_not_freed_by_a_late_owner(store, monkeypatch):
    """Who comes back after the lease cannot undo what the next one finished."""
    happened = event()
    planned = delivery(happened)
    store.events.record(happened, [planned])
    store.events.claim_deliveries("slow", 1, 30)
    store.events.finish_delivery(planned.id, "skipped", "no match")
    store.events.release_delivery(planned.id, "too late")
    later = clock.now() + dt.timedelta(hours=1)
    monkeypatch.setattr(clock, "now", lambda: later)
    assert store.events.claim_deliveries("next", 1, 30) == []
    found = store.events.deliveries(happened.id)[0]
    assert (found.state, found.reason) == ("skipped", "no match")


def test_oldest_event_is_delivered_first(store):
    """Claims go by the order of events."""
    planned = []
    for _ in range(5):
        happened = event()
        planned.append(delivery(happened))
        store.events.record(happened, [planned[-1]])
    claimed = store.events.claim_deliveries("me", 3, 30)
    assert sorted(item.id for item in claimed) == sorted(item.id for item in planned[:3])


def test_event_is_written_with_all_its_deliveries_or_not_at_all(store):
    """A delivery that cannot be written takes its event back."""
    happened = event()
    planned = delivery(happened)
    with pytest.raises(StoreError):
        store.events.record(happened, [planned, planned])
    assert store.events.get(happened.id) is None
    assert store.events.deliveries(happened.id) == []


@pytest.mark.parametrize("data", [None, "", [], {"a\0": "b\0"}, "\u2028 😀", 2**70, 1.5], ids=ascii)
def test_any_json_is_kept(store, data):
    """The data of an event reads back as it came."""
    happened = event(data=data)
    store.events.record(happened, [])
    assert store.events.get(happened.id).data == data


def test_event_recorded_by_many_at_once_is_recorded_once(store):
    """One of several that record the same event is told that it was the first."""
    happened = event()
    answers = []
    barrier = threading.Barrier(4)

    def record():
        barrier.wait()
        answers.append(store.events.record(happened, [delivery(happened)]))

    threads = [threading.Thread(target=record) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answers) == [False, False, False, True]
    assert len(store.events.deliveries(happened.id)) == 1


def test_overdue_deliveries_are_counted_by_project(store):
    """Those of events and signals from before some moment that nobody carried out; not what is new, done or taken."""
    hour = dt.timedelta(hours=1)
    now = clock.now()
    for project, age, state in (
        ("p", 2, "pending"),
        ("p", 3, "pending"),
        ("q", 2, "pending"),
        ("p", 0, "pending"),
        ("p", 2, "done"),
        ("q", 2, "inbox"),
    ):
        happened = dataclasses.replace(event(created_at=now - age * hour), project=project)
        planned = dataclasses.replace(delivery(happened), project=project, state=state)
        assert store.events.record(happened, [planned]) is True
    assert store.events.overdue(now - hour) == {"p": 2, "q": 1}
    store.mailbox.await_signal("q", "go", "ses_1", now)
    store.mailbox.signal("sig_1", "q", "go", 1)
    assert store.events.overdue(now - hour) == {"p": 2, "q": 1}
    with store.database.write() as connection:
        connection.execute(sa.update(tables.signals).values(created_at=now - 2 * hour))
    assert store.events.overdue(now - hour) == {"p": 2, "q": 2}
    assert store.events.overdue(now - 4 * hour) == {}


def test_last_start_is_that_of_the_newest_event(store):
    """With the times of our clock around it; ticks have Temporal's, and what was skipped started nothing."""
    assert store.events.last_start() is None
    now = clock.now()
    for number, (event_type, state) in enumerate(
        [("post", "done"), ("post", "done"), ("tick", "done"), ("post", "skipped")]
    ):
        happened = event(event_type=event_type, created_at=now)
        planned = dataclasses.replace(delivery(happened), session_id=f"ses_{number}")
        assert store.events.record(happened, [planned]) is True
        store.events.finish_delivery(planned.id, state)
    session, recorded, started = store.events.last_start()
    assert (session, recorded) == ("ses_1", now)
    assert started >= now


def test_database_tells_its_time(store):
    """A server's clock; a file has none of its own."""
    found = store.database.now()
    assert (found is None) == (store.database.dialect == "sqlite")
    if found is not None:
        assert abs(found - clock.now()) < dt.timedelta(minutes=1)
