"""Clean the store: what open sessions need is asked from Temporal first, and without an answer nothing is deleted.

Rules:

1. An age or number of 0 keeps for ever.
2. Of a deployment neither record nor build goes while it is active, on its way or draining, while Temporal counts a
   session on its version, or while it is one of the newest of its project, for a rollback.
3. A large payload goes when nobody wrote it since before the oldest run that is open, nor for as long as Temporal keeps
   histories: writers say at least once a day that they use it (``payload.large``), hence the margin of two.
"""

from __future__ import annotations

import asyncio
import contextlib
import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from temporalio.api.workflowservice.v1 import DescribeNamespaceRequest
from temporalio.client import Client, WorkflowExecution, WorkflowExecutionStatus
from temporalio.service import RPCError

from worker import clock, versions
from worker.config import Keep
from worker.contracts import MEMO_BEGAN
from worker.rpc import is_gone, patiently, refused
from worker.store import Store
from worker.store.records import Deployment
from worker.store.retention import Age, Needed

LEASE = "retention"
LEASE_SECONDS = 600.0
_DAY = dt.timedelta(days=1)
_HOUR = dt.timedelta(hours=1)
_SETTLED = dt.timedelta(minutes=10)
_PAYLOAD_MARGIN = 2 * _DAY


@dataclass
class Removed:
    """What went, or would go."""

    open_sessions: int = 0
    events: int = 0
    signals: int = 0
    log_lines: int = 0
    operations: int = 0
    leftovers: int = 0
    registrations: int = 0
    payloads: int = 0
    processes: int = 0
    deployments: list[str] = field(default_factory=list)
    builds: list[str] = field(default_factory=list)
    files: list[str] = field(default_factory=list)

    def total(self) -> int:
        """How much it is."""
        counted = self.events + self.signals + self.log_lines + self.operations + self.leftovers
        listed = len(self.deployments) + len(self.builds) + len(self.files)
        return counted + self.registrations + self.payloads + self.processes + listed


