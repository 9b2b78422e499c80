"""Threads, locks and queues in a session: greenlets that take turns on Temporal's loop.

Only what waits is replaced; everything else of ``threading`` and ``queue`` is as it is. A thread
runs until it waits, for a call to the outside or for another thread, so that the order is the same on every replay.
"""

from __future__ import annotations

import contextvars
import queue
import re
import threading
from collections.abc import Callable
from typing import Any

from greenlet import getcurrent
from temporalio import workflow

from worker.session import system
from worker.session.tasks import spawn

_FOREVER = -1
_HANDLERS_IDENT = 1
_NOTHING = object()
_UNNAMED = re.compile(r"Thread-\d+( \(.*\))?")
# The session's thread that runs: a context variable, which each greenlet of it has its own value of.
RUNNING: contextvars.ContextVar[threading.Thread | None] = contextvars.ContextVar("thread", default=None)


def wait(session: Any, ready: Callable[[], bool], timeout: float | None, what: str) -> bool:
    """Let the others run until something is so; False after so many seconds."""
    if timeout is not None and timeout <= 0:
        return ready()
    return system.wait_until(session, ready, timeout, what)


class Lock:
    """``threading.Lock``: held by one greenlet of the session, or by a thread of an activity it was passed to."""

    def __init__(self, session: Any, lock: Any = None) -> None:
        self._session = session
        self._lock = threading.Lock() if lock is None else lock

    def acquire(self, blocking: bool = True, timeout: float = _FOREVER) -> bool:
        """As the real one."""
        state = self._session.host.state
        if threading.get_ident() != state.thread or state.current is not self._session:
            return bool(self._lock.acquire(blocking, timeout))
        if self._lock.acquire(blocking=False):
            return True
        if not blocking:
            return False
        limit = None if timeout == _FOREVER else timeout
        return wait(self._session, lambda: bool(self._lock.acquire(blocking=False)), limit, "a lock")

    def release(self) -> None:
        """As the real one."""
        self._lock.release()

    def locked(self) -> bool:
        """As the real one."""
        return bool(self._lock.locked())

    def __enter__(self) -> bool:
        return self.acquire()

    def __exit__(self, *_error: object) -> None:
        self.release()

    def __repr__(self) -> str:
        return f"<{'locked' if self.locked() else 'unlocked'} _thread.lock object>"

    def __reduce__(self) -> Any:
        raise TypeError("cannot pickle '_thread.lock' object")


class RLock(Lock):
    """``threading.RLock``: its holder may take it again."""

    def __init__(self, session: Any) -> None:
        super().__init__(session)
        self._owner: Any = None
        self._count = 0

    # What a condition asks of its lock.

    def _is_owned(self) -> bool:
        return self._owner is getcurrent()

    def _release_save(self) -> tuple[int, Any]:
        saved = self._count, self._owner
        self._count, self._owner = 0, None
        super().release()
        return saved

    def _acquire_restore(self, saved: tuple[int, Any]) -> None:
        super().acquire()
        self._count, self._owner = saved

    def acquire(self, blocking: bool = True, timeout: float = _FOREVER) -> bool:
        """As the real one."""
        me = getcurrent()
        if self._owner is me:
            self._count += 1
            return True
        if not super().acquire(blocking, timeout):
            return False
        self._owner, self._count = me, 1
        return True

    def release(self) -> None:
        """As the real one."""
        if self._owner is not getcurrent():
            raise RuntimeError("cannot release un-acquired lock")
        self._count -= 1
        if not self._count:
            self._owner = None
            super().release()


class Semaphore(threading.Semaphore):
    """``threading.Semaphore`` whose waiting lets others run."""

    def __init__(self, session: Any, value: int = 1) -> None:
        super().__init__(value)
        self._session = session

    def acquire(self, blocking: bool = True, timeout: float | None = None) -> bool:
        """As the real one."""
        really = super().acquire

        def take() -> bool:
            return bool(really(blocking=False))

        return take() if not blocking else wait(self._session, take, timeout, "a semaphore")

    __enter__ = acquire


class Condition(threading.Condition):
    """``threading.Condition`` whose waiting, and whose lock, let others run."""

    def __init__(self, session: Any, lock: Any = None) -> None:
        kept: Any = RLock(session) if lock is None else lock
        super().__init__(kept)
        self._session = session

    def wait(self, timeout: float | None = None) -> bool:
        """Give the lock up, wait to be notified, take it again."""
        inner: Any = self
        if not inner._is_owned():
            raise RuntimeError("cannot wait on un-acquired lock")
        waiter: Any = threading.Lock()
        waiter.acquire()
        inner._waiters.append(waiter)
        saved = inner._release_save()
        try:
            return wait(self._session, lambda: waiter.acquire(blocking=False), timeout, "a condition")
        finally:
            if waiter in inner._waiters:
                inner._waiters.remove(waiter)
            inner._acquire_restore(saved)

    def wait_for(self, predicate: Callable[[], Any], timeout: float | None = None) -> Any:
        """As the real one, by the session's clock."""
        end = None if timeout is None else workflow.time() + timeout
        while not (result := predicate()):
            left = None if end is None else end - workflow.time()
            if (left is not None and left <= 0) or not self.wait(left):
                return predicate()
        return result


