"""Let events happen again: a new event with the same data, for the triggers and subscriptions there are now.

Rules:

1. The repetition names the first event (``repeats``), also when it repeats a repetition.
2. Its id derives from the first one's and from how often that was repeated before, so that two who do the same at the
   same time make one repetition.
3. A trigger that was renamed since is found under its new name.
4. What was noted about the trigger belongs to the trigger as it was then; it is looked up again.

``Again`` foresees what a repetition would lead to by the rules by which it will be decided. Synchronous.
"""

from __future__ import annotations

from dataclasses import replace

from worker import clock, contracts, ids
from worker.dispatch import match
from worker.dispatch.triggers import Triggers
from worker.store import Store
from worker.store.records import Delivery, Event, Subscription, Trigger

_OF_THE_TRIGGER = (contracts.MEMO_TRIGGER_ID, contracts.MEMO_DURABLE, contracts.MEMO_REDISPATCHED_TO)


class Again:
    """Repetitions of a project's events, for all who listen, or for the trigger ``only``."""

    def __init__(self, store: Store, only: str = "") -> None:
        self._store = store
        self._only = only
        self._triggers = Triggers(store)
        self._subscribed: dict[tuple[str, str], list[Subscription]] = {}

    def repetition(self, event: Event) -> Event:
        """The new event; nothing is recorded yet."""
        first = event.repeats or event.id
        before = len(self._store.events.repetitions([first])[first])
        memo = {key: value for key, value in event.memo.items() if key not in _OF_THE_TRIGGER}
        memo[contracts.MEMO_REDISPATCHED_FROM] = event.id
        if self._only:
            memo[contracts.MEMO_REDISPATCHED_TO] = self._only
        return Event(
            id=ids.derived("evt", "again", first, str(before)),
            project=event.project,
            source_kind=event.source_kind,
            source=source_now(self._store, event),
            event_type=event.event_type,
            data=event.data,
            memo=memo,
            created_at=clock.now(),
            repeats=first,
        )

    def prospect(self, event: Event) -> list[Delivery]:
        """The deliveries that a new event would have now."""
        triggers = self._triggers.asked(event, self._only)
        if not self._triggers.deployment(event.project):
            return match.skip(event, triggers, match.NOT_ACTIVE)
        found = match.decide(event, triggers)
        return found if self._only else [*found, *match.decide_subscriptions(event, self.subscribed(event))]

    def subscribed(self, event: Event) -> list[Subscription]:
        """The subscriptions to the event's source, read once."""
        key = (event.project, event.source)
        if key not in self._subscribed:
            self._subscribed[key] = [
                Subscription(item.id, item.project, item.source, item.session_id, item.filter)
                for item in self._store.mailbox.alive_at(*key, clock.now())
                if item.ended_at is None
            ]
        return self._subscribed[key]

    def asked(self, event: Event) -> list[Trigger]:
        """The triggers that a repetition would be for."""
        return self._triggers.asked(replace(event, source=source_now(self._store, event)), self._only)


def source_now(store: Store, event: Event) -> str:
    """The name that the event's source has now; the one it had, where that is not known."""
    wanted = event.memo.get(contracts.MEMO_TRIGGER_ID)
    if event.source_kind != "trigger" or not wanted:
        return event.source
    return next((item.name for item in store.triggers.list(event.project) if item.id == wanted), event.source)