class Sweep:
    """One cleaning of the store."""

    def __init__(
        self,
        store: Store,
        client: Client,
        keep: Keep,
        *,
        delete: bool,
        still_mine: Callable[[], bool] = lambda: True,
    ) -> None:
        """``still_mine`` is asked between the parts: whether the lease is still held."""
        self._store = store
        self._client = client
        self._keep = keep
        self._delete = delete
        self._still_mine = still_mine
        self._now = clock.now()

    async def run(self) -> Removed:
        """Clean.

        Raises:
            TemporalError: Temporal does not say what is open; nothing was deleted.
            StoreError: the store cannot be used.
        """
        keeps_histories = await self._histories()
        needed = await self._needed()
        removed = Removed(open_sessions=len(needed.sessions))
        age = self._age(self._keep.event_days, self._keep.events)
        retention, delete = self._store.retention, self._delete
        payloads_before = (
            min(self._now - keeps_histories, needed.oldest_run or self._now - keeps_histories)
            - _PAYLOAD_MARGIN
        )
        parts: dict[str, Callable[[], int]] = {
            "events": lambda: retention.events(age, needed, delete=delete),
            "signals": lambda: retention.signals(Age(age.before), needed, delete=delete),
            "log_lines": lambda: retention.log_lines(
                self._age(self._keep.log_days, self._keep.log_lines), needed, delete=delete
            ),
            "operations": lambda: retention.operations(age.before, needed, delete=delete),
            "leftovers": lambda: retention.leftovers(age.before, delete=delete),
            "payloads": lambda: retention.payloads(payloads_before, delete=delete),
            "processes": lambda: retention.signs_of_life(self._now - _DAY, delete=delete),
        }
        for name, part in parts.items():
            if await asyncio.to_thread(self._still_mine):
                setattr(removed, name, await asyncio.to_thread(part))
        if await asyncio.to_thread(self._still_mine):
            removed.registrations = await self._registrations(needed)
            removed.deployments = await self._deployments()
            removed.builds = await asyncio.to_thread(
                lambda: retention.builds(self._now - _DAY, removed.deployments, delete=delete)
            )
            if delete:
                await asyncio.to_thread(self._store.database.reclaim)
        return removed

    def _age(self, days: float, most: int = 0) -> Age:
        return Age(self._now - days * _DAY if days else None, most, self._now - _SETTLED)

    async def _histories(self) -> dt.timedelta:
        """How long Temporal keeps the histories of sessions that ended."""
        try:
            found = await patiently(
                self._client.workflow_service.describe_namespace,
                DescribeNamespaceRequest(namespace=self._client.namespace),
            )
        except RPCError as error:
            raise refused("Temporal does not describe its namespace", error) from None
        return found.config.workflow_execution_retention_ttl.ToTimedelta()

    async def _needed(self) -> Needed:
        sessions, runs = set(), set()
        since: dict[str, dt.datetime] = {}
        oldest: dt.datetime | None = None
        try:
            async for item in self._client.list_workflows('ExecutionStatus="Running"'):
                sessions.add(item.id)
                runs.add(item.run_id)
                memo = await item.memo()
                began = item.start_time
                with contextlib.suppress(ValueError, TypeError):
                    began = dt.datetime.fromisoformat(memo.get(MEMO_BEGAN) or "")
                since[item.task_queue] = min(began, since.get(item.task_queue, began))
                first = await self._first_step(item)
                oldest = min(first, oldest or first)
        except RPCError as error:
            raise refused("Temporal does not list the open sessions", error) from None
        return Needed(frozenset(sessions), frozenset(runs), since, oldest)

    async def _first_step(self, item: WorkflowExecution) -> dt.datetime:
        """Since when there are steps in an open run's history: one that was reset has those of the run before."""
        if item.raw_info.first_run_id in {"", item.run_id}:
            return item.start_time
        try:
            described = await self._client.get_workflow_handle(item.id, run_id=item.run_id).describe()
        except RPCError as error:
            if is_gone(error):
                return item.start_time
            raise
        extended = described.raw_description.workflow_extended_info
        if not extended.HasField("original_start_time"):
            return item.start_time
        return min(item.start_time, extended.original_start_time.ToDatetime(tzinfo=dt.UTC))

    async def _registrations(self, needed: Needed) -> int:
        """Subscriptions and waits of sessions that ended without a word, by force for example."""
        registered = await asyncio.to_thread(self._store.retention.registered, self._now - _HOUR)
        total = 0
        for session in sorted(registered - needed.sessions):
            if await self._is_open(session):
                continue  # lists lag behind
            total += 1
            if self._delete:
                await asyncio.to_thread(self._store.mailbox.forget, session)
        return total

    async def _is_open(self, session: str) -> bool:
        try:
            described = await self._client.get_workflow_handle(session).describe()
        except RPCError as error:
            if is_gone(error):
                return False
            raise refused(f"Temporal does not describe {session}", error) from None
        return described.status == WorkflowExecutionStatus.RUNNING

    async def _deployments(self) -> list[str]:
        if not self._keep.deployment_days:
            return []
        projects: dict[str, list[Deployment]] = {}
        for item in await asyncio.to_thread(self._store.deployments.list):
            projects.setdefault(item.project, []).append(item)
        gone = []
        for project, items in projects.items():
            items.sort(key=_last_used, reverse=True)
            for item in items[self._keep.deployments :]:
                old = _last_used(item) < self._now - self._keep.deployment_days * _DAY
                unused = old and item.state in {"inactive", "failed"}
                if not unused or await versions.open_sessions(self._client, project, item.version):
                    continue
                if not self._delete or await asyncio.to_thread(
                    self._store.retention.drop_deployment, item.id
                ):
                    gone.append(item.id)
        return gone


def _last_used(item: Deployment) -> dt.datetime:
    return item.activated_at or item.created_at


def as_document(removed: Removed) -> dict[str, Any]:
    """What went as JSON."""
    return {name: getattr(removed, name) for name in Removed.__dataclass_fields__}
