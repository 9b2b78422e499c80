"""One look at the store serves all requests that wait for an answer."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace

from worker.gateway.feed import Feed


class Outcomes:
    """A store's outcomes, by event; counts how often it was asked, and fails when told to."""

    def __init__(self):
        self.newest: dict[str, int] = {}
        self.failures = 0
        self.asked: list[set[str]] = []

    def newest_outcomes(self, event_ids):
        """As the store."""
        self.asked.append(set(event_ids))
        if self.failures:
            self.failures -= 1
            raise OSError("no store")
        return {name: seq for name, seq in self.newest.items() if name in event_ids}


async def test_those_who_wait_are_told_of_their_own_events_only():
    """Each when there is something it has not seen."""
    outcomes = Outcomes()
    feed = Feed(SimpleNamespace(mailbox=outcomes))
    first, second = feed.open("evt_1"), feed.open("evt_2")
    outcomes.newest = {"evt_1": 7, "evt_9": 8}
    async with asyncio.timeout(10):
        await first.news.wait()
    assert not second.news.is_set()
    first.seen = 7
    first.news.clear()
    outcomes.newest["evt_2"] = 9
    async with asyncio.timeout(10):
        await second.news.wait()
    assert not first.news.is_set()
    assert {"evt_1", "evt_2"} in outcomes.asked


async def test_store_that_fails_is_asked_again():
    """The request goes on waiting."""
    outcomes = Outcomes()
    outcomes.failures, outcomes.newest = 2, {"evt_1": 1}
    watch = Feed(SimpleNamespace(mailbox=outcomes)).open("evt_1")
    async with asyncio.timeout(10):
        await watch.news.wait()
    assert len(outcomes.asked) == 3


async def test_nobody_looks_when_nobody_waits_and_again_when_somebody_does():
    """The looking ends with the last wait."""
    outcomes = Outcomes()
    feed = Feed(SimpleNamespace(mailbox=outcomes))
    feed.close(feed.open("evt_1"))
    before = asyncio.all_tasks()
    async with asyncio.timeout(10):
        await asyncio.gather(*(task for task in before if task.get_name() == "outcomes"))
    outcomes.newest = {"evt_2": 1}
    watch = feed.open("evt_2")
    async with asyncio.timeout(10):
        await watch.news.wait()
