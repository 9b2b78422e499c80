"""Write session log lines, many sessions in one transaction, before what they belong to is acknowledged.

One thread writes, from the moment a line is there: while its activation is still being encoded. Whoever needs its lines
in the store waits for the transaction they are part of; while one transaction is under way the next collects. When the
store cannot be written, nothing is acknowledged: the writer tries again until it can, and Temporal hands the task to
somebody else if that takes too long.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import Future

from worker.contracts import LogBatch
from worker.log import log

_RETRY_SECONDS = 0.5
_END_SECONDS = 5.0


class LogWriter:
    """Group commit of log batches."""

    def __init__(self, write: Callable[[list[LogBatch]], None]) -> None:
        self._write = write
        self._queue: list[tuple[LogBatch, Future[None]]] = []
        self._changed = threading.Condition()
        self._ended = threading.Event()
        self._emitted: dict[str, Future[None]] = {}
        self._thread = threading.Thread(target=self._run, name="session-log", daemon=True)

    def start(self) -> None:
        """Write until ``stop``; what was put here before is written now."""
        self._thread.start()

    def stop(self) -> None:
        """Write what is there, unless the store cannot be written, and end."""
        self._ended.set()
        with self._changed:
            self._changed.notify()
        self._thread.join(_END_SECONDS)

    def emit(self, batch: LogBatch) -> None:
        """From the workflow thread: the lines of a run's activation, waited for by ``flush``."""
        self._emitted[batch.run_id] = self.put(batch)

    async def flush(self, run_id: str) -> None:
        """Return once the lines emitted for the run are committed."""
        done = self._emitted.pop(run_id, None)
        if done is not None and not done.done():
            await asyncio.wrap_future(done)

    def put(self, batch: LogBatch) -> Future[None]:
        """From any thread: done once the batch is committed. What was put before is committed before, or with it."""
        done: Future[None] = Future()
        with self._changed:
            self._queue.append((batch, done))
            self._changed.notify()
        return done

    def _run(self) -> None:
        while True:
            with self._changed:
                while not self._queue and not self._ended.is_set():
                    self._changed.wait()
                work, self._queue = self._queue, []
            if not work or not self._commit([batch for batch, _ in work]):
                return
            for _, done in work:
                if done.set_running_or_notify_cancel():  # whoever gave up waiting has cancelled it
                    done.set_result(None)

    def _commit(self, batches: list[LogBatch]) -> bool:
        """Whether they are in the store; if not, the process ends."""
        failed = False
        while True:
            try:
                self._write(batches)
            except Exception as error:
                if not failed:
                    log(action="session_log_unavailable", level="error", error=str(error))
                failed = True
                if self._ended.wait(_RETRY_SECONDS):
                    return False
            else:
                if failed:
                    log(action="session_log_available_again")
                return True
