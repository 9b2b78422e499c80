"""The loop that carries out deliveries, against a fake dispatcher."""

from __future__ import annotations

import asyncio
import logging

import pytest

from worker.dispatch import outbox as module
from worker.dispatch.deliver import Outcome
from worker.dispatch.dispatcher import Work
from worker.dispatch.outbox import CONCURRENCY, Outage, Outbox
from worker.store.records import Delivery

DONE = Outcome("done")
UNREACHABLE = Outcome("retry", "Temporal cannot be reached", outage=True)


def delivery(number):
    """A claimed delivery."""
    return Work(
        Delivery(f"dlv_{number}", f"evt_{number}", "p", "t", "main.py:f", f"ses_{number}", "pending"), None
    )


class FakeDispatcher:
    """Hands out deliveries and plays back the outcomes it was given; an exception is raised."""

    def __init__(self, count=0, outcomes=(), claims=()):
        self.pending = [delivery(number) for number in range(count)]
        self.outcomes = list(outcomes)
        self.claims = list(claims)
        self.claimed = 0
        self.done = []
        self.running = self.most = 0
        self.gate = None
        self.changed = asyncio.Condition()

    async def claim(self, owner, limit):
        """Hand out what is pending, or fail."""
        self.claimed += 1
        await self.notify()
        if self.claims and (error := self.claims.pop(0)):
            raise error
        claimed, self.pending = self.pending[:limit], self.pending[limit:]
        return claimed

    async def deliver_in_order(self, group):
        """One after the other."""
        return [await self.deliver(item) for item in group]

    async def deliver(self, item):
        """Play back the next outcome."""
        self.running += 1
        self.most = max(self.most, self.running)
        await self.notify()
        if self.gate:
            await self.gate.wait()
        self.running -= 1
        outcome = self.outcomes.pop(0) if self.outcomes else DONE
        if outcome is not DONE:
            self.pending.append(item)
        else:
            self.done.append(item.delivery.id)
        await self.notify()
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    async def notify(self):
        """Tell who waits in `until`."""
        async with self.changed:
            self.changed.notify_all()

    async def until(self, predicate):
        """Wait until the predicate holds."""
        async with self.changed:
            await self.changed.wait_for(predicate)


@pytest.fixture(autouse=True)
def short_waits(monkeypatch):
    """Pauses and polls short enough for a unit test."""
    monkeypatch.setattr(module, "POLL_SECONDS", 0.001)
    monkeypatch.setattr(module, "FIRST_PAUSE_SECONDS", 0.001)
    monkeypatch.setattr(module, "LONGEST_PAUSE_SECONDS", 0.002)


async def run_until_done(fake, count):
    """Run an outbox until so many deliveries are done."""
    outbox = Outbox(None, None, "me", dispatcher=fake)
    task = asyncio.create_task(outbox.run())
    await fake.until(lambda: len(fake.done) == count)
    outbox.stop()
    await task


async def test_outbox_delivers_what_is_pending():
    """What was pending before the loop began is delivered."""
    fake = FakeDispatcher(3)
    await run_until_done(fake, 3)
    assert fake.done == ["dlv_0", "dlv_1", "dlv_2"]


async def test_outbox_delivers_when_woken(monkeypatch):
    """A wake-up is enough: the poll need not come round."""
    monkeypatch.setattr(module, "POLL_SECONDS", 3600)
    fake = FakeDispatcher()
    outbox = Outbox(None, None, "me", dispatcher=fake)
    task = asyncio.create_task(outbox.run())
    await fake.until(lambda: fake.claimed)
    fake.pending.append(delivery(7))
    outbox.wake()
    await fake.until(lambda: fake.done == ["dlv_7"])
    outbox.stop()
    await task


async def test_outbox_bounds_what_is_under_way(monkeypatch):
    """No more than the bound is under way at once, and a backlog is worked off without polling."""
    monkeypatch.setattr(module, "POLL_SECONDS", 3600)
    fake = FakeDispatcher(3 * CONCURRENCY)
    fake.gate = asyncio.Event()
    outbox = Outbox(None, None, "me", dispatcher=fake)
    task = asyncio.create_task(outbox.run())
    await fake.until(lambda: fake.running == CONCURRENCY)
    fake.gate.set()
    await fake.until(lambda: len(fake.done) == 3 * CONCURRENCY)
    outbox.stop()
    await task
    assert fake.most <= CONCURRENCY


async def test_outbox_stop_lets_deliveries_end():
    """Stopping claims nothing more and waits for what is under way."""
    fake = FakeDispatcher(1)
    fake.gate = asyncio.Event()
    outbox = Outbox(None, None, "me", dispatcher=fake)
    task = asyncio.create_task(outbox.run())
    await fake.until(lambda: fake.running)
    fake.pending.append(delivery(9))
    outbox.stop()
    fake.gate.set()
    await task
    assert (fake.done, len(fake.pending)) == (["dlv_0"], 1)


async def test_outbox_survives_an_outage_of_temporal(caplog):
    """Deliveries wait while Temporal is away; the log says so once, and once when it is over."""
    caplog.set_level(logging.INFO, "autokitteh")
    fake = FakeDispatcher(2, [UNREACHABLE] * 7)
    await run_until_done(fake, 2)
    assert caplog.messages.count("events_are_waiting") == 1
    assert caplog.messages[-1] == "events_are_delivered_again"


async def test_outbox_survives_an_outage_of_the_store(caplog):
    """The loop goes on after the database failed in a claim and in a delivery."""
    fake = FakeDispatcher(2, [OSError("gone")], [OSError("gone"), OSError("gone")])
    await run_until_done(fake, 2)
    reasons = {record.facts["reason"] for record in caplog.records}
    assert reasons == {"the database cannot be used (OSError)"}


async def test_outbox_logs_a_delivery_that_failed(caplog):
    """A delivery that failed for good is an error in the log, with its reason."""
    fake = FakeDispatcher(2, [Outcome("failed", "blob too large")])
    await run_until_done(fake, 1)
    (record,) = caplog.records
    assert record.message == "delivery_failed"
    assert record.facts == {"event": "evt_0", "handler": "main.py:f", "reason": "blob too large"}


def test_outage_pauses_grow_and_end():
    """Each further failure doubles the pause up to a limit, those of one burst count once, a success ends it."""
    now = [100.0]
    outage = Outage(lambda: now[0])
    assert outage.remaining() == 0
    pauses = []
    for _ in range(4):
        outage.failed("away")
        outage.failed("away")
        pauses.append(outage.remaining())
        now[0] += outage.remaining()
    assert pauses == pytest.approx([0.001, 0.002, 0.002, 0.002])
    outage.succeeded()
    assert outage.remaining() == 0
