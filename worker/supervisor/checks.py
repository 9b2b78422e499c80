"""Ask for each open session of a project whether a build could go on with it; move those for which it can.

Verdicts:

- ``moves``: the build asks for exactly what was recorded, or the session has not begun.
- ``breaks``: the build asks for something else; both places are told. The session stays on its version.
- ``stays``: nothing is wrong, but it is not moved: its handler runs as one call (not durable), the answers it has belong
  to other arguments than the build would give, or its history could not be had or replayed.

Sessions go through a few at a time: histories are fetched side by side and replayed one after the other in one process
of the build, so that memory stays small. Sessions do not stand still meanwhile:

- One that advanced while it was looked at is looked at again before it is moved; what advances between that look and the
  move is caught when its next task does not replay: it is then moved back (``problems``).
- One that ended has no verdict. One that restarted is looked at in its new run.
- One that began is looked at, too: the list is asked for again, since it lags behind and takes its time.
"""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from temporalio.client import Client, WorkflowExecution, WorkflowHistory
from temporalio.service import RPCError

from worker import comparing, moving
from worker.contracts import MEMO_DURABLE
from worker.errors import DeployError
from worker.rpc import is_gone, refused
from worker.steps import CLOSING
from worker.store import Store
from worker.supervisor import replays
from worker.supervisor.boot import Launch

MOVES = "moves"
STAYS = "stays"
BREAKS = "breaks"
LIMIT = 1000
_AT_ONCE = 8
_LOOKS = 3  # how often a session that keeps advancing is looked at
_NOT_BEGUN_EVENTS = 2

ARGUMENTS = "the answers it has belong to other arguments"
NOT_DURABLE = "its handler runs as one call (is_durable: false)"
NOT_BEGUN = "it has not begun"
BUSY = "it advanced each time it was looked at"


@dataclass(frozen=True)
class Checked:
    """What was found out about one session. ``moved`` says that it runs on the new version from now on."""

    id: str
    run: str
    handler: str
    deployment: str | None
    verdict: str
    reason: str = ""
    difference: dict[str, Any] | None = None
    moved: bool = False

    def to_json(self) -> dict[str, Any]:
        """As ``--json`` prints it."""
        return {
            "id": self.id,
            "handler": self.handler,
            "deployment": self.deployment,
            "verdict": self.verdict,
            "reason": self.reason,
            "difference": self.difference,
            "moved": self.moved,
        }


@dataclass(frozen=True)
class Report:
    """All sessions that were looked at, and how many more there are."""

    sessions: list[Checked]
    unchecked: int

    def count(self, verdict: str) -> int:
        """How many have this verdict."""
        return sum(1 for item in self.sessions if item.verdict == verdict)

    def to_json(self) -> dict[str, Any]:
        """As ``--json`` prints it."""
        return {
            "sessions": [item.to_json() for item in self.sessions],
            "moves": self.count(MOVES),
            "stays": self.count(STAYS),
            "breaks": self.count(BREAKS),
            "moved": sum(1 for item in self.sessions if item.moved),
            "unchecked": self.unchecked,
        }


