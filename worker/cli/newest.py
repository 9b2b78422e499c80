"""The newest sessions out of Temporal's lists, which have an order of their own. Pure.

Temporal lists what is open, the latest start first, and then what has ended, the latest end first. So a session that
began a minute ago and has ended stands behind all that have slept for weeks. Asked for both parts, each is read until
nothing that follows can have begun later than what was found: no session begins after it ended.
"""

from __future__ import annotations

import datetime as dt
import heapq
from collections.abc import Sequence
from typing import Any

from temporalio.client import WorkflowExecution


class Newest:
    """Keeps so many sessions, those that began last."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._kept: list[tuple[dt.datetime, int, WorkflowExecution, dict[str, Any]]] = []
        self._count = 0

    def is_beyond(self, execution: WorkflowExecution) -> bool:
        """Whether this one, and all that come after it in its part of the list, began before all that are kept."""
        oldest = self.back_to
        return oldest is not None and (execution.close_time or execution.start_time) < oldest

    def add(self, execution: WorkflowExecution, session: dict[str, Any]) -> None:
        """Keep a session, if it is among the newest."""
        self._count += 1
        heapq.heappush(self._kept, (session["started_at"], -self._count, execution, session))
        if len(self._kept) > self._limit:
            heapq.heappop(self._kept)

    @property
    def back_to(self) -> dt.datetime | None:
        """When the oldest of those kept began; None while there is room for older ones."""
        return self._kept[0][0] if len(self._kept) >= self._limit else None

    @property
    def executions(self) -> list[WorkflowExecution]:
        """Of the kept ones, the newest first."""
        return [execution for _, _, execution, _ in sorted(self._kept, reverse=True)]

    @property
    def sessions(self) -> list[dict[str, Any]]:
        """The kept ones, the newest first."""
        return [session for _, _, _, session in sorted(self._kept, reverse=True)]


def by_start(sessions: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """The newest first."""
    return sorted(sessions, key=lambda session: session["started_at"], reverse=True)
