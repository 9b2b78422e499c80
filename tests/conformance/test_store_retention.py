"""Cleaning: what is old goes in batches, what open sessions hold stays; the same on both databases."""

from __future__ import annotations

import datetime as dt

import pytest
import sqlalchemy as sa

from tests.helpers.desired import desired
from worker import clock
from worker.contracts import LogBatch, LogLine
from worker.store import retention as room
from worker.store import tables
from worker.store.records import Delivery, Event, Subscription
from worker.store.retention import Age, Needed

DAY = dt.timedelta(days=1)
NOW = clock.now()
OLD = Age(NOW - 30 * DAY)


@pytest.fixture(autouse=True)
def small_batches(monkeypatch):
    """Several batches with few rows."""
    monkeypatch.setattr(room, "_BATCH", 3)
    monkeypatch.setattr(room, "_PAUSE_SECONDS", 0.0)


def record(store, number: int, days: float, *deliveries: tuple[str, str]) -> str:
    """An event so many days old, with deliveries: session and state."""
    identifier = f"evt_{number}"
    event = Event(identifier, "p", "trigger", "hook", "post", {}, {}, NOW - days * DAY)
    rows = [
        Delivery(f"dlv_{number}_{n}", identifier, "p", "hook", "main.py:f", session, state)
        for n, (session, state) in enumerate(deliveries)
    ]
    assert store.events.record(event, rows)
    return identifier


def count(store, table: sa.Table) -> int:
    """How many rows a table has."""
    with store.database.read() as connection:
        return int(connection.execute(sa.select(sa.func.count()).select_from(table)).scalar() or 0)


def age_rows(store, table: sa.Table, column: str, days: float) -> None:
    """Make all rows so many days old."""
    with store.database.write() as connection:
        connection.execute(sa.update(table).values(**{column: NOW - days * DAY}))


def test_old_events_go_with_deliveries_and_outcomes(store):
    """Not a new one, not one that still has to be delivered, not one of an open session; counting deletes nothing."""
    for number in range(10):
        record(store, number, 40, (f"ses_{number}", "done"))
    record(store, 10, 40, ("ses_x", "pending"))
    record(store, 11, 40, ("ses_done", "done"), ("ses_open", "done"))
    record(store, 12, 1, ("ses_new", "done"))
    store.mailbox.answer("evt_0", "ses_0", 1)
    store.mailbox.answer("evt_12", "ses_new", 1)
    needed = Needed(frozenset({"ses_open"}))
    assert store.retention.events(OLD, needed, delete=False) == 10
    assert count(store, tables.events) == 13
    assert store.retention.events(OLD, needed, delete=True) == 10
    assert {event.id for event in store.events.list()} == {"evt_10", "evt_11", "evt_12"}
    assert [len(store.events.deliveries(f"evt_{n}")) for n in (0, 10, 11, 12)] == [0, 1, 2, 1]
    assert [len(store.mailbox.outcomes(f"evt_{n}")) for n in (0, 12)] == [0, 1]
    assert store.retention.events(OLD, needed, delete=True) == 0


def test_only_the_newest_events_stay(store):
    """A number bounds them, whatever their age; without a limit nothing goes."""
    for number in range(10):
        record(store, number, 0)
    assert store.retention.events(Age(None), Needed(), delete=True) == 0
    assert store.retention.events(Age(None, 4, NOW - DAY), Needed(), delete=True) == 0
    assert store.retention.events(Age(None, 4), Needed(), delete=True) == 6
    assert {event.id for event in store.events.list()} == {"evt_6", "evt_7", "evt_8", "evt_9"}


def test_signals_stay_while_a_session_may_ask_for_them(store):
    """One that began before they were sent gets them at its first wait."""
    for number in range(5):
        store.mailbox.signal(f"sig_{number}", "p", "go", number)
        store.mailbox.signal(f"other_{number}", "q", "go", number)
    age_rows(store, tables.signals, "created_at", 40)
    needed = Needed(since={"p": NOW - 50 * DAY})
    assert store.retention.signals(OLD, needed, delete=False) == 5
    assert store.retention.signals(OLD, needed, delete=True) == 5
    assert len(store.mailbox.await_signal("p", "go", "ses_1", NOW - 50 * DAY)) == 5
    assert store.retention.signals(OLD, Needed(since={"p": NOW - 35 * DAY}), delete=True) == 5


def line(days: float, number: int = 0) -> LogLine:
    """A line so many days old."""
    return LogLine(number, (NOW - days * DAY).timestamp(), "print", f"{days} days")


