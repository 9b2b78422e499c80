"""Several things at once in one session: tasks of ``asyncio``, threads and executors, all on Temporal's loop.

Each runs user code in greenlets of its own, so a plain call inside (``requests.get``) blocks only itself. What runs when
is decided by Temporal's deterministic loop: whatever order activities finish in is in the history, and a replay takes
the same path.
"""

from __future__ import annotations

import asyncio
import collections.abc
import contextvars
import dataclasses
import json
from collections.abc import Awaitable, Callable, Generator, Iterable
from typing import Any, Self

from greenlet import GreenletExit, greenlet
from temporalio.api.common.v1 import Payload
from temporalio.api.sdk.v1 import UserMetadata
from temporalio.bridge.proto.workflow_activation import WorkflowActivationJob
from temporalio.bridge.proto.workflow_commands import WorkflowCommand
from temporalio.bridge.proto.workflow_completion import WorkflowActivationCompletion
from temporalio.common import RawValue
from temporalio.worker import WorkflowInstanceDetails
from temporalio.worker._workflow_instance import _WorkflowInstanceImpl

from worker.contracts import brief
from worker.session import system, waiting
from worker.session.greenlets import Driver, evicting
from worker.usercode import frames

_ASYNCIO_SLEEPS = "_set_result_unless_cancelled"  # what asyncio.sleep gives its timer to call


_NOWHERE = WorkflowActivationCompletion()  # what is asked for while no activation is handled goes nowhere


class ExitedError(Exception):
    """``sys.exit`` in a task: carried to whoever waits for it, since it must not end the loop."""

    def __init__(self, code: Any) -> None:
        super().__init__(code)
        self.code = code


class Task(asyncio.Task[Any]):
    """A task that the user's code has asked for: ``asyncio.wait`` gives sets of them, in the same order each time."""

    def __new__(cls, _coro: Any, number: int, **_options: Any) -> Self:
        """With its number, which ``asyncio`` asks for while it is made."""
        task = super().__new__(cls)
        task._hash = number
        return task

    def __init__(self, coro: Any, _number: int, **options: Any) -> None:
        super().__init__(coro, **options)

    def __hash__(self) -> int:
        """The same on every replay."""
        return self._hash

    _hash: int


class Stepped(collections.abc.Coroutine[Any, Any, Any]):
    """A coroutine of the user's, each step of which runs in a greenlet and may block there."""

    def __init__(self, driver: Driver, coroutine: Any, line: str = "") -> None:
        self._driver = driver
        self._coroutine = coroutine
        self._context = contextvars.copy_context()
        if line:
            self._context.run(system.BEGAN_AT.set, line)
        self._child: greenlet | None = None
        self._awaiting: Generator[Any, Any, Any] | None = None

    def send(self, value: Any) -> Any:
        """One step, or one step of what the user's code is blocked on."""
        if self._awaiting is not None:
            return self._advance(lambda waiting: waiting.send(value))
        return self._step(lambda: self._coroutine.send(value))

    def throw(self, kind: Any, value: Any = None, traceback: Any = None) -> Any:
        """Throw into whatever is being waited for."""
        del traceback
        error = value if isinstance(value, BaseException) else kind
        if isinstance(error, type):
            error = error()
        if evicting():
            self._unwind()
            raise error
        if self._awaiting is not None:
            return self._advance(lambda waiting: waiting.throw(error))
        return self._step(lambda: self._coroutine.throw(error))

    def close(self) -> None:
        """Close the coroutine."""
        if self._child is None:
            self._coroutine.close()

    def __await__(self) -> Generator[Any, Any, Any]:
        """Step through to the end."""
        value: Any = None
        error: BaseException | None = None
        while True:
            try:
                waiting = self.send(value) if error is None else self.throw(error)
            except StopIteration as end:
                return end.value
            value = error = None
            try:
                value = yield waiting
            except BaseException as thrown:
                error = thrown

    def _step(self, run: Callable[[], Any]) -> Any:
        child = greenlet(run)
        child.gr_context = self._context
        return self._outcome(child, lambda: self._driver.switch(child))

    def _outcome(self, child: greenlet, resume: Callable[[], Any]) -> Any:
        """What a greenlet gave up the thread for: the end of a step, or something to wait for."""
        try:
            outcome = resume()
        except SystemExit as error:
            raise ExitedError(error.code) from None
        if child.dead:
            self._driver.suspended.pop(child, None)
            self._child = self._awaiting = None
            return outcome
        self._child = child
        self._driver.suspended[child] = None
        self._awaiting = outcome.__await__()
        return self._advance(lambda waiting: waiting.send(None))

    def _advance(self, move: Callable[[Any], Any]) -> Any:
        child = self._child
        assert child is not None
        try:
            return move(self._awaiting)
        except StopIteration as end:
            value = end.value
            self._awaiting = None
            return self._outcome(child, lambda: self._driver.switch(child, value))
        except BaseException as error:
            thrown = error
            self._awaiting = None
        return self._outcome(child, lambda: self._driver.switch(child, error=thrown))

    def _unwind(self) -> None:
        """The session is dropped from the cache: whatever the user's code wants to do about it does not happen."""
        child, self._child = self._child, None
        self._awaiting = None
        if child is None:
            child = greenlet(lambda: self._coroutine.throw(GreenletExit()))
            child.gr_context = self._context
            self._driver.unwind(child, first=True)
        else:
            self._driver.unwind(child)


