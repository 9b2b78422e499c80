"""Replay one session under ``pdb``, in its own build and environment: ``python -P -m worker.process.debug``.

Started by ``ak session debug`` with the terminal as its standard input and output. What a build process reads from its
standard input comes through the descriptor in ``AK_BOOT_FD``: the boot configuration, a JSON line with what is wanted,
``{"session", "run", "bytes", "at", "commands"}``, and the history.

The problem: a session stops at step N of its history, but steps are commands of Temporal's, made by coroutines after the
user's code has given up the thread. So the history is replayed twice. The first time notes which of the session's calls
to ``Driver.block`` made which step; the second time stops in that call, in the user's frame, before the step's recorded
result is there. An uncaught error is met in the first replay already, and looked at there.

Nothing outside is called: a replay gets its answers from the history. What is typed at the prompt is plain Python in
the user's frame; a call of it that would be a step is refused.
"""

from __future__ import annotations

import asyncio
import gc
import json
import os
import signal
import sys
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import Any

from greenlet import GreenletExit, getcurrent
from temporalio.api.history.v1 import History, HistoryEvent
from temporalio.client import WorkflowHistory
from temporalio.worker import Replayer
from temporalio.workflow import NondeterminismError

from worker import config
from worker.asked import END, asked_by, withdrawn
from worker.contracts import LINE_PRINT, BootConfig, Report
from worker.errors import CallError, WorkerError
from worker.log import configure, mask
from worker.payload.converter import data_converter
from worker.process import assemble
from worker.process.__main__ import Reporter
from worker.process.naps import Naps
from worker.process.prompt import INTERRUPTED_EXIT, NO_CALLS, Prompt
from worker.process.replay import NoLog, NoWatch, ReadOnlyBlobs, read_exactly
from worker.session import arrivals, calls, failures, system
from worker.session.greenlets import Driver
from worker.session.runner import SessionInstance, SessionRunner
from worker.session.tasks import SessionLoop
from worker.session.workflow import SessionWorkflow
from worker.steps import READ, local_number, steps_of

_FAILED_EXIT = 1
_QUIT_EXIT = 0
_CALLING = calls.call_out.__code__


@dataclass
class Places:
    """Which call of ``Driver.block``, counted from 1, made which step; negative: a command made without one."""

    by_key: dict[tuple[str, int], int] = field(default_factory=dict)
    by_step: dict[int, int] = field(default_factory=dict)
    steps: int = 0


class Numbers:
    """The numbers of a run's steps by the commands that asked for them.

    Steps stand in the history in the order in which they were asked for, but what is done in the process itself (a local
    activity), where it ended.
    """

    def __init__(self, events: Sequence[HistoryEvent]) -> None:
        steps = steps_of(events)
        at = {event.event_id: event for event in events}
        self._sent = iter([step.n for step in steps if step.kind != READ])
        self._local = {local_number(at[step.event]): step.n for step in steps if step.kind == READ}

    def of(self, variant: str, seq: int) -> int | None:
        """The number of the step that the next command asks for; None where none was recorded."""
        return self._local.get(seq) if variant == arrivals.LOCAL else next(self._sent, None)


