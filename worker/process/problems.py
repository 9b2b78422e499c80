"""Notice sessions whose tasks fail, and say why in their logs, in the terms of the user's code.

Temporal tries a failed workflow task again, so such a session is not lost: it waits. Two kinds are told apart:

1. Nondeterminism. The code asked for something else than was recorded. Temporal's core says so when it drops the session
   from the cache. To show both sides, what a session asks for is kept while it replays, and only then: once it goes on
   live, and in every session that never replays, nothing is kept.
2. Anything else that fails a task: a value that cannot be read, a bug of ours.

A problem is written once: Temporal's retries find that it stands there. A session that was moved here and does not fit is
reported, so that the supervisor can send it back to the version that recorded it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from temporalio.bridge.proto.workflow_activation import RemoveFromCache
from temporalio.client import Client
from temporalio.service import RPCError

from worker import comparing, moving
from worker.asked import asked_in
from worker.contracts import LINE_ERROR, BootConfig, Report
from worker.errors import ReplayError, StoreError, TaskError
from worker.log import log
from worker.steps import Step
from worker.store.log import SessionLog

MISFIT = "misfit"  # the report about a session that was moved here and does not fit
_MOST_KEPT = 5000  # activations of one replay; beyond that, Temporal's own words have to do

BACK = "It goes back to the version that recorded it by itself."
CHOICES = (
    "It waits and is tried again. Move it to code that fits (`ak deploy --migrate`, "
    "or back: `ak deployment activate DEPLOYMENT --migrate`), or end it: `ak session stop {session} --force`"
)


class Problems:
    """What a build process notices about its sessions' tasks."""

    def __init__(
        self,
        boot: BootConfig,
        notes: SessionLog,
        client: Callable[[], Client],
        report: Callable[[Report], None],
    ) -> None:
        self._boot = boot
        self._notes = notes
        self._client = client
        self._report = report
        self._sessions: dict[str, str] = {}  # run → session
        self._replaying: dict[str, list[tuple[Any, Any]]] = {}  # run → activations and what was answered
        self._current: dict[str, Any] = {}  # run → the activation of a replay that is being answered
        self._leaving: dict[str, tuple[str, list[tuple[Any, Any]]]] = {}  # run → what was known of it
        self._telling: set[asyncio.Task[None]] = set()

    def polled(self, act: Any) -> None:
        """An activation arrived from Temporal."""
        for job in act.jobs:
            if job.HasField("initialize_workflow"):
                self._sessions[act.run_id] = job.initialize_workflow.workflow_id
            if job.HasField("remove_from_cache"):
                # Set aside now: the run's next attempt may begin before we are told that this one is gone.
                self._current.pop(act.run_id, None)
                self._leaving[act.run_id] = (
                    self._sessions.pop(act.run_id, ""),
                    self._replaying.pop(act.run_id, []),
                )
                return
        if act.is_replaying:
            self._current[act.run_id] = act
        else:
            self._replaying.pop(act.run_id, None)

    def answered(self, completion: Any) -> None:
        """A session answered an activation; call it before the answer is sent."""
        act = self._current.pop(completion.run_id, None)
        if act is not None:
            kept = self._replaying.setdefault(completion.run_id, [])
            if len(kept) < _MOST_KEPT:
                kept.append((act, completion))
        if completion.HasField("failed"):
            session = self._sessions.get(completion.run_id, "")
            message = completion.failed.failure.message
            error = TaskError(
                f"the session's task fails: {message}", hint=CHOICES.format(session=session or "SESSION")
            )
            self._later(self._note(session, completion.run_id, f"{error.code}: {error}", ""))

    def evicted(self, run_id: str, job: Any) -> None:
        """The cache dropped a session."""
        session, kept = self._leaving.pop(run_id, ("", []))
        if job.reason == RemoveFromCache.EvictionReason.NONDETERMINISM and session:
            self._later(self._tell(session, run_id, job.message, kept))

    async def _tell(self, session: str, run_id: str, message: str, kept: list[tuple[Any, Any]]) -> None:
        """Write what parted into the session's log; report a session that has somewhere to go back to."""
        try:
            history = await self._client().get_workflow_handle(session, run_id=run_id).fetch_history()
        except RPCError as error:
            log(action="problem_not_explained", level="warning", session=session, error=error.message)
            return
        recorded_on = moving.recorded_version(list(history.events))
        moved = recorded_on not in {"", self._boot.version}
        asked: list[Step] = []
        for act, completion in kept:
            asked += asked_in(act, completion, len(asked) + 1)
        complete = len(kept) < _MOST_KEPT
        found = comparing.compare(history.events, asked, refused=True, edited=moved) if complete else None
        text, where = explain(session, message, found, moved=moved)
        await self._note(session, run_id, text, where)
        if moved:
            self._report(Report(MISFIT, message=session, where=run_id, hint=recorded_on))

    async def _note(self, session: str, run_id: str, text: str, where: str) -> None:
        try:
            new = await asyncio.to_thread(
                self._notes.note, self._boot.project, session, run_id, LINE_ERROR, text, where
            )
        except StoreError as error:
            log(action="problem_not_written", level="warning", session=session, error=error.message)
            return
        if new:
            log(action="session_waits", level="error", session=session, problem=text.partition("\n")[0])

    def _later(self, work: Any) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._telling.add(task)
        task.add_done_callback(self._telling.discard)


def explain(
    session: str, message: str, found: comparing.Comparison | None, *, moved: bool
) -> tuple[str, str]:
    """The line of the session's log, and the place in the user's code."""
    parted = found.line() if found is not None and (found.recorded or found.now) else message
    error = ReplayError(f"the code does not fit what was recorded: {parted}")
    lines = [f"{error.code}: {error}"]
    if found is not None:
        lines += [f"  {line}" for line in comparing.text_of(found.rows).splitlines()]
        lines += [f"  likely: {cause}" for cause in found.likely]
    lines.append(f"  {BACK if moved else CHOICES.format(session=session)}")
    if found is not None and not moved:
        lines.append(
            f"  A new session can take over the steps that fit: `ak session fork {session} --at {max(0, found.n - 1)}`"
        )
    step = (found.now or found.recorded) if found is not None else None
    return "\n".join(lines), step.where if step is not None else ""
