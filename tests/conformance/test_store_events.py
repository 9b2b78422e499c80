"""Events and their outbox, on both databases."""

from __future__ import annotations

import datetime as dt
import threading

from worker import clock, ids
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