class Debugging:
    """One session, replayed until it stands where somebody wants to look."""

    def __init__(
        self, parts: assemble.Parts, prompt: Prompt, at: int | None, events: Sequence[HistoryEvent]
    ) -> None:
        self._parts = parts
        self._numbers = Numbers(events)
        self._prompt = prompt
        self._at = at
        self._places = Places()
        self._target: int | None = None  # the place to stop at, in the second replay
        self._blocks = 0
        self._direct = 0
        self._blocking = False
        self.stopped = False
        self.error = ""

    def install(self) -> None:
        """Look into the session's engine; this process does nothing else."""
        self._wrap(Driver, "block", self._block)
        self._wrap(Driver, "run", self._run)
        self._wrap(SessionLoop, "_add_command", self._add_command)
        self._wrap(SessionInstance, "activate", self._activate)
        self._wrap(failures, "to_failure", self._failed)
        self._wrap(calls, "call_out", self._refuse)
        self._wrap(system, "perform", self._refuse)

    @staticmethod
    def _wrap(owner: Any, name: str, wrapper: Callable[..., Any]) -> None:
        real = getattr(owner, name)
        setattr(owner, name, lambda *args, **kwargs: wrapper(real, *args, **kwargs))

    async def go(self, replay: Callable[[], Any]) -> None:
        """Replay, and where there was no error to look at, replay again up to the step."""
        found: list[tuple[str, str]] = []
        self._parts.host.hear = lambda kind, text, _where: found.append((kind, text))
        self._prompt.before = lambda: self._show(found)
        await replay()
        if self.stopped or self.error:
            return
        self._target = self._places.by_step.get(self._at or self._places.steps, 0)
        self._blocks = self._direct = 0
        self._parts.host.hear = lambda kind, text, _where: self._show([(kind, text)])
        self._prompt.before = lambda: None
        await replay()

    def _show(self, lines: list[tuple[str, str]]) -> None:
        for kind, text in lines:
            if kind == LINE_PRINT:
                self._prompt.say(text)
        lines.clear()

    def _block(self, real: Any, driver: Driver, make_awaitable: Any) -> Any:
        """The user's code gives up the thread, maybe for a step."""
        self._refuse_typed()
        self._blocks += 1
        if self._blocks == self._target:
            self._stop(driver)

        def make() -> Any:
            self._blocking = True
            try:
                return make_awaitable()
            finally:
                self._blocking = False

        try:
            return real(driver, make)
        except GreenletExit:
            self._prompt.leave()  # the recording ends here; how the session is put away is not the program's
            raise
        finally:
            if not driver.closed:
                self._prompt.follow()

    async def _run(self, real: Any, driver: Driver, function: Callable[[], Any]) -> Any:
        """A greenlet of the user's begins: tracing does not follow into one by itself."""

        def run() -> Any:
            if self._target == 0 and not self.stopped:
                self.stopped = True
                self._prompt.stop_at_first_line()
            self._prompt.follow()
            return function()

        return await real(driver, run)

    def _add_command(self, real: Any, loop: SessionLoop) -> Any:
        command = real(loop)
        session = getattr(loop._object, "session", None)
        place = self._blocks
        if session is not None and session.host.state.current is session and not self._blocking:
            self._direct += 1
            place = -self._direct
            if place == self._target:
                self._stop(session.driver)
        loop.__dict__.setdefault("made", []).append((command, place))
        return command

    def _activate(self, real: Any, instance: SessionInstance, activation: Any) -> Any:
        completion = real(instance, activation)
        if any(job.HasField("remove_from_cache") for job in activation.jobs):
            return completion
        loop: Any = instance._inner
        places = self._places
        for command, place in loop.__dict__.pop("made", []):
            variant = command.WhichOneof("variant")
            if variant:
                places.by_key[variant, getattr(getattr(command, variant), "seq", 0)] = place
        recorded = getattr(getattr(loop._object, "session", None), "recorded", None)
        if recorded is not None and not places.steps:
            for n, key in recorded.keys.items():
                places.by_step[n] = places.by_key.get(key, 0)
            places.steps = len(recorded.keys)
        commands = list(completion.successful.commands)
        gone = set(withdrawn(commands))
        for command in commands:
            facts, variant = asked_by(command), command.WhichOneof("variant")
            key = (variant, getattr(getattr(command, variant), "seq", 0))
            asked = facts is not None and facts["kind"] != END and key not in gone
            n = self._numbers.of(*key) if asked else None
            if n is not None:
                places.steps = max(places.steps, n)
                places.by_step[n] = places.by_key.get(key, 0)
        return completion

    def _failed(self, real: Any, error: BaseException, directory: Path, **options: Any) -> Any:
        if self._at is None and not self.stopped:
            self.stopped = True
            self._prompt.post_mortem(error)
        return real(error, directory, **options)

    def _stop(self, driver: Driver) -> None:
        self.stopped = True
        frame: FrameType | None = sys._getframe()
        while frame is not None and frame.f_code is not _CALLING:
            frame = frame.f_back
        where = frame.f_locals["where"] if frame is not None else ""
        self._prompt.stop(where, [item.gr_frame for item in driver.suspended if item.gr_frame is not None])

    def _refuse(self, real: Any, *args: Any, **kwargs: Any) -> Any:
        self._refuse_typed()
        return real(*args, **kwargs)

    def _refuse_typed(self) -> None:
        """What is typed at the prompt makes no step: the replay could not go on after it."""
        if self._prompt.asking and getcurrent() is self._prompt.asking:
            raise CallError(NO_CALLS)