class Checks:
    """One build, asked about the open sessions of its project."""

    def __init__(
        self, client: Client, store: Store, launch: Launch, tell: Callable[[str], None] = lambda _text: None
    ) -> None:
        self._client = client
        self._store = store
        self._launch = launch
        self._tell = tell
        self._build: replays.Build | None = None
        self._stack = contextlib.AsyncExitStack()
        self._starting = asyncio.Lock()

    async def run(self, *, move: bool = False, limit: int = LIMIT) -> Report:
        """Look at every open session that runs on another version; with ``move``, move those that can go.

        Raises:
            DeployError: the build cannot be loaded.
            TemporalError: Temporal does not list the sessions.
        """
        async with self._stack:
            await self._ready()
            gate = asyncio.Semaphore(_AT_ONCE)
            seen: set[str] = set()
            found: list[Checked | None] = []

            async def one(execution: WorkflowExecution) -> Checked | None:
                async with gate:
                    return await self._look(execution, move=move)

            for _ in range(_LOOKS):
                executions, more = await self._open(limit)
                fresh = [item for item in executions if item.id not in seen][: limit - len(seen)]
                if not fresh:
                    break
                seen |= {item.id for item in fresh}
                found += await asyncio.gather(*(one(execution) for execution in fresh))
        return Report([item for item in found if item is not None], more)

    async def _open(self, limit: int) -> tuple[list[WorkflowExecution], int]:
        project, version = self._launch.boot.project, self._launch.boot.version
        query = f'TaskQueue="{project}" AND ExecutionStatus="Running"'
        try:
            found = [item async for item in self._client.list_workflows(query, limit=limit)]
            total = (await self._client.count_workflows(query)).count if len(found) >= limit else len(found)
        except RPCError as error:
            raise refused(f"Temporal does not list the sessions of {project}", error) from None
        return [item for item in found if moving.version_of(item) != version], max(0, total - len(found))

    async def _look(self, execution: WorkflowExecution, *, move: bool) -> Checked | None:
        """One session: None when it has ended meanwhile."""
        for _ in range(_LOOKS):
            found, length, next_run = await self._judge(execution)
            if next_run:
                execution = dataclasses.replace(execution, run_id=next_run)
                continue
            if found is None or found.verdict != MOVES or not move:
                return found
            try:
                now = await self._client.get_workflow_handle(execution.id, run_id=execution.run_id).describe()
            except RPCError:
                return None
            if length and now.history_length != length:
                continue
            boot = self._launch.boot
            moved = await moving.move(
                self._client, boot.project, execution.id, execution.run_id, boot.version
            )
            return self._checked(execution, MOVES, found.reason, moved=True) if moved else None
        return self._checked(execution, STAYS, BUSY)

    async def _judge(self, execution: WorkflowExecution) -> tuple[Checked | None, int, str]:
        """The verdict, None when it has ended; how long the history was; the run it restarted in."""
        if (await execution.memo()).get(MEMO_DURABLE) == "false":
            return self._checked(execution, STAYS, NOT_DURABLE), 0, ""
        try:
            history = await self._client.get_workflow_handle(
                execution.id, run_id=execution.run_id
            ).fetch_history()
        except RPCError as error:
            if is_gone(error):
                return None, 0, ""
            reason = f"its history could not be fetched: {error.message}"
            return self._checked(execution, STAYS, reason), 0, ""
        last = history.events[-1]
        if last.event_type in CLOSING:
            restarted = last.workflow_execution_continued_as_new_event_attributes
            return None, 0, restarted.new_execution_run_id
        if len(history.events) <= _NOT_BEGUN_EVENTS:
            return self._checked(execution, MOVES, NOT_BEGUN), len(history.events), ""
        return await self._replayed(execution, history), len(history.events), ""

    async def _replayed(self, execution: WorkflowExecution, history: WorkflowHistory) -> Checked:
        record = self._record(execution)
        edited = None if record is None else record.build_id != self._launch.boot.build
        build = await self._ready()
        try:
            answer = await build.replay(history, edited=edited)
        except replays.EndedBeforeError:
            return await self._replayed(execution, history)
        except DeployError as error:
            return self._checked(execution, STAYS, f"it could not be replayed: {error.message}")
        difference = {key: answer[key] for key in ("n", "recorded", "now", "line", "rows", "likely")}
        if answer["outcome"] == comparing.CLEAN:
            return self._checked(execution, MOVES)
        if answer["outcome"] == comparing.DIFFERS:
            return self._checked(execution, STAYS, ARGUMENTS, difference)
        if answer["outcome"] == comparing.BREAKS:
            return self._checked(execution, BREAKS, answer["line"], difference)
        return self._checked(execution, STAYS, f"it could not be replayed: {answer['error']}")

    async def _ready(self) -> replays.Build:
        """The build's process, started when there is none."""
        async with self._starting:
            if self._build is None or self._build.ended:
                self._build = await self._stack.enter_async_context(replays.asking(self._launch))
            return self._build

    def _record(self, execution: WorkflowExecution) -> Any:
        version = moving.version_of(execution)
        return self._store.deployments.by_version(execution.task_queue, version) if version else None

    def _checked(
        self,
        execution: WorkflowExecution,
        verdict: str,
        reason: str = "",
        difference: dict[str, Any] | None = None,
        *,
        moved: bool = False,
    ) -> Checked:
        record = self._record(execution)
        return Checked(
            execution.id,
            execution.run_id,
            execution.workflow_type,
            record.id if record is not None else None,
            verdict,
            reason,
            difference,
            moved,
        )
