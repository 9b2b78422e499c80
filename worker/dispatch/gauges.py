"""Gauges of the whole installation, read from the store and from Temporal when somebody asks."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Sequence

from temporalio.client import Client

from worker import clock, versions
from worker.meter import Reading
from worker.store import Store

_FRESH_SECONDS = 10.0  # Temporal is asked at most this often, however many scrape
_MOST_OTHERS = 1000  # looked at, for Temporal does not count by handler


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
        deployments = self._store.deployments.list()
        states = Counter((item.project, item.state) for item in deployments)
        active = [item for item in deployments if item.state == "active"]
        pending = {item.project: 0 for item in active} | self._store.events.pending()
        filtered = [
            (item.project, trigger["name"])
            for item in active
            for trigger in item.desired["project"]["triggers"]
            if trigger["filter"]
        ]
        return [
            *(("autokitteh_deliveries_pending", (project,), float(n)) for project, n in pending.items()),
            *(("autokitteh_deployments", labels, float(n)) for labels, n in states.items()),
            *(("autokitteh_filter_errors_total", labels, 0.0) for labels in filtered),
        ]

    async def _of_temporal(self) -> list[Reading]:
        active = [
            item for item in await asyncio.to_thread(self._store.deployments.list) if item.state == "active"
        ]
        found: list[Reading] = []
        for deployment in active:
            project = deployment.project
            known = await versions.describe(self._client, project)
            found.append(("autokitteh_versions", (project,), float(len(known))))
            tasks = await versions.tasks_pending(self._client, project, known)
            found += [("autokitteh_tasks_pending", (project, kind), float(n)) for kind, n in tasks.items()]
            triggers = deployment.desired["project"]["triggers"]
            handlers = sorted({item["call"] for item in triggers if item["call"]})
            running = f'TaskQueue="{project}" AND ExecutionStatus="Running"'
            for handler in handlers:
                query = f'{running} AND WorkflowType="{handler}"'
                count = (await self._client.count_workflows(query)).count
                found.append(("autokitteh_sessions_running", (project, handler), float(count)))
            others = await self._of_other_handlers(running, handlers)
            found += [
                ("autokitteh_sessions_running", (project, name), float(n)) for name, n in others.items()
            ]
        return found

    async def _of_other_handlers(self, running: str, handlers: Sequence[str]) -> Counter[str]:
        """Open sessions that no trigger starts: children, and what was started by hand or before a deploy."""
        names = ", ".join(f'"{handler}"' for handler in handlers)
        query = f"{running} AND WorkflowType NOT IN ({names})" if names else running
        return Counter(
            [item.workflow_type async for item in self._client.list_workflows(query, limit=_MOST_OTHERS)]
        )
