"""Which triggers an event may fire, as the project's active deployment has them.

Synchronous, called in threads. A project's triggers change only when a deployment becomes active, so a webhook's
trigger is kept until the project's active deployment is another one: one small query for each event tells.
Unknown webhooks are never kept: the first request after a deployment finds its new webhook.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from worker.store import Store
from worker.store.records import Event, Trigger

MAX_CACHED_WEBHOOKS = 10_000

_Activation = tuple[str, dt.datetime | None]  # the active deployment and since when


@dataclass(frozen=True)
class _Cached:
    activation: _Activation
    trigger: Trigger


class Triggers:
    """Looks triggers up in the store, with a cache for webhooks."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._webhooks: dict[str, _Cached] = {}

    def known_webhook(self, slug: str) -> Trigger | None:
        """What `webhook` found last time, without asking the store: perhaps out of date."""
        cached = self._webhooks.get(slug)
        return None if cached is None else cached.trigger

    def webhook(self, slug: str) -> Trigger | None:
        """The trigger behind a webhook, or None when there is none or its project is not active."""
        cached = self._webhooks.get(slug)
        if cached is not None and cached.activation == self._activation(cached.trigger.project):
            return cached.trigger
        self._webhooks.pop(slug, None)
        found = self._store.triggers.by_slug(slug)
        if found is None:
            return None
        activation = self._activation(found.project)
        if activation is None:
            return None
        # Read once more: a deployment activated in between must not leave its predecessor's trigger under its name.
        trigger = self._store.triggers.by_slug(slug)
        if trigger is None:
            return None
        if len(self._webhooks) >= MAX_CACHED_WEBHOOKS:
            self._webhooks.clear()
        self._webhooks[slug] = _Cached(activation, trigger)
        return trigger

    def of(self, event: Event) -> list[Trigger]:
        """The triggers that listen to the event's source."""
        if event.source_kind == "connection":
            return list(self._store.triggers.for_connection(event.project, event.source))
        trigger = self._store.triggers.get(event.project, event.source)
        return [] if trigger is None else [trigger]

    def asked(self, event: Event, only: str = "") -> list[Trigger]:
        """The triggers that an event is for: those of its source, or the one it is dispatched to, whatever its source."""
        if not only:
            return self.of(event)
        trigger = self._store.triggers.get(event.project, only)
        return [] if trigger is None else [trigger]

    def deployment(self, project: str) -> str:
        """The active deployment; empty when there is none."""
        activation = self._activation(project)
        return "" if activation is None else activation[0]

    def deployment_behind(self, slug: str) -> str:
        """The deployment whose webhook was found last; asks nobody."""
        cached = self._webhooks.get(slug)
        return "" if cached is None else cached.activation[0]

    def _activation(self, project: str) -> _Activation | None:
        deployment = self._store.deployments.active(project)
        return None if deployment is None else (deployment.id, deployment.activated_at)
