"""Write session log lines, many sessions in one transaction, before what they belong to is acknowledged.

One task writes. Whoever needs its lines in the store waits for the transaction they are part of; while one
transaction is under way the next collects. When the store cannot be written, nothing is acknowledged: the writer
tries again until it can, and Temporal hands the task to somebody else if that takes too long.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable

from worker.contracts import LogBatch
from worker.log import log

_RETRY_SECONDS = 0.5


class LogWriter:
    """Group commit of log batches."""

    def __init__(self, write: Callable[[list[LogBatch]], None]) -> None:
        self._write = write
        self._queue: list[tuple[LogBatch, asyncio.Future[None]]] = []
        self._wake = asyncio.Event()
        self._emitted: dict[str, LogBatch] = {}
        self._lock = threading.Lock()

    def emit(self, batch: LogBatch) -> None:
        """From the workflow thread: the lines of a run's activation, written by ``flush``."""
        with self._lock:
            self._emitted[batch.run_id] = batch

    async def flush(self, run_id: str) -> None:
        """Return once the lines emitted for the run are committed."""
        with self._lock:
            batch = self._emitted.pop(run_id, None)
        if batch is not None:
            await self.write(batch)

    async def write(self, batch: LogBatch) -> None:
        """Return once the batch is committed."""
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._queue.append((batch, done))
        self._wake.set()
        await done

    async def run(self) -> None:
        """Write until cancelled."""
        while True:
            await self._wake.wait()
            self._wake.clear()
            work, self._queue = self._queue, []
            if not work:
                continue
            await self._commit([batch for batch, _ in work])
            for _, done in work:
                if not done.done():
                    done.set_result(None)

    async def _commit(self, batches: list[LogBatch]) -> None:
        failed = False
        while True:
            try:
                await asyncio.to_thread(self._write, batches)
            except Exception as error:
                if not failed:
                    log(action="session_log_unavailable", level="error", error=str(error))
                failed = True
                await asyncio.sleep(_RETRY_SECONDS)
            else:
                if failed:
                    log(action="session_log_available_again")
                return
