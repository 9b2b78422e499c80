"""What dispatch and gateway need of the store, in memory."""

from __future__ import annotations

import datetime as dt

from worker.store.records import Deployment, Trigger

AT = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)


def webhook(**changes):
    """A webhook trigger of the project ``shop``, reached under the slug ``abc``."""
    values = {
        "id": "trg_1",
        "project": "shop",
        "name": "hook",
        "kind": "webhook",
        "call": "main.py:f",
        "slug": "abc",
    }
    return Trigger(**values | changes)


def deployment(number=1, project="shop"):
    """An active deployment."""
    return Deployment(f"dep_{number}", project, "bld_1", "v1", "active", {}, {}, [], "", AT, AT)


class FakeStore:
    """Each part of the store is the object itself; ``error`` is raised by every call while it is set."""

    def __init__(self, *triggers, active=True):
        self.all = list(triggers)
        self.current = deployment() if active else None
        self.recorded = {}
        self.states = {}
        self.released = []
        self.slug_reads = 0
        self.error = None
        self.triggers = self.deployments = self.projects = self
        self.events = _FakeEvents(self)

    def check(self):
        """Fail as told."""
        if self.error is not None:
            raise self.error

    def by_slug(self, slug):
        """The trigger of a slug."""
        self.check()
        self.slug_reads += 1
        return next((trigger for trigger in self.all if trigger.slug == slug), None)

    def get(self, project, name=""):
        """The trigger of a name; as part ``projects``: nothing."""
        self.check()
        return next((t for t in self.all if (t.project, t.name) == (project, name)), None)

    def for_connection(self, project, connection):
        """The triggers that listen to a connection."""
        self.check()
        return [t for t in self.all if (t.project, t.connection) == (project, connection)]

    def active(self, project):
        """The active deployment, the same for all projects."""
        self.check()
        return self.current


class _FakeEvents:
    def __init__(self, store):
        self.store = store

    def record(self, event, deliveries, subscribers=None):
        self.store.check()
        if event.id in self.store.recorded:
            return False
        self.store.recorded[event.id] = (event, deliveries)
        return True

    def get(self, event_id):
        self.store.check()
        return self.store.recorded.get(event_id, (None, ()))[0]

    def deliveries(self, event_id):
        return self.store.recorded[event_id][1]

    def claim_deliveries(self, owner, limit, lease_seconds):
        self.store.check()
        pending = [d for _, ds in self.store.recorded.values() for d in ds if d.state == "pending"]
        return [d for d in pending if d.id not in self.store.states][:limit]

    def finish_delivery(self, delivery_id, state, reason=""):
        self.store.check()
        self.store.states[delivery_id] = (state, reason)

    def release_delivery(self, delivery_id, reason):
        self.store.check()
        self.store.released.append((delivery_id, reason))
