"""Threads, executors, locks and queues in a session: greenlets that take turns on Temporal's loop.

Only what waits is replaced; everything else of ``threading``, ``queue`` and ``concurrent.futures`` is as it is. A thread
runs until it waits, for a call to the outside or for another thread, so that the order is the same on every replay.
"""

from __future__ import annotations

import concurrent.futures as cf
import queue
import threading
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from greenlet import getcurrent

from worker.session import system
from worker.session.tasks import spawn

_FOREVER = -1


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


class Future(cf.Future[Any]):
    """A future whose ``result`` lets others run."""

    def __init__(self, session: Any) -> None:
        super().__init__()
        self._session = session

    def result(self, timeout: float | None = None) -> Any:
        """As the real one."""
        self._wait(timeout)
        return super().result(0)

    def exception(self, timeout: float | None = None) -> BaseException | None:
        """As the real one."""
        self._wait(timeout)
        return super().exception(0)

    def _wait(self, timeout: float | None) -> None:
        state = self._session.host.state
        if threading.get_ident() == state.thread and not self.done():
            wait(self._session, self.done, timeout, "a result")


class Executor(cf.ThreadPoolExecutor):
    """``ThreadPoolExecutor``: at most so many greenlets at once, the rest in the order in which it was submitted."""

    def __init__(self, session: Any, max_workers: int | None = None, *_args: Any, **_kwargs: Any) -> None:
        if max_workers is not None and max_workers <= 0:
            raise ValueError("max_workers must be greater than 0")
        self._session = session
        self._limit = max_workers or 32
        self._waiting: list[Callable[[], None]] = []
        self._all: list[Future] = []
        self._running = 0
        self._closed = False

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> cf.Future[Any]:
        """As the real one."""
        if self._closed:
            raise RuntimeError("cannot schedule new futures after shutdown")
        future = Future(self._session)
        self._all.append(future)

        def run() -> None:
            try:
                if future.set_running_or_notify_cancel():
                    try:
                        future.set_result(fn(*args, **kwargs))
                    except Exception as error:
                        future.set_exception(error)
            finally:
                self._running -= 1
                self._start()

        self._waiting.append(run)
        self._start()
        return future

    def map(
        self, fn: Callable[..., Any], *iterables: Iterable[Any], timeout: float | None = None, **_kwargs: Any
    ) -> Iterator[Any]:
        """As the real one."""
        futures = [self.submit(fn, *args) for args in zip(*iterables, strict=False)]
        return (future.result(timeout) for future in futures)

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """As the real one."""
        self._closed = True
        if cancel_futures:
            for future in self._all:
                future.cancel()
        if wait:
            for future in self._all:
                future._wait(None)

    def __exit__(self, *_error: object) -> None:
        self.shutdown(wait=True)

    def _start(self) -> None:
        while self._waiting and self._running < self._limit and not self._session.driver.closed:
            self._running += 1
            spawn(self._session.driver, self._waiting.pop(0))


def start(session: Any, thread: threading.Thread) -> None:
    """``Thread.start``."""
    if id(thread) in session.threads:
        raise RuntimeError("threads can only be started once")

    def run() -> None:
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


def condition_wait(session: Any, condition: threading.Condition, timeout: float | None = None) -> bool:
    """``Condition.wait``: give the lock up, wait to be notified, take it again."""
    inner: Any = condition
    waiter: Any = threading.Lock()
    waiter.acquire()
    inner._waiters.append(waiter)
    saved = inner._release_save()
    try:
        return wait(session, lambda: waiter.acquire(blocking=False), timeout, "a condition")
    finally:
        if waiter in inner._waiters:
            inner._waiters.remove(waiter)
        inner._acquire_restore(saved)


def condition_wait_for(session: Any, condition: Any, predicate: Any, timeout: float | None = None) -> Any:
    """``Condition.wait_for``."""
    while not (result := predicate()):
        if not condition_wait(session, condition, timeout):
            return predicate()
    return result


def queue_get(session: Any, items: queue.Queue[Any], block: bool = True, timeout: float | None = None) -> Any:
    """``Queue.get``."""
    if block:
        wait(session, lambda: items.qsize() > 0, timeout, "a queue")
    return items.get(block=False)


def queue_put(
    session: Any, items: queue.Queue[Any], item: Any, block: bool = True, timeout: float | None = None
) -> None:
    """``Queue.put``."""
    if block:
        wait(session, lambda: not items.full(), timeout, "room in a queue")
    items.put(item, block=False)


def queue_join(session: Any, items: queue.Queue[Any]) -> None:
    """``Queue.join``."""
    wait(session, lambda: not items.unfinished_tasks, None, "a queue's work")


def as_completed(session: Any, fs: Iterable[cf.Future[Any]], timeout: float | None = None) -> Iterator[Any]:
    """``concurrent.futures.as_completed``."""
    pending = list(dict.fromkeys(fs))
    while pending:
        if not wait(session, lambda now=pending: any(f.done() for f in now), timeout, "a result"):  # type: ignore[misc]
            raise TimeoutError(f"{len(pending)} futures unfinished")
        done = [f for f in pending if f.done()]
        pending = [f for f in pending if f not in done]
        yield from done


def wait_for_futures(
    session: Any,
    fs: Iterable[cf.Future[Any]],
    timeout: float | None = None,
    return_when: str = cf.ALL_COMPLETED,
) -> Any:
    """``concurrent.futures.wait``."""
    all_of = set(fs)

    def failed() -> bool:
        return any(f.done() and not f.cancelled() and f.exception() is not None for f in all_of)

    def enough() -> bool:
        done = [f.done() for f in all_of]
        if return_when == cf.FIRST_COMPLETED:
            return any(done)
        return all(done) or (return_when == cf.FIRST_EXCEPTION and failed())

    wait(session, enough, timeout, "results")
    return cf._base.DoneAndNotDoneFutures(
        {f for f in all_of if f.done()}, {f for f in all_of if not f.done()}
    )


MAKERS: dict[str, Any] = {
    "threading.Lock": Lock,
    "threading.RLock": RLock,
    "threading.Semaphore": Semaphore,
    "threading.BoundedSemaphore": Semaphore,
    "threading.Timer": Timer,
    "concurrent.futures.ThreadPoolExecutor": Executor,
    "concurrent.futures.as_completed": as_completed,
    "concurrent.futures.wait": wait_for_futures,
}
METHODS: dict[str, Any] = {
    "threading.Thread.start": start,
    "threading.Thread.join": join,
    "threading.Thread.is_alive": is_alive,
    "threading.Event.wait": event_wait,
    "threading.Condition.wait": condition_wait,
    "threading.Condition.wait_for": condition_wait_for,
    "queue.Queue.get": queue_get,
    "queue.Queue.put": queue_put,
    "queue.Queue.join": queue_join,
}
