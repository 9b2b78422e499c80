"""A whole cleaning against a Temporal of the test's: what open sessions need stays to the minute; on both databases."""

from __future__ import annotations

import datetime as dt
from types import SimpleNamespace

import pytest
import sqlalchemy as sa
from google.protobuf.duration_pb2 import Duration
from google.protobuf.timestamp_pb2 import Timestamp

from worker import clock
from worker.config import Keep
from worker.contracts import MEMO_BEGAN
from worker.retention import Sweep
from worker.store import tables
from worker.store.records import Delivery, Event

DAY = dt.timedelta(days=1)
MINUTE = dt.timedelta(minutes=1)
MARGIN = 2 * DAY  # writers say at least once a day that they use a payload


class Temporal:
    """Open sessions by name: since when their runs are there, and since when they have steps where that is earlier."""

    def __init__(self, *, histories: dt.timedelta) -> None:
        self.namespace = "default"
        self.workflow_service = self
        self.histories = histories
        self.open: dict[str, tuple[dt.datetime, dt.datetime | None, str]] = {}

    async def describe_namespace(self, _request):
        """How long histories are kept."""
        kept = Duration()
        kept.FromTimedelta(self.histories)
        return SimpleNamespace(config=SimpleNamespace(workflow_execution_retention_ttl=kept))

    async def list_workflows(self, query):
        """The open ones."""
        assert query == 'ExecutionStatus="Running"'
        for name, (start, original, began) in self.open.items():

            async def memo(began=began):
                """What the session says about itself."""
                return {MEMO_BEGAN: began} if began else {}

            first = f"first of {name}" if original is not None else f"run of {name}"
            yield SimpleNamespace(
                id=name,
                run_id=f"run of {name}",
                task_queue="shop",
                start_time=start,
                memo=memo,
                raw_info=SimpleNamespace(first_run_id=first),
            )

    def get_workflow_handle(self, name, run_id):
        """A handle on a run that a reset made."""
        original = self.open[name][1]

        async def describe():
            """When its first step was."""
            at = Timestamp()
            at.FromDatetime(original.astimezone(dt.UTC).replace(tzinfo=None))
            extended = SimpleNamespace(original_start_time=at, HasField=lambda field: True)
            return SimpleNamespace(raw_description=SimpleNamespace(workflow_extended_info=extended))

        return SimpleNamespace(describe=describe)


def payload(store, name: str, used: dt.datetime) -> None:
    """A large payload, last used then."""
    store.blobs.put(name, b"content")
    with store.database.write() as connection:
        blobs = tables.blobs
        connection.execute(sa.update(blobs).where(blobs.c.id == name).values(used_at=used, created_at=used))


async def left(store, temporal: Temporal) -> set[str]:
    """Clean, and say which payloads are left; what would go was counted right before."""
    counted = await Sweep(store, temporal, Keep(), delete=False).run()
    deleted = await Sweep(store, temporal, Keep(), delete=True).run()
    assert counted == deleted
    with store.database.read() as connection:
        return set(connection.execute(sa.select(tables.blobs.c.id)).scalars())


@pytest.mark.parametrize(
    ("histories", "started", "original", "cutoff"),
    [
        (DAY, None, None, DAY),  # nothing is open: as long as Temporal keeps histories
        (90 * DAY, None, None, 90 * DAY),
        (DAY, 40 * DAY, None, 40 * DAY),  # the oldest run that is open
        (90 * DAY, 40 * DAY, None, 90 * DAY),
        (DAY, 3 * DAY, 40 * DAY, 40 * DAY),  # a run that was reset has the steps of the one before
    ],
)
async def test_payloads_go_at_the_cutoff(store, histories, started, original, cutoff):
    """What may stand in a history that somebody needs stays, a minute more than that goes."""
    now = clock.now()
    temporal = Temporal(histories=histories)
    if started is not None:
        temporal.open["ses_new"] = (now - DAY, None, "")
        temporal.open["ses_old"] = (now - started, now - original if original else None, "")
    payload(store, "needed", now - cutoff - MARGIN + MINUTE)
    payload(store, "not needed", now - cutoff - MARGIN - MINUTE)
    payload(store, "new", now)
    assert await left(store, temporal) == {"needed", "new"}


async def test_payload_that_was_written_again_stays(store):
    """Two sessions with the same value share it: the later one keeps it."""
    now = clock.now()
    temporal = Temporal(histories=DAY)
    payload(store, "shared", now - 50 * DAY)
    store.blobs.put("shared", b"content")
    assert await left(store, temporal) == {"shared"}


async def test_session_that_ended_frees_its_payloads(store):
    """While it is open they stay, afterwards they go."""
    now = clock.now()
    temporal = Temporal(histories=DAY)
    temporal.open["ses_old"] = (now - 40 * DAY, None, "")
    payload(store, "its own", now - 39 * DAY)
    assert await left(store, temporal) == {"its own"}
    temporal.open.clear()
    assert await left(store, temporal) == set()


async def test_events_and_signals_of_open_sessions_stay(store):
    """An event goes with its session's end; signals reach back to the beginning of a session that restarted."""
    now = clock.now()
    temporal = Temporal(histories=DAY)
    keep = Keep(event_days=30)
    for number, session in enumerate(("ses_open", "ses_ended")):
        event = Event(f"evt_{number}", "shop", "trigger", "hook", "post", {}, {}, now - 40 * DAY)
        delivery = Delivery(f"dlv_{number}", event.id, "shop", "hook", "main.py:f", session, "done")
        assert store.events.record(event, [delivery])
    for number, days in enumerate((36, 34)):
        store.mailbox.signal(f"sig_{number}", "shop", "go", number)
        with store.database.write() as connection:
            signals = tables.signals
            connection.execute(
                sa.update(signals).where(signals.c.id == f"sig_{number}").values(created_at=now - days * DAY)
            )
    temporal.open["ses_open"] = (now - DAY, None, (now - 35 * DAY).isoformat())
    removed = await Sweep(store, temporal, keep, delete=True).run()
    assert (removed.open_sessions, removed.events, removed.signals) == (1, 1, 1)
    assert [event.id for event in store.events.list()] == ["evt_0"]
    since = now - 35 * DAY
    assert [item["id"] for item in store.mailbox.await_signal("shop", "go", "ses_open", since)] == ["sig_1"]
