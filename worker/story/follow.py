"""A session's entries as they happen: a long poll on Temporal's history beside the session log.

A step is told when it has ended; one that takes its time is told once more, before, as open. Entries come in the order of
their times, as far as they are known when they are told.
"""

from __future__ import annotations

import asyncio
import contextlib
import datetime as dt
from collections import defaultdict, deque
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

from temporalio.api.history.v1 import HistoryEvent

from worker import clock
from worker.contracts import LINE_CALL
from worker.steps import CHILD, OPEN, SIGNAL, Step
from worker.store.records import StoredLine
from worker.story.build import Collector, as_entry, of_step, tells
from worker.story.gather import Teller, with_sources
from worker.story.model import Entry

_POLL_SECONDS = 0.4


async def follow(teller: Teller, identifier: str, tail: int) -> AsyncIterator[Entry]:
    """The last entries of a session, then new ones until it has ended; goes on with the runs that follow a restart."""
    run_id = await teller.latest_run(identifier)
    code = await teller.code_of(identifier)
    began = clock.now()
    while run_id:
        live = _Live()
        queue: asyncio.Queue[HistoryEvent | None] = asyncio.Queue()
        reader = asyncio.create_task(_read(teller, identifier, run_id, queue))
        backlog: list[Entry] | None = []
        try:
            ended = False
            while not ended:
                ended, latest = await live.take(queue)
                live.add(await teller.lines_since(identifier, run_id, live.last_line))
                await teller.read_large(live.collector, live.ended())
                news = live.news(quiet=latest is None or ended)
                entries = await asyncio.to_thread(with_sources, news, live.collector, code)
                if backlog is not None and not ended and latest is not None and latest < began:
                    backlog += entries  # still reading what was there before
                    continue
                if backlog is not None:
                    entries, backlog = [*backlog, *entries][-tail:], None
                for entry in entries:
                    yield entry
            await asyncio.sleep(0)
            if reader.done() and not reader.cancelled():
                reader.result()
        finally:
            reader.cancel()
            with contextlib.suppress(asyncio.CancelledError, Exception):
                await reader
        run_id = next_run(live.collector)


async def _read(
    teller: Teller, identifier: str, run_id: str, queue: asyncio.Queue[HistoryEvent | None]
) -> None:
    try:
        async for event in teller.events(identifier, run_id):
            queue.put_nowait(event)
    finally:
        queue.put_nowait(None)


@dataclass
class _Live:
    """What is known of one run, and what of it was told."""

    collector: Collector = field(default_factory=Collector)
    last_line: int = 0
    _changed: dict[int, Step] = field(default_factory=dict)
    _opened: set[int] = field(default_factory=set)
    _arrivals: int = 0
    _lines: list[StoredLine] = field(default_factory=list)
    _seen: set[tuple[int, int, int]] = field(default_factory=set)
    _calls: dict[int, StoredLine] = field(default_factory=dict)
    _free: dict[tuple[str, str], deque[int]] = field(default_factory=lambda: defaultdict(deque))

    async def take(self, queue: asyncio.Queue[HistoryEvent | None]) -> tuple[bool, dt.datetime | None]:
        """Take the events that are there; whether the run has ended, and the time of the last one, if any came."""
        latest = None
        try:
            async with asyncio.timeout(_POLL_SECONDS):
                event = await queue.get()
        except TimeoutError:
            return False, None
        while event is not None:
            step = self.collector.read(event)
            if step is not None:
                self._changed[step.n] = step
            latest = event.event_time.ToDatetime(tzinfo=dt.UTC)
            if queue.empty():
                return self.collector.closing is not None, latest
            event = queue.get_nowait()
        return True, latest

    def add(self, lines: list[StoredLine]) -> None:
        """Take lines of the log; one that was written again is told once."""
        for line in lines:
            self.last_line = max(self.last_line, line.seq)
            key = (line.line, line.attempt, line.sub)
            if line.kind == LINE_CALL and not line.attempt:
                if line.line not in self._calls:
                    self._free[line.where, line.text.partition("(")[0]].append(line.line)
                self._calls[line.line] = line
            elif key not in self._seen and tells(line):
                self._lines.append(line)
            self._seen.add(key)

    def ended(self) -> list[Step]:
        """Steps that ended and were not told yet."""
        return [step for step in self._changed.values() if step.state != OPEN]

    def news(self, *, quiet: bool) -> list[Entry]:
        """What was not told yet."""
        found: list[tuple[dt.datetime, Entry]] = [(line.at, as_entry(line)) for line in self._lines]
        self._lines = []
        arrivals = self.collector.arrivals[self._arrivals :]
        self._arrivals += len(arrivals)
        found += [(entry.at, entry) for _, entry in arrivals]
        for number, step in sorted(self._changed.items()):
            is_open = step.state == OPEN and not (step.kind == CHILD and step.started_at is not None)
            if is_open and (not quiet or number in self._opened):
                continue
            if is_open:
                self._opened.add(number)
            else:
                del self._changed[number]
            entry = of_step(step, self.collector.told[number], self._call(step), ())
            found.append((step.ended_at or step.started_at or step.asked_at, entry))
        return [entry for _, entry in sorted(found, key=lambda item: item[0])]

    def _call(self, step: Step) -> StoredLine | None:
        """The step's line in the log."""
        if step.line:
            return self._calls.get(step.line)
        name = {CHILD: "start", SIGNAL: "signal"}.get(step.kind, step.name)
        waiting = self._free.get((step.where, name))
        return self._calls[waiting.popleft()] if waiting and step.state != OPEN else None


def next_run(collector: Collector) -> str:
    """The run that goes on after a restart; empty at the end."""
    closing = collector.closing
    if closing is None or not closing.HasField("workflow_execution_continued_as_new_event_attributes"):
        return ""
    return str(closing.workflow_execution_continued_as_new_event_attributes.new_execution_run_id)
