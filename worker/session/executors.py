"""``concurrent.futures`` in a session: executors whose workers are greenlets, and waiting that lets others run."""

from __future__ import annotations

import concurrent.futures as cf
import threading
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from temporalio import workflow

from worker.errors import SessionStopped
from worker.session.tasks import spawn
from worker.session.threads import RUNNING, wait

_LEAVES = "a stopped session leaves its executors"  # in histories: never change it


class Future(cf.Future[Any]):
    """A future whose ``result`` lets others run."""

    def __init__(self, session: Any) -> None:
        super().__init__()
        self._session = session
        self._hash: int = next(session.hashes)  # `wait` gives sets of futures, and people iterate over them

    def __hash__(self) -> int:
        """The same on every replay."""
        return self._hash

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
        self._idle: list[threading.Thread] = []
        self._workers = 0
        self._number = session.count_executors()

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> cf.Future[Any]:
        """As the real one."""
        if self._closed:
            raise RuntimeError("cannot schedule new futures after shutdown")
        future = Future(self._session)
        self._all.append(future)

        def run() -> None:
            worker = self._idle.pop(0) if self._idle else self._new_worker()
            RUNNING.set(worker)
            try:
                if future.set_running_or_notify_cancel():
                    try:
                        future.set_result(fn(*args, **kwargs))
                    except Exception as error:
                        future.set_exception(error)
            finally:
                self._idle.insert(0, worker)
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

    def __exit__(self, kind: type[BaseException] | None, *_error: object) -> None:
        """As the real one, but a session that is stopped waits for no thread: one may sleep for a day."""
        stopped = kind is not None and issubclass(kind, SessionStopped) and workflow.patched(_LEAVES)
        self.shutdown(wait=not stopped, cancel_futures=stopped)

    def _new_worker(self) -> threading.Thread:
        self._workers += 1
        return threading.Thread(name=f"ThreadPoolExecutor-{self._number}_{self._workers - 1}")

    def _start(self) -> None:
        while self._waiting and self._running < self._limit and not self._session.driver.closed:
            self._running += 1
            spawn(self._session.driver, self._waiting.pop(0))


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
    "concurrent.futures.ThreadPoolExecutor": Executor,
    "concurrent.futures.as_completed": as_completed,
    "concurrent.futures.wait": wait_for_futures,
}