async def debug(
    boot: BootConfig, history: WorkflowHistory, wanted: dict[str, Any], reporter: Reporter
) -> str:
    """Let somebody look at the session; returns what is to be said at the end."""
    naps = Naps()
    naps.install()
    writer: Any = NoLog()
    parts = assemble.prepare(boot, writer)
    naps.serve(parts.host.state, parts.host.directory)
    prompt = Prompt(parts.host.directory, parts.host.guard, wanted["commands"])
    signal.signal(signal.SIGINT, prompt.interrupted)  # the replay is on this thread, Python's main one
    prompt.stopped = lambda where: reporter.send(Report("stopped", where=where))
    debugging = Debugging(parts, prompt, wanted["at"], history.events)
    debugging.install()
    with ThreadPoolExecutor(1, thread_name_prefix="sessions") as thread:
        runner = SessionRunner(parts.host, NoWatch())
        replayer = Replayer(
            workflows=[SessionWorkflow],
            workflow_runner=runner,
            unsandboxed_workflow_runner=runner,
            workflow_task_executor=thread,
            data_converter=data_converter(ReadOnlyBlobs(boot.database_url)),
            disable_safe_workflow_eviction=False,
            debug_mode=True,  # a person may think longer than Temporal's limit
        )

        async def replay() -> None:
            try:
                await replayer.replay_workflow(history)
            except NondeterminismError as failure:
                debugging.error = f"the code does not ask for what was recorded: {failure}"
            except Exception as failure:
                debugging.error = f"{type(failure).__name__}: {failure}"

        await debugging.go(replay)
    if debugging.error:
        raise WorkerError(debugging.error)
    return "" if debugging.stopped else "the replay ended before that step"


def read() -> tuple[BootConfig, WorkflowHistory, dict[str, Any]]:
    """What is to be debugged."""
    with os.fdopen(config.boot_descriptor(), "rb") as pipe:
        boot = BootConfig(**json.loads(pipe.readline()))
        wanted = json.loads(pipe.readline())
        events = History.FromString(read_exactly(pipe, wanted["bytes"])).events
    return boot, WorkflowHistory(wanted["session"], list(events)), wanted


def main() -> int:
    """Run the process; returns the exit status."""
    # Until there is a prompt that could hear of it, Control-C ends the process and nothing else.
    signal.signal(signal.SIGINT, lambda *_: os._exit(INTERRUPTED_EXIT))
    # Whoever started it has kept it back until now.
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
    reporter = Reporter(config.report_descriptor())
    boot, history, wanted = read()
    configure("ERROR", libraries=False)
    mask(boot.secrets.values())
    try:
        problem = asyncio.run(debug(boot, history, wanted, reporter))
    except WorkerError as error:
        reporter.send(Report("failed", error.message, error.where, error.hint, error.code))
        return _FAILED_EXIT
    if problem:
        reporter.send(Report("failed", problem, code=WorkerError.code))
        return _FAILED_EXIT
    reporter.send(Report("ended"))
    return _QUIT_EXIT


if __name__ == "__main__":
    status = main()
    gc.collect()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)
