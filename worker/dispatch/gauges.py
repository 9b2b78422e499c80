"""Gauges of the whole installation, read from the store and from Temporal when somebody asks."""

from __future__ import annotations

import asyncio
from collections import Counter

from temporalio.client import Client

from worker import clock, versions
from worker.meter import Reading
from worker.store import Store

_FRESH_SECONDS = 10.0  # Temporal is asked at most this often, however many scrape


class Gauges:
    """Reads the gauges that no single process can know."""

    def __init__(self, store: Store, client: Client) -> None:
        self._store = store
        self._client = client
        self._running: list[Reading] = []
        self._asked = -_FRESH_SECONDS

    async def read(self) -> list[Reading]:
        """Pending deliveries, deployments by state, open sessions by handler, versions."""
        stored = await asyncio.to_thread(self._of_store)
        now = clock.monotonic()
        if now - self._asked >= _FRESH_SECONDS:
            self._asked = now
            self._running = await self._of_temporal()
        return [*stored, *self._running]

    def _of_store(self) -> list[Reading]:
        pending = self._store.events.pending()
        states = Counter((item.project, item.state) for item in self._store.deployments.list())
        return [
            *(("autokitteh_deliveries_pending", (project,), float(n)) for project, n in pending.items()),
            *(("autokitteh_deployments", labels, float(n)) for labels, n in states.items()),
        ]

    async def _of_temporal(self) -> list[Reading]:
        active = [
            item for item in await asyncio.to_thread(self._store.deployments.list) if item.state == "active"
        ]
        found: list[Reading] = []
        for deployment in active:
            project = deployment.project
            known = len(await versions.describe(self._client, project))
            found.append(("autokitteh_versions", (project,), float(known)))
            triggers = deployment.desired["project"]["triggers"]
            for handler in {item["call"] for item in triggers if item["call"]}:
                query = f'TaskQueue="{project}" AND WorkflowType="{handler}" AND ExecutionStatus="Running"'
                count = (await self._client.count_workflows(query)).count
                found.append(("autokitteh_sessions_running", (project, handler), float(count)))
        return found
