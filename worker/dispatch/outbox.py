"""The loop that carries out deliveries.

Woken when an event was received here; otherwise it looks now and then for what others left behind. Any number
of outboxes may run side by side: leases keep them apart, and where a lease fails, Temporal's unique ids do.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from temporalio.client import Client

from worker import clock, log
from worker.dispatch.deliver import GONE, RETRY, Outcome
from worker.dispatch.dispatcher import Dispatcher, Work, by_receiver
from worker.dispatch.match import DONE
from worker.meter import Meter
from worker.store import Store

POLL_SECONDS = 0.5
CONCURRENCY = 32
FIRST_PAUSE_SECONDS = 0.5
LONGEST_PAUSE_SECONDS = 5.0


class Outage:
    """Whether something we need is out of reach, and when to try again. Says so once, and once when it is over."""

    def __init__(self, monotonic: Callable[[], float] = clock.monotonic) -> None:
        self._monotonic = monotonic
        self._pause = 0.0
        self._until = 0.0

    def failed(self, reason: str) -> None:
        """Note a failure. Those of one burst count once: they were all under way when the first one failed."""
        now = self._monotonic()
        if now < self._until:
            return
        if not self._pause:
            log.log(action="events_are_waiting", level="warning", reason=reason)
        self._pause = min(max(self._pause * 2, FIRST_PAUSE_SECONDS), LONGEST_PAUSE_SECONDS)
        self._until = now + self._pause

    def succeeded(self) -> None:
        """Note that it works."""
        if self._pause:
            log.log(action="events_are_delivered_again")
        self._pause = self._until = 0.0

    def remaining(self) -> float:
        """Seconds until the next attempt makes sense."""
        return max(0.0, self._until - self._monotonic())


class Outbox:
    """Claims pending deliveries and carries them out, a bounded number at a time."""

    def __init__(
        self,
        store: Store,
        client: Client,
        owner: str,
        *,
        dispatcher: Dispatcher | None = None,
        meter: Meter | None = None,
    ) -> None:
        """``owner`` names this process in the leases it takes."""
        self._meter = meter or Meter()
        self._dispatcher = dispatcher or Dispatcher(store, client, self._meter)
        self._owner = owner
        self._store_outage = Outage()
        self._temporal_outage = Outage()
        self._wake = asyncio.Event()
        self._stop = asyncio.Event()
        self._running: set[asyncio.Task[None]] = set()
        self._more = False

    def wake(self) -> None:
        """Look for deliveries now."""
        self._wake.set()

    def stop(self) -> None:
        """Claim nothing more; `run` returns once what is under way has ended."""
        self._stop.set()
        self._wake.set()

    async def run(self) -> None:
        """Deliver until `stop`. Survives every failure of the store and of Temporal."""
        try:
            while not self._stop.is_set():
                await _wait(
                    self._stop, max(self._store_outage.remaining(), self._temporal_outage.remaining())
                )
                if self._stop.is_set():
                    break
                self._wake.clear()
                await self._round()
                await _wait(self._wake, POLL_SECONDS)
            if self._running:
                await asyncio.wait(self._running)
        finally:
            for task in self._running:
                task.cancel()

    async def _round(self) -> None:
        free = CONCURRENCY - len(self._running)
        if not free:
            return
        try:
            claimed = await self._dispatcher.claim(self._owner, free)
        except Exception as error:
            self._store_outage.failed(_describe("the database cannot be used", error))
            return
        self._store_outage.succeeded()
        self._more = len(claimed) == free
        for group in by_receiver(claimed):
            task = asyncio.create_task(self._deliver(group))
            self._running.add(task)
            task.add_done_callback(self._ended)

    async def _deliver(self, group: list[Work]) -> None:
        try:
            outcomes = await self._dispatcher.deliver_in_order(group)
        except Exception as error:
            # The lease runs out and the delivery is found again, started or not.
            self._store_outage.failed(_describe("the database cannot be used", error))
            return
        for work, outcome in zip(group, outcomes, strict=True):
            self._note(work, outcome)

    def _note(self, work: Work, outcome: Outcome) -> None:
        if outcome.outage:
            self._temporal_outage.failed(outcome.reason)
            return
        self._temporal_outage.succeeded()
        self._measure(work, outcome)
        if outcome.reason and outcome.reason != GONE:
            log.log(
                action=f"delivery_{outcome.state}",
                level="warning" if outcome.state == RETRY else "error",
                event=work.delivery.event_id,
                handler=work.delivery.handler,
                reason=outcome.reason,
            )

    def _measure(self, work: Work, outcome: Outcome) -> None:
        delivery = work.delivery
        labels = {"project": delivery.project, "kind": delivery.kind}
        self._meter.count("autokitteh_deliveries_total", outcome=outcome.state, **labels)
        if outcome.state == DONE and work.event is not None:
            took = (clock.now() - work.event.created_at).total_seconds()
            self._meter.observe("autokitteh_delivery_seconds", max(took, 0.0), **labels)
            log.log(
                action="delivered",
                project=delivery.project,
                event=delivery.event_id,
                session=delivery.session_id,
                handler=delivery.handler,
            )

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._running.discard(task)
        # With a backlog, claim again once half of the places are free: one claim for many, not one for each.
        if self._more and len(self._running) <= CONCURRENCY // 2:
            self._wake.set()


async def _wait(event: asyncio.Event, seconds: float) -> None:
    """Wait for the event, at most so long."""
    if seconds <= 0:
        return
    try:
        async with asyncio.timeout(seconds):
            await event.wait()
    except TimeoutError:
        return


def _describe(what: str, error: Exception) -> str:
    return f"{what} ({type(error).__name__})"
