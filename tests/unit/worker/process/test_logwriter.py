"""The writer of session logs: nothing is acknowledged before it is in the store."""

from __future__ import annotations

import asyncio
import threading

import pytest

from worker.contracts import LogBatch
from worker.process import logwriter
from worker.process.logwriter import LogWriter


def batch(run: str) -> LogBatch:
    """A batch of one run."""
    return LogBatch("p", "ses", run, 0, [])


async def committed(writer, lines):
    """Wait for lines that were put there."""
    await asyncio.wrap_future(writer.put(lines))


@pytest.fixture
def made():
    """Makes started writers, which are stopped afterwards."""
    writers: list[LogWriter] = []

    def make(write):
        """A writer with this store."""
        writers.append(LogWriter(write))
        return writers[-1]

    yield make
    for writer in writers:
        writer.stop()


async def test_flush_returns_once_the_lines_are_committed(made):
    """And not before: the store holds the transaction back for as long as it likes."""
    may_commit, written = threading.Event(), []

    def write(batches):
        """The store."""
        may_commit.wait()
        written.extend(batches)

    writer = made(write)
    writer.start()
    writer.emit(batch("r1"))
    flushed = asyncio.ensure_future(writer.flush("r1"))
    await asyncio.wait({flushed}, timeout=0.05)
    assert not flushed.done()
    may_commit.set()
    await flushed
    assert [item.run_id for item in written] == ["r1"]


async def test_what_comes_during_a_transaction_shares_the_next(made):
    """Many sessions, one commit."""
    begun, may_commit, transactions = threading.Event(), threading.Event(), []

    def write(batches):
        """The store."""
        begun.set()
        may_commit.wait()
        transactions.append([item.run_id for item in batches])

    writer = made(write)
    writer.start()
    first = asyncio.ensure_future(committed(writer, batch("r1")))
    await asyncio.to_thread(begun.wait)
    for run in ("r2", "r3"):
        writer.emit(batch(run))
    may_commit.set()
    await asyncio.gather(first, writer.flush("r2"), writer.flush("r3"))
    assert transactions == [["r1"], ["r2", "r3"]]


async def test_store_that_fails_is_tried_again(made, monkeypatch):
    """The lines are written by the next attempt, and only then acknowledged."""
    monkeypatch.setattr(logwriter, "_RETRY_SECONDS", 0.001)
    attempts = []

    def write(batches):
        """The store."""
        attempts.append(len(batches))
        if len(attempts) < 3:
            raise OSError("no store")

    writer = made(write)
    writer.start()
    await committed(writer, batch("r1"))
    assert attempts == [1, 1, 1]


async def test_waiting_that_is_given_up_does_not_stop_the_writer(made):
    """An activity is cancelled while its lines are being written; the next one's are written all the same."""
    begun, may_commit = threading.Event(), threading.Event()

    def write(_batches):
        """The store."""
        begun.set()
        may_commit.wait()

    writer = made(write)
    writer.start()
    given_up = asyncio.ensure_future(committed(writer, batch("r1")))
    await asyncio.to_thread(begun.wait)
    given_up.cancel()
    await asyncio.wait({given_up})
    may_commit.set()
    await committed(writer, batch("r2"))


async def test_stop_writes_what_is_there_and_gives_up_a_dead_store(made, monkeypatch):
    """The process ends in any case."""
    written = []
    writer = made(written.extend)
    writer.emit(batch("r1"))
    writer.start()
    writer.stop()
    assert [item.run_id for item in written] == ["r1"]

    def fail(_batches):
        """A store that is gone."""
        raise OSError("no store")

    monkeypatch.setattr(logwriter, "_RETRY_SECONDS", 60)
    dead = made(fail)
    dead.start()
    dead.emit(batch("r1"))
    dead.stop()