def test_logs_go_as_a_whole_when_their_session_has_ended(store):
    """A log stays while its last line is new; of an open session, runs before the present one may go."""
    for session, run, days in (
        ("ended", "r1", [50, 40]),
        ("lately", "r2", [50, 1]),
        ("open", "r3", [50, 40]),
        ("open", "r4", [39, 38]),
    ):
        lines = [line(day, number) for number, day in enumerate(days)]
        store.log.write([LogBatch("p", session, run, 0, lines)])
    needed = Needed(frozenset({"open"}), frozenset({"r4"}))
    assert store.retention.log_lines(OLD, needed, delete=False) == 4
    assert store.retention.log_lines(OLD, needed, delete=True) == 4
    assert [len(store.log.read(name)) for name in ("ended", "lately", "open")] == [0, 2, 2]
    assert [item.run_id for item in store.log.read("open")] == ["r4", "r4"]
    assert store.retention.log_lines(Age(None, 2), needed, delete=True) == 2
    assert [len(store.log.read(name)) for name in ("ended", "lately", "open")] == [0, 0, 2]


def test_operations_stay_while_their_run_is_open(store):
    """A step that is repeated must get its answer."""
    for number in range(7):
        store.mailbox.answer("evt_1", "ses_1", 1, f"run_{number % 2}/{number}")
    age_rows(store, tables.operations, "created_at", 40)
    needed = Needed(runs=frozenset({"run_1"}))
    assert store.retention.operations(None, needed, delete=True) == 0
    assert store.retention.operations(OLD.before, needed, delete=False) == 4
    assert store.retention.operations(OLD.before, needed, delete=True) == 4
    assert count(store, tables.operations) == 3


def test_leftovers_go(store):
    """Deliveries of signals that were made, answers to events that are gone, subscriptions that ended, signs of life."""
    store.mailbox.await_signal("p", "go", "ses_1", NOW)
    for number in range(4):
        (delivery,) = store.mailbox.signal(f"sig_{number}", "p", "go", number)
        if number:
            store.events.finish_delivery(delivery.id, "done")
    age_rows(store, tables.deliveries, "finished_at", 40)
    store.mailbox.answer("gone", "ses_1", 1)
    age_rows(store, tables.outcomes, "created_at", 40)
    store.mailbox.subscribe(Subscription("sub_1", "p", "hook", "ses_1"))
    assert store.retention.registered(clock.now() + DAY) == {"ses_1"}
    store.mailbox.forget("ses_1")
    age_rows(store, tables.ended_subscriptions, "ended_at", 40)
    assert store.retention.leftovers(None, delete=True) == 0
    assert store.retention.leftovers(OLD.before, delete=False) == 5
    assert store.retention.leftovers(OLD.before, delete=True) == 5
    assert count(store, tables.deliveries) == 1
    store.services.beat("s", "supervisor", "host", 1, {})
    store.leases.take("cleaning", "me", -1)
    assert store.retention.signs_of_life(clock.now() + DAY, delete=True) == 2


def test_payload_that_is_used_stays(store):
    """Writing it again says that it is in use."""
    for name in ("blob_a", "blob_b"):
        store.blobs.put(name, b"content")
    with store.database.write() as connection:
        connection.execute(sa.update(tables.blobs).values(used_at=None, created_at=NOW - 40 * DAY))
    store.blobs.put("blob_a", b"content")
    assert store.retention.payloads(OLD.before, delete=False) == 1
    assert store.retention.payloads(OLD.before, delete=True) == 1
    assert (store.blobs.get("blob_a"), store.blobs.get("blob_b")) == (b"content", None)


def test_build_goes_when_no_deployment_is_made_of_it(store):
    """A deployment in use is not deleted; a build asked for again is new."""
    made = {}
    for number in range(3):
        store.builds.put("p", f"bld_{number}", b"content", [])
        made[number] = store.deployments.request("p", f"bld_{number}", f"v{number}", desired(), {}, [], "")
        store.deployments.activate(made[number].id)
    age_rows(store, tables.builds, "created_at", 40)
    assert store.retention.drop_deployment(made[2].id) is False
    assert store.retention.drop_deployment(made[1].id) is False
    store.deployments.retire(made[0].id)
    store.deployments.retire(made[1].id)
    assert store.retention.builds(OLD.before, [made[0].id], delete=False) == ["bld_0"]
    assert store.retention.drop_deployment(made[0].id) is True
    assert store.retention.drop_deployment(made[1].id) is True
    assert store.builds.exists("bld_1")
    assert store.retention.builds(OLD.before, [], delete=True) == ["bld_0"]
    assert store.builds.get("bld_0") is None
    assert [item.id for item in store.deployments.list("p")] == [made[2].id]


def test_space_of_deleted_rows_is_given_back(store):
    """A file of SQLite shrinks; Postgres looks after itself."""
    for number in range(40):
        store.blobs.put(f"blob_{number}", bytes(100_000))
    age_rows(store, tables.blobs, "used_at", 40)
    assert store.retention.payloads(OLD.before, delete=True) == 40
    store.database.reclaim()
    if store.database.dialect == "sqlite":
        with store.database.read() as connection:
            assert connection.exec_driver_sql("PRAGMA page_count").scalar() < 400