def run_coroutine(driver: Driver, coroutine: Any) -> Any:
    """What ``asyncio.run`` does, on Temporal's loop; from the user's greenlet."""
    if not asyncio.iscoroutine(coroutine) and not isinstance(coroutine, Awaitable):
        raise ValueError(f"a coroutine was expected, got {coroutine!r}")

    # Made here, in the user's own context, where the session's runtime is installed.
    stepped = None if isinstance(coroutine, asyncio.Future) else Stepped(driver, coroutine)

    async def in_a_task() -> Any:
        loop = asyncio.get_running_loop()
        return await (coroutine if stepped is None else loop.create_task(stepped))

    try:
        return driver.block(in_a_task)
    except ExitedError as error:
        raise SystemExit(error.code) from None


def spawn(driver: Driver, function: Callable[[], Any]) -> asyncio.Task[Any]:
    """Run a plain function beside the handler; from the user's greenlet."""

    async def in_a_greenlet() -> Any:
        try:
            return await driver.run(function)
        except SystemExit as error:
            raise ExitedError(error.code) from None

    loop: Any = asyncio.get_running_loop()
    line = frames.calling_line(driver.directory) or system.BEGAN_AT.get()
    before = system.BEGAN_AT.set(line)
    try:
        task: asyncio.Task[Any] = loop.create_users_task(in_a_greenlet())
    finally:
        system.BEGAN_AT.reset(before)
    return task


def as_completed(_session: Any, fs: Iterable[Any], **options: Any) -> Any:
    """``asyncio.as_completed``, which makes tasks in the order of a set of coroutines."""
    if not (asyncio.iscoroutine(fs) or asyncio.isfuture(fs)):
        fs = [asyncio.ensure_future(each) for each in dict.fromkeys(fs)]
    return asyncio.as_completed(fs, **options)


def copied(payload: Payload) -> Payload:
    """The same payload, not part of a larger message."""
    return Payload.FromString(payload.SerializeToString())


