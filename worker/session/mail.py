"""What arrived for a session and was not asked for yet: events by subscription, signals by name.

Signals may arrive before the handler runs, before a subscription is known here, and twice: everything is kept, repeats
are dropped by their ids.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Iterable
from typing import Any

from worker.contracts import JSON, Carried, UserValue

# Ids that go along when the session restarts. One session is delivered to in order, so that a repeat is one of what
# came last; a gateway has 32 deliveries under way.
_CARRIED_IDS = 1000


class Mail:
    """The queues of one session."""

    def __init__(self, codec: Any, carried: Carried) -> None:
        self._codec = codec
        self._events: dict[str, deque[dict[str, Any]]] = {}
        self._signals: dict[str, deque[UserValue]] = {}
        self._aliases: dict[str, str] = {}
        # Dictionaries, for their order.
        self._seen: dict[str, None] = {}
        self._dropped: dict[str, None] = {}
        for payload in carried.events:
            self._events.setdefault(str(payload.get("subscription")), deque()).append(payload)
        for name, payload in carried.signals:
            self._signals.setdefault(name, deque()).append(payload)
        self._seen.update(dict.fromkeys(carried.seen))
        self._dropped.update(dict.fromkeys(carried.dropped))

    def packed(
        self, pack: Callable[[UserValue], JSON]
    ) -> tuple[list[dict[str, JSON]], list[list[JSON]], list[str], list[str]]:
        """What nobody took, events and signals, and the last ids of what came and of subscriptions that ended."""
        registered = {known: item for item, known in self._aliases.items()}
        waiting = [
            {**payload, "subscription": registered.get(known, known)}
            for known, queue in self._events.items()
            for payload in queue
        ]
        events = [{key: pack(value) for key, value in payload.items()} for payload in waiting]
        signals = [[name, pack(payload)] for name, queue in self._signals.items() for payload in queue]
        return events, signals, [*self._seen][-_CARRIED_IDS:], [*self._dropped][-_CARRIED_IDS:]

    def alias(self, registered: str, subscription: str) -> None:
        """What comes for a subscription registered under another id is the known one's."""
        self._aliases[registered] = subscription

    def receive_event(self, payload: dict[str, Any]) -> bool:
        """Keep an event for its subscription; False for one that came before."""
        registered = str(payload.get("subscription"))
        subscription = self._aliases.get(registered, registered)
        mark = f"{subscription} {payload.get('id')}"
        if mark in self._seen or subscription in self._dropped:
            return False
        self._seen[mark] = None
        self._events.setdefault(subscription, deque()).append(payload)
        return True

    def has_event(self, subscriptions: Iterable[str]) -> bool:
        """Whether one of these has an event."""
        return any(self._events.get(item) for item in subscriptions)

    def take_event(self, subscriptions: Iterable[str]) -> dict[str, Any]:
        """The next event of the first subscription that has one."""
        return next(self._events[item] for item in subscriptions if self._events.get(item)).popleft()

    def drop(self, subscription: str) -> None:
        """The subscription has ended."""
        self._dropped[subscription] = None
        self._events.pop(subscription, None)

    def receive_signal(self, identifier: str, name: str, payload: UserValue) -> bool:
        """Keep a signal; one with an id comes once."""
        if identifier:
            if identifier in self._seen:
                return False
            self._seen[identifier] = None
        self._signals.setdefault(name, deque()).append(payload)
        return True

    def has_signal(self, names: Iterable[str]) -> bool:
        """Whether one of these names has a signal."""
        return any(self._signals.get(name) for name in names)

    def take_signal(self, names: Iterable[str]) -> tuple[str, UserValue]:
        """The next signal of the first name that has one."""
        name = next(name for name in names if self._signals.get(name))
        return name, self._signals[name].popleft()

    def child_ended(self, identifier: str, task: asyncio.Task[Any]) -> None:
        """A child session has ended: a signal with its id as the name."""
        if task.cancelled():
            return  # the session itself is being dropped from the cache, or stopped
        error = task.exception()
        payload = {"completed": False} if error is not None else {"completed": True, "value": task.result()}
        self.receive_signal("", identifier, payload)

    def waiting(self) -> list[str]:
        """The names of signals that nobody asked for yet, in no particular order of arrival."""
        return [name for name, queue in self._signals.items() for _ in queue]
