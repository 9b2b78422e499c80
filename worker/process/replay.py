"""Replay sessions' histories on a build, in that build's own environment: ``python -P -m worker.process.replay``.

Started like a build process, by whoever wants to know whether a build can go on with a session: the boot configuration is
one JSON line on standard input; after it come histories, each a JSON line ``{"session", "run", "bytes"}`` followed
by so many bytes, Temporal's ``History``; the end of the pipe is the end of the process. Answers go to the descriptor
in ``AK_REPORT_FD``, one JSON line each: ``ready`` or ``failed`` first, as from a build process, then one ``replayed``
for each history, in their order.

Nothing outside is called, no Temporal server is needed, nothing is written to any log: a replay only computes. Large
values are read from the store and never written to it.
"""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import gc
import json
import os
import sys
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

from temporalio.api.history.v1 import History
from temporalio.client import WorkflowHistory
from temporalio.worker import Replayer, WorkflowInstance, WorkflowInstanceDetails
from temporalio.workflow import NondeterminismError

from worker import comparing, config
from worker.asked import asked_in
from worker.contracts import BootConfig, LogBatch, Report
from worker.errors import InternalError, WorkerError
from worker.log import configure, mask
from worker.payload.converter import data_converter
from worker.payload.large import LargePayloads
from worker.process import assemble
from worker.process.__main__ import Reporter, read_boot
from worker.process.builtins import take_output
from worker.process.naps import Naps
from worker.process.watchdog import Watchdog
from worker.session.runner import SessionInstance, SessionRunner, WatchPort
from worker.session.workflow import SessionWorkflow
from worker.steps import Step
from worker.store import open_session_store

ERROR = "error"
_STUCK_EXIT = 75
_FAILED_EXIT = 1


@dataclass(frozen=True)
class Replayed:
    """How one replay went.

    ``comparison.outcome`` is ``clean``, ``breaks`` or ``differs``; ``error`` is another failure than nondeterminism, a bug
    of ours for example, and empty else. ``message`` is Temporal's own where it refused. ``asked`` are the steps the code
    asked for, ``lines`` what the session would have logged: kind, text and place.
    """

    comparison: comparing.Comparison
    message: str = ""
    error: str = ""
    asked: list[Step] = field(default_factory=list, repr=False)
    lines: list[tuple[str, str, str]] = field(default_factory=list, repr=False)

    def to_json(self) -> dict[str, Any]:
        """As it crosses the pipe."""
        facts = self.comparison.to_json()
        if self.error:
            facts["outcome"] = ERROR
        return {**facts, "message": self.message, "error": self.error, "asked": len(self.asked)}


class NoWatch:
    """Nobody watches a replay that a test makes."""

    def begin(self, workflow_id: str, run_id: str) -> None:
        """An activation begins."""

    def end(self) -> None:
        """It ended."""


class NoLog:
    """A log writer that writes nothing."""

    def emit(self, batch: LogBatch) -> None:
        """A session's lines."""

    def put(self, _batch: LogBatch) -> Future[None]:
        """An activity's lines."""
        done: Future[None] = Future()
        done.set_result(None)
        return done