class SessionLoop(_WorkflowInstanceImpl):
    """Temporal's workflow loop, with tasks that user code makes running in greenlets.

    A fork goes through what was recorded within its first activation, see ``recorded``.
    """

    refresh: Callable[[], None] = staticmethod(lambda: None)  # the time budget begins anew

    def __init__(self, det: WorkflowInstanceDetails) -> None:
        super().__init__(det)
        self._make_generator: Any = type(self._generator)
        self._generator: Any = None  # what Temporal just made; 2.5 KiB, which few sessions use

    @property
    def _random(self) -> Any:
        """Temporal's generator, made when it is asked for."""
        if self._generator is None:
            self._generator = self._make_generator(self._current_seed)
        return self._generator

    @_random.setter
    def _random(self, generator: Any) -> None:
        self._generator = generator

    def _make_workflow_input(self, init_job: Any) -> Any:
        """What the run is started with, in messages of their own: a part of one keeps all of it in memory."""
        made = super()._make_workflow_input(init_job)
        made.args = [[RawValue(copied(value.payload)) for value in values] for values in made.args]
        made.headers = {name: copied(payload) for name, payload in made.headers.items()}
        return made

    def rest(self) -> None:
        """Let go of the activation that is over and of its answer; the next one brings its own."""
        self._current_completion = _NOWHERE
        self._deployment_version_for_current_task = None
        self._current_internal_flags = _NOWHERE.successful.used_internal_flags

    def _recorded(self) -> Any:
        return getattr(getattr(self._object, "session", None), "recorded", None)

    def _add_command(self) -> Any:
        recorded = self._recorded()
        if recorded is None or not recorded.active:
            return super()._add_command()
        self._assert_not_read_only("add command")
        return recorded.divert(WorkflowCommand())

    def _run_once(self, *, check_conditions: bool, jobs: Any) -> None:
        super()._run_once(check_conditions=check_conditions, jobs=jobs)
        recorded = self._recorded()
        if recorded is not None and not self._deleting:
            recorded.go_on()

    def run_jobs(self, jobs: list[Any], *, always: bool = False) -> None:
        """Apply some jobs and run until there is nothing to do."""
        for job in jobs:
            self._apply(job)
        if jobs or always:
            super()._run_once(check_conditions=True, jobs=jobs or [WorkflowActivationJob()])

    def send(self, command: Any) -> None:
        """Make a command that was kept back."""
        self._current_completion.successful.commands.append(command)

    def create_task(
        self, coro: Any, *, name: str | None = None, context: contextvars.Context | None = None
    ) -> asyncio.Task[Any]:
        """A task; the user's own coroutines are stepped."""
        session = getattr(self._object, "session", None)
        if session is not None and session.host.state.current is session and not isinstance(coro, Stepped):
            coro = Stepped(session.driver, coro, frames.calling_line(session.host.directory))
        if not isinstance(coro, Stepped):
            return super().create_task(coro, name=name, context=context)
        return self.create_users_task(coro, name, context)

    def create_users_task(
        self, coro: Any, name: str | None = None, context: contextvars.Context | None = None
    ) -> asyncio.Task[Any]:
        """A task that the user's code may get to see."""
        task = Task(coro, next(self._object.session.hashes), loop=self, context=context)
        self._register_task(task, name=name)
        return task

    def create_own_task(self, coro: Any) -> asyncio.Task[Any]:
        """A task of ours, which takes no number: a fork makes others than its original."""
        return super().create_task(coro)

    def _timer_impl(
        self, delay: float, options: Any, callback: Any, *args: Any, context: Any = None
    ) -> asyncio.TimerHandle:
        """A timer; one that user code asked for through its event loop says so in the UI, with the line."""
        session = getattr(self._object, "session", None)
        if options.user_metadata is None and session is not None and session.host.state.current is session:
            sleeps = getattr(callback, "__name__", "") == _ASYNCIO_SLEEPS
            what = f"sleep {delay:g} s" if sleeps else f"time limit of {delay:g} s"
            text = brief(f"{what} · {system.here(session)}")
            summary = Payload(
                metadata={"encoding": b"json/plain"}, data=json.dumps(text, ensure_ascii=False).encode()
            )
            options = dataclasses.replace(options, user_metadata=UserMetadata(summary=summary))
        timer: asyncio.TimerHandle = super()._timer_impl(delay, options, callback, *args, context=context)
        return timer

    def _stack_trace(self) -> str:
        """What the Call Stack tab shows: where the user's code waits, and nothing of ours."""
        session = getattr(self._object, "session", None)
        if session is None:
            return super()._stack_trace()
        return waiting.describe(session.driver.suspended, session.host.directory)

    def run_until_complete(self, future: Any) -> Any:
        """As ``asyncio.run``."""
        return run_coroutine(self._object.session.driver, future)

    def run_in_executor(  # type: ignore[override]
        self, executor: Any, func: Any, *args: Any
    ) -> Any:
        """The function beside the handler: ``asyncio.to_thread`` ends here."""
        del executor
        return spawn(self._object.session.driver, lambda: func(*args))

    def close(self) -> None:
        """The loop is the session's: it ends with it."""

    def is_closed(self) -> bool:
        """Never, while somebody can ask."""
        return False

    async def shutdown_asyncgens(self) -> None:
        """Nothing is left over."""

    async def shutdown_default_executor(self, timeout: float | None = None) -> None:
        """There is none."""
