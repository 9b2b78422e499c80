"""Plain synchronous user code over Temporal's asynchronous workflow loop.

The problem: a handler calls ``requests.get(...)`` without ``await``, yet the workflow loop must go on while the
result is outstanding. Threads would make the order of steps a matter of the scheduler. So the handler runs in a
greenlet: a blocking call hands an awaitable to the driver below, which awaits it on the deterministic loop and
switches back with the result.

Three things arrive at the driver as ``CancelledError``, and are told apart here and nowhere else:

1. Eviction: the worker drops the session from its cache. Nothing may happen any more: the greenlet is unwound
   with ``GreenletExit``, every routed call raises it again, and code that swallows it forever is put aside for
   good. All of it within the same run of the loop, or the worker's slot hangs.
2. Stop: the session was cancelled. User code sees ``SessionStopped`` once; ``finally`` blocks run and may call.
   Code that swallows it meets it again at its next blocking call that is not part of the cleaning up.
3. Everything else is the user's own and is thrown in as it is.
"""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import sys
from collections.abc import Awaitable, Callable
from typing import Any

from greenlet import GreenletExit, getcurrent, greenlet
from temporalio import workflow
from temporalio.exceptions import is_cancelled_exception

from worker.errors import SessionStopped
from worker.session.host import GuardPort, RunningState
from worker.usercode.surroundings import Surroundings

_SWALLOWED_EXITS = 1000  # how often user code may swallow GreenletExit before it is put aside
_SWALLOWED_STOPS = 20  # how often user code may swallow SessionStopped before the session ends without it
_DEEP = "steps need room on the stack"  # in histories: never change it
# Frames below the limit of recursion: a step that runs out of them half way leaves its session stuck.
_ROOM = 250
_NO_ROOM = 50  # here nothing was ever asked for
_ABANDONED = object()  # what code that refuses to end hands to its driver instead of an awaitable


def evicting() -> bool:
    """Whether the worker is dropping this workflow from its cache (asserted at start: see ``runner``)."""
    return bool(workflow._Runtime.current()._deleting)  # type: ignore[attr-defined]


class Driver:
    """Runs one function of the user in a greenlet and awaits what it blocks on."""

    # Greenlets that would not end on eviction: kept, so that they are never resumed by their deallocation.
    _put_aside: list[greenlet] = []  # noqa: RUF012 - process-wide by design: a leak of one stack each

    def __init__(self, state: RunningState, guard: GuardPort, surroundings: Surroundings, owner: Any) -> None:
        self._surroundings = surroundings
        self._state = state
        self._guard = guard
        self._owner = owner
        self.directory = owner.host.directory
        self.closed = False
        self.stopping = False
        self._leaving: tuple[greenlet, BaseException] | None = None
        self._swallowed_exits = 0
        self._swallowed_stops = 0
        self.suspended: dict[greenlet, None] = {}  # greenlets that wait, in the order in which they began to

    async def run(self, function: Callable[[], Any]) -> Any:
        """Run ``function`` to its end; returns what it returns, raises what it raises."""
        child = greenlet(function)
        child.gr_context = contextvars.copy_context()
        outcome = self.switch(child)
        self.suspended[child] = None
        while not child.dead:
            if outcome is _ABANDONED:
                raise asyncio.CancelledError
            try:
                value = await outcome
            except BaseException as error:
                if evicting():
                    self.unwind(child)
                    raise
                outcome = self.switch(child, error=self._translate(error))
            else:
                outcome = self.switch(child, value)
        self.suspended.pop(child, None)
        return outcome

    def block(self, make_awaitable: Callable[[], Awaitable[Any]]) -> Any:
        """Called by user code's greenlet: give up the thread until the awaitable is done."""
        self.check_open()
        self.check_room()
        if self.stopping and not _cleaning_up():
            self._swallowed_stops += 1
            if self._swallowed_stops > _SWALLOWED_STOPS:
                self._leave_for_good()
            raise SessionStopped(workflow.cancellation_reason() or "")
        if self._leaving is not None and self._leaving[0] is getcurrent():
            error = self._leaving[1]
            if not _cleaning_up(type(error)):
                raise error
        self._owner.watch_growth()
        parent = getcurrent().parent
        assert parent is not None
        return parent.switch(make_awaitable())

    def leaving(self, error: BaseException) -> BaseException:
        """What the caller raises to end the run; code that swallows it meets it again at its next blocking call."""
        self._leaving = getcurrent(), error
        return error

    def check_open(self) -> None:
        """Raise ``GreenletExit`` when the session is being evicted."""
        if self.closed:
            self._swallowed_exits += 1
            if self._swallowed_exits > _SWALLOWED_EXITS:
                self._leave_for_good()
            raise GreenletExit

    def check_room(self) -> None:
        """Raise ``RecursionError`` so deep in a recursion that a step might run out of stack while it is asked for.

        Counted are frames, not what Python has left: a replay may begin at another depth.
        """
        frame, depth = sys._getframe(1), 0
        while frame is not None:
            frame, depth = frame.f_back, depth + 1  # type: ignore[assignment]
        left = sys.getrecursionlimit() - depth
        if left < _ROOM and (left < _NO_ROOM or workflow.patched(_DEEP)):
            raise RecursionError(
                f"maximum recursion depth exceeded: {depth} calls deep is too deep for a step"
            )

    def _translate(self, error: BaseException) -> BaseException:
        """The user's view of what interrupted a wait: the stop of the session, once, or the error itself."""
        stopped = isinstance(error, asyncio.CancelledError) or is_cancelled_exception(error)
        if stopped and workflow.cancellation_reason() is not None and not self.stopping:
            self.stopping = True
            return SessionStopped(workflow.cancellation_reason() or "")
        return error

    def switch(self, child: greenlet, value: Any = None, error: BaseException | None = None) -> Any:
        """Let a greenlet of the user's run until it blocks or ends; returns what it gave up the thread with."""
        child.parent = getcurrent()
        self._state.current = self._owner
        with self._surroundings.of(self._owner):
            self._guard.arm()
            try:
                if error is not None:  # with the frames it has: without them it would lose them here
                    return child.throw(type(error), error, error.__traceback__)
                return child.switch(value) if child else child.switch()
            finally:
                self._guard.disarm()
                self._state.current = None

    def unwind(self, child: greenlet, *, first: bool = False) -> None:
        """End a greenlet whose session is dropped from the cache; ``first``: it has not run yet."""
        self.closed = True
        with contextlib.suppress(BaseException):  # whatever the cleaning up raises, the session is gone
            self.switch(child, error=None if first else GreenletExit())
        if not child.dead:
            self._put_aside.append(child)

    def _leave_for_good(self) -> None:
        parent = getcurrent().parent
        assert parent is not None
        self._put_aside.append(getcurrent())
        while True:
            parent.switch(_ABANDONED)


def _cleaning_up(kind: type[BaseException] = SessionStopped) -> bool:
    """Whether the code that calls now runs in a ``finally`` or ``except`` that handles the stop, or the restart."""
    error: BaseException | None = sys.exc_info()[1]
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        if isinstance(error, kind):
            return True
        seen.add(id(error))
        error = error.__context__
    return False