class ReadOnlyBlobs:
    """Large values of the store, opened when the first is needed."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._blobs: Any = None

    def put(self, identifier: str, content: bytes, /) -> None:
        """A replay leaves nothing behind."""

    def get(self, identifier: str, /) -> bytes | None:
        """One, or None."""
        if self._blobs is None:
            if not self._url:
                return None
            self._blobs = open_session_store(self._url).blobs
        found: bytes | None = self._blobs.get(identifier)
        return found


class _Instance(SessionInstance):
    """A session whose commands are kept."""

    def __init__(self, inner: SessionInstance, asked: list[Step]) -> None:
        vars(self).update(vars(inner))
        self._asked = asked

    def activate(self, act: Any) -> Any:
        """As any session, with the steps it asks for noted."""
        completion = super().activate(act)
        if not any(job.HasField("remove_from_cache") for job in act.jobs):
            self._asked += asked_in(act, completion, len(self._asked) + 1)
        return completion


class _Runner(SessionRunner):
    """Creates sessions whose commands are kept in ``asked``."""

    def __init__(self, host: Any, watch: WatchPort) -> None:
        super().__init__(host, watch)
        self.asked: list[Step] = []

    def create_instance(self, det: WorkflowInstanceDetails) -> WorkflowInstance:
        """A session."""
        made: Any = super().create_instance(det)
        return _Instance(made, self.asked)


class Replays:
    """Replays histories one after the other on the project of one build; made by ``replaying``."""

    def __init__(self, parts: assemble.Parts, replayer: Replayer, runner: _Runner, blobs: Any) -> None:
        self.parts = parts
        self.replayer = replayer
        self._runner = runner
        self._codec = LargePayloads(blobs)

    async def replay(self, history: WorkflowHistory, *, edited: bool | None = None) -> Replayed:
        """Replay one history and compare it with what the code asks for."""
        lines: list[tuple[str, str, str]] = []
        self.parts.host.hear = lambda kind, text, where: lines.append((kind, text, where))
        self._runner.asked.clear()
        message = error = ""
        refused = False
        try:
            await self.replayer.replay_workflow(history)
        except NondeterminismError as failure:
            refused, message = True, str(failure)
        except Exception as failure:
            error = f"{type(failure).__name__}: {failure}"
        asked = [
            dataclasses.replace(step, arguments=tuple(await self._codec.encode(step.arguments)))
            for step in self._runner.asked
        ]
        comparison = comparing.compare(history.events, asked, refused=refused, edited=edited)
        return Replayed(comparison, message, error, asked, lines)


@contextlib.contextmanager
def replaying(boot: BootConfig, blobs: Any = None, watch: WatchPort | None = None) -> Iterator[Replays]:
    """What replays histories on a build; the working directory and the environment are the build's already.

    Raises:
        UserCodeError: the build cannot be loaded; with file and line.
    """
    blobs = ReadOnlyBlobs(boot.database_url) if blobs is None else blobs
    writer: Any = NoLog()
    with ThreadPoolExecutor(1, thread_name_prefix="sessions") as thread:
        parts = assemble.prepare(boot, writer)
        runner = _Runner(parts.host, watch or NoWatch())
        replayer = Replayer(
            workflows=[SessionWorkflow],
            workflow_runner=runner,
            unsandboxed_workflow_runner=runner,
            workflow_task_executor=thread,
            data_converter=data_converter(blobs),
            build_id="replay",  # else temporalio reads and hashes every module that is loaded
            disable_safe_workflow_eviction=False,
            debug_mode=True,  # the watchdog decides about a long computation, not Temporal's limit
        )
        try:
            yield Replays(parts, replayer, runner, blobs)
        finally:
            parts.activities.pool.shutdown()


async def serve(boot: BootConfig, pipe: Any, reporter: Reporter) -> None:
    """Answer for each history until the pipe ends."""
    naps = Naps()
    naps.install()
    running: list[Any] = []

    def stuck(workflow_id: str, _run_id: str) -> None:
        reporter.send(
            Report(
                "stuck", f"{workflow_id} computed for many times its {boot.budget_seconds:g} s without a call"
            )
        )
        os._exit(_STUCK_EXIT)

    watchdog = Watchdog(boot.budget_seconds, lambda: bool(running) and running[0].current is not None, stuck)
    with replaying(boot, watch=watchdog) as replays:
        state = replays.parts.host.state
        running.append(state)
        naps.serve(state, replays.parts.host.directory)
        take_output(replays.parts.host)
        watchdog.start()
        reporter.send(Report("ready"))
        while head := await asyncio.to_thread(pipe.readline):
            facts = json.loads(head)
            content = await asyncio.to_thread(read_exactly, pipe, facts["bytes"])
            history = WorkflowHistory(facts["session"], list(History.FromString(content).events))
            answer = await replays.replay(history, edited=facts.get("edited"))
            reporter.send_json(
                {"state": "replayed", "session": facts["session"], "run": facts["run"], **answer.to_json()}
            )
        watchdog.stop()


def read_exactly(pipe: Any, count: int) -> bytes:
    """So many bytes.

    Raises:
        SystemExit: the pipe ended before: whoever asked is gone.
    """
    parts = bytearray()
    while len(parts) < count:
        chunk = pipe.read(count - len(parts))
        if not chunk:
            raise SystemExit(_FAILED_EXIT)
        parts += chunk
    return bytes(parts)


def main() -> int:
    """Run the process; returns the exit status."""
    reporter = Reporter(config.report_descriptor())
    boot, pipe = read_boot()
    configure(boot.log_level, as_json=boot.log_format == "json", libraries=False)
    mask(boot.secrets.values())
    try:
        asyncio.run(serve(boot, pipe, reporter))
    except WorkerError as error:
        reporter.send(Report("failed", error.message, error.where, error.hint, error.code))
        return _FAILED_EXIT
    except Exception as error:
        reporter.send(Report("failed", f"{type(error).__name__}: {error}", code=InternalError.code))
        return _FAILED_EXIT
    return 0


if __name__ == "__main__":
    status = main()
    gc.collect()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)
