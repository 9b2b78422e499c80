"""Take an event in, and see to it that it has its effects.

The store is the hand-over point: an event and all its deliveries are written in one transaction, and only then
is the sender told. What happens to the process afterwards does not matter: every pending delivery is claimed
with a lease, and one whose lease ran out is claimed by whoever comes next. Each step is idempotent.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from typing import Any

from temporalio.client import Client

from worker import contracts, ids
from worker.dispatch import match
from worker.dispatch.deliver import GONE, RETRY, Outcome, deliver, hand_over
from worker.dispatch.triggers import Triggers
from worker.meter import Meter
from worker.store import Store
from worker.store.mailbox import Mailbox
from worker.store.records import Delivery, Event, Trigger

LEASE_SECONDS = 30
BATCH = 32


@dataclass(frozen=True)
class Work:
    """A claimed delivery with all it needs. ``event`` is None when it was deleted, as ``trigger`` may be."""

    delivery: Delivery
    event: Event | None
    trigger: Trigger | None = None


class Dispatcher:
    """Records events and delivers them. The store is synchronous: every call to it runs in a thread."""

    def __init__(self, store: Store, client: Client, meter: Meter | None = None) -> None:
        self._meter = meter or Meter()
        self._store = store
        self._client = client
        self._triggers = Triggers(store)

    def known_webhook(self, slug: str) -> Trigger | None:
        """The trigger that was last found behind a webhook, for `receive_webhook` to confirm; None: use `webhook`."""
        return self._triggers.known_webhook(slug)

    async def webhook(self, slug: str) -> Trigger | None:
        """The trigger behind a webhook now, or None when nothing active listens there."""
        return await asyncio.to_thread(self._triggers.webhook, slug)

    async def receive_webhook(self, event: Event, trigger: Trigger) -> bool:
        """Record a webhook's event and its delivery in one transaction.

        Returns:
            False, with nothing recorded, when the trigger is out of date: look it up again.
        """

        def record() -> bool:
            if self._triggers.webhook(trigger.slug) != trigger:
                return False
            known = replace(event, deployment=self._triggers.deployment_behind(trigger.slug))
            self._record(known, match.decide(known, [trigger]))
            return True

        return await asyncio.to_thread(record)

    async def receive(self, event: Event, only: str = "") -> Event:
        """Record any event with a delivery for each trigger of its source, in one transaction.

        An event that is recorded already stays as it is. Where the project has no active deployment nothing will
        start, and the deliveries say so. With ``only`` it is for this trigger, for no other and for no subscription.
        """

        def record() -> Event:
            triggers = self._triggers.asked(event, only)
            known = replace(event, deployment=self._triggers.deployment(event.project))
            if known.deployment:
                deliveries = match.decide(known, triggers)
            else:
                deliveries = match.skip(known, triggers, match.NOT_ACTIVE)
            self._record(known, deliveries, subscribing=not only)
            return known

        return await asyncio.to_thread(record)

    def _record(self, event: Event, deliveries: list[Delivery], *, subscribing: bool = True) -> None:
        """One transaction; what is counted is what was new."""

        def waiting(connection: Any, happened: Event) -> list[Delivery]:
            return subscribers(self._store.mailbox, connection, happened)

        if not self._store.events.record(event, deliveries, waiting if subscribing else None):
            return
        self._meter.count("autokitteh_events_total", project=event.project, source=event.source)
        for delivery in deliveries:
            if match.is_filter_error(delivery):
                self._meter.count(
                    "autokitteh_filter_errors_total", project=delivery.project, trigger=delivery.trigger
                )

    async def claim(self, owner: str, limit: int) -> list[Work]:
        """Pending deliveries, ours until the lease runs out."""

        def claim() -> list[Work]:
            return [
                self._load(item) for item in self._store.events.claim_deliveries(owner, limit, LEASE_SECONDS)
            ]

        return await asyncio.to_thread(claim)

    def _load(self, delivery: Delivery) -> Work:
        event = self._store.events.get(delivery.event_id) if delivery.kind != match.SIGNAL else None
        if delivery.kind != match.START:
            return Work(delivery, event)
        if event is None or contracts.MEMO_TRIGGER_ID in event.memo:
            return Work(delivery, event)
        return Work(delivery, event, self._store.triggers.get(delivery.project, delivery.trigger))

    async def deliver(self, work: Work) -> Outcome:
        """Carry out a claimed delivery and record how it went; raises only what the store raises."""
        delivery = work.delivery
        if delivery.kind != match.START:
            outcome = await hand_over(self._client, delivery, work.event)
            if outcome.reason == GONE:
                await asyncio.to_thread(self._store.mailbox.forget, delivery.session_id)
        elif work.event is None:
            outcome = Outcome(match.FAILED, f"the event {delivery.event_id} is gone")
        else:
            outcome = await deliver(self._client, delivery, work.event, work.trigger)
        events = self._store.events
        if outcome.state == RETRY:
            await asyncio.to_thread(events.release_delivery, delivery.id, outcome.reason)
        else:
            await asyncio.to_thread(events.finish_delivery, delivery.id, outcome.state, outcome.reason)
        return outcome

    async def deliver_pending(self, owner: str = "", limit: int = BATCH) -> list[Outcome]:
        """Claim what is pending, once, and carry it out: for callers without a running outbox."""
        claimed = await self.claim(owner or ids.new("own"), limit)
        groups = await asyncio.gather(*(self.deliver_in_order(group) for group in by_receiver(claimed)))
        return [outcome for group in groups for outcome in group]

    async def deliver_in_order(self, group: list[Work]) -> list[Outcome]:
        """Carry out one session's deliveries one after the other; after one that has to wait, the rest wait too."""
        outcomes: list[Outcome] = []
        for work in group:
            if outcomes and outcomes[-1].state == RETRY:
                await asyncio.to_thread(
                    self._store.events.release_delivery, work.delivery.id, outcomes[-1].reason
                )
                outcomes.append(outcomes[-1])
            else:
                outcomes.append(await self.deliver(work))
        return outcomes


def by_receiver(claimed: list[Work]) -> list[list[Work]]:
    """Deliveries to running sessions grouped by session, in their order; those that start one by themselves."""
    groups: dict[str, list[Work]] = {}
    for work in claimed:
        delivery = work.delivery
        key = delivery.id if delivery.kind == match.START else delivery.session_id
        groups.setdefault(key, []).append(work)
    return list(groups.values())


def subscribers(mailbox: Mailbox, connection: Any, event: Event) -> list[Delivery]:
    """The deliveries to sessions that wait for the event, found in the transaction that records it."""
    found = mailbox.candidates(connection, event, lambda path: match.look_up(event, path))
    return match.decide_subscriptions(event, found)
