"""Tells requests that wait for an answer when there is something new for them.

Sessions answer from other processes, through the store, so somebody has to look. One looks for all: a query every few
milliseconds while requests are young, more seldom once all of them have waited for a while.
"""

from __future__ import annotations

import asyncio

from worker import clock, log
from worker.store import Store

_QUICK_SECONDS = 0.004
_YOUNG_SECONDS = 1.0
_SLOW_SECONDS = 0.02


class Watch:
    """One request's wait: ``news`` is set when there is an outcome after ``seen``."""

    def __init__(self, event_id: str) -> None:
        self.event_id = event_id
        self.seen = 0
        self.news = asyncio.Event()
        self.young_until = clock.monotonic() + _YOUNG_SECONDS


class Feed:
    """Looks for outcomes while somebody waits for some."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._watches: set[Watch] = set()
        self._looking: asyncio.Task[None] | None = None

    def open(self, event_id: str) -> Watch:
        """Be told about the outcomes of one event, until ``close``."""
        watch = Watch(event_id)
        self._watches.add(watch)
        if self._looking is None or self._looking.done():
            self._looking = asyncio.create_task(self._look(), name="outcomes")
        return watch

    def close(self, watch: Watch) -> None:
        """No more of it."""
        self._watches.discard(watch)

    async def _look(self) -> None:
        while self._watches:
            try:
                newest = await asyncio.to_thread(
                    self._store.mailbox.newest_outcomes, {watch.event_id for watch in self._watches}
                )
            except Exception as error:
                log.log(action="outcomes_unreadable", level="warning", error=str(error))
                newest = {}
            for watch in self._watches:
                if newest.get(watch.event_id, 0) > watch.seen:
                    watch.news.set()
            now = clock.monotonic()
            young = any(now < watch.young_until for watch in self._watches)
            await asyncio.sleep(_QUICK_SECONDS if young else _SLOW_SECONDS)
