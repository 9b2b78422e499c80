"""What arrived for a session and was not asked for yet: events by subscription, signals by name.

Signals may arrive before the handler runs, before a subscription is known here, and twice: everything is kept, repeats
are dropped by their ids.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Iterable
from typing import Any

from worker.contracts import UserValue


class Mail:
    """The queues of one session."""

    def __init__(self, codec: Any) -> None:
        self._codec = codec
        self._events: dict[str, deque[dict[str, Any]]] = {}
        self._signals: dict[str, deque[UserValue]] = {}
        self._seen: set[str] = set()
        self._dropped: set[str] = set()

    def receive_event(self, payload: dict[str, Any]) -> bool:
        """Keep an event for its subscription; False for one that came before."""
        subscription = str(payload.get("subscription"))
        mark = f"{subscription} {payload.get('id')}"
        if mark in self._seen or subscription in self._dropped:
            return False
        self._seen.add(mark)
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
        self._dropped.add(subscription)
        self._events.pop(subscription, None)

    def receive_signal(self, identifier: str, name: str, payload: UserValue) -> bool:
        """Keep a signal; one with an id comes once."""
        if identifier:
            if identifier in self._seen:
                return False
            self._seen.add(identifier)
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