class Barrier(threading.Barrier):
    """``threading.Barrier`` whose waiting lets others run."""

    def __init__(self, session: Any, parties: int, action: Any = None, timeout: float | None = None) -> None:
        super().__init__(parties, action, timeout)
        inner: Any = self
        inner._cond = Condition(session, Lock(session))


class Local:
    """``threading.local``: each thread of the session, and each worker of an executor, has its own attributes."""

    def __init__(self, _session: Any) -> None:
        object.__setattr__(self, "_values", {})

    def _mine(self) -> dict[str, Any]:
        mine: dict[str, Any] = object.__getattribute__(self, "_values").setdefault(id(RUNNING.get()), {})
        return mine

    def __getattribute__(self, name: str) -> Any:
        if name == "__dict__":
            return object.__getattribute__(self, "_mine")()
        return object.__getattribute__(self, name)

    def __getattr__(self, name: str) -> Any:
        try:
            return self._mine()[name]
        except KeyError:
            raise AttributeError(f"'_thread._local' object has no attribute {name!r}") from None

    def __setattr__(self, name: str, value: Any) -> None:
        self._mine()[name] = value

    def __delattr__(self, name: str) -> None:
        if self._mine().pop(name, _NOTHING) is _NOTHING:
            raise AttributeError(f"'_thread._local' object has no attribute {name!r}")

    def __reduce__(self) -> Any:
        raise TypeError("cannot pickle '_thread._local' object")


def current_thread(_session: Any) -> threading.Thread:
    """``threading.current_thread``."""
    return RUNNING.get() or threading.main_thread()


def get_ident(_session: Any) -> int:
    """``threading.get_ident``: 1 for the handler, then by the order in which threads were started."""
    thread = RUNNING.get()
    return _HANDLERS_IDENT if thread is None or thread.ident is None else thread.ident


class Timer(threading.Timer):
    """``threading.Timer`` that waits by a durable timer."""

    def __init__(
        self, session: Any, interval: float, function: Any, args: Any = None, kwargs: Any = None
    ) -> None:
        super().__init__(interval, function, args, kwargs)
        self._session = session

    def run(self) -> None:
        """Wait, then call, unless cancelled meanwhile."""
        if not wait(self._session, self.finished.is_set, self.interval, "a timer"):
            self.function(*self.args, **self.kwargs)
        self.finished.set()


def start(session: Any, thread: threading.Thread) -> None:
    """``Thread.start``."""
    if id(thread) in session.threads:
        raise RuntimeError("threads can only be started once")

    number = len(session.threads) + 1
    inner: Any = thread
    inner._ident = _HANDLERS_IDENT + number
    unnamed = _UNNAMED.fullmatch(thread.name)
    if unnamed is not None:  # Python counts the threads of the whole process
        thread.name = f"Thread-{number}{unnamed.group(1) or ''}"

    def run() -> None:
        RUNNING.set(thread)
        try:
            thread.run()
        except Exception as error:
            session.warn(f"exception in thread {thread.name}: {type(error).__name__}: {error}")

    session.threads[id(thread)] = (thread, spawn(session.driver, run))


def join(session: Any, thread: threading.Thread, timeout: float | None = None) -> None:
    """``Thread.join``."""
    if id(thread) not in session.threads:
        raise RuntimeError("cannot join thread before it is started")
    wait(session, session.threads[id(thread)][1].done, timeout, f"the thread {thread.name}")


def is_alive(session: Any, thread: threading.Thread) -> bool:
    """``Thread.is_alive``."""
    known = session.threads.get(id(thread))
    return known is not None and not known[1].done()


def event_wait(session: Any, event: threading.Event, timeout: float | None = None) -> bool:
    """``Event.wait``."""
    return wait(session, event.is_set, timeout, "an event")


def _is_shut(items: queue.Queue[Any]) -> bool:
    """Whether ``Queue.shutdown`` was called, which Python has since 3.13; who waits is to hear of it."""
    return getattr(items, "is_shutdown", False)


def queue_get(session: Any, items: queue.Queue[Any], block: bool = True, timeout: float | None = None) -> Any:
    """``Queue.get``."""
    if block:
        wait(session, lambda: items.qsize() > 0 or _is_shut(items), timeout, "a queue")
    return items.get(block=False)


def queue_put(
    session: Any, items: queue.Queue[Any], item: Any, block: bool = True, timeout: float | None = None
) -> None:
    """``Queue.put``."""
    if block:
        wait(session, lambda: not items.full() or _is_shut(items), timeout, "room in a queue")
    items.put(item, block=False)


def queue_join(session: Any, items: queue.Queue[Any]) -> None:
    """``Queue.join``."""
    wait(session, lambda: not items.unfinished_tasks, None, "a queue's work")


MAKERS: dict[str, Any] = {
    "threading.Lock": Lock,
    "threading.RLock": RLock,
    "threading.Semaphore": Semaphore,
    "threading.BoundedSemaphore": Semaphore,
    "threading.Timer": Timer,
    "threading.Condition": Condition,
    "threading.Barrier": Barrier,
    "threading.local": Local,
    "threading.current_thread": current_thread,
    "threading.get_ident": get_ident,
}
METHODS: dict[str, Any] = {
    "threading.Thread.start": start,
    "threading.Thread.join": join,
    "threading.Thread.is_alive": is_alive,
    "threading.Event.wait": event_wait,
    "queue.Queue.get": queue_get,
    "queue.Queue.put": queue_put,
    "queue.Queue.join": queue_join,
}
