"""Clean now and then: the store, when no other supervisor does, and the machine this one runs on.

One lease is for cleaning, so that one process does it at a time; another one says when it was done last, so that any
number of supervisors clean once in a while and not once each.
"""

from __future__ import annotations

import asyncio

from temporalio.client import Client

from worker import clock
from worker.config import Settings
from worker.log import log
from worker.retention import LEASE, Files, Sweep
from worker.retention.sweep import LEASE_SECONDS
from worker.store import Store

_PACE = "retention done"
_LOOK_SECONDS = 10.0
_FIRST_SECONDS = 60.0


class Cleaning:
    """The cleaning of one supervisor."""

    def __init__(self, settings: Settings, store: Store, client: Client, owner: str) -> None:
        self._settings = settings
        self._store = store
        self._client = client
        self._owner = f"{owner} cleaning"
        self._every = settings.keep.every_seconds
        self._at = clock.monotonic() + min(self._every, _FIRST_SECONDS)
        self.pause_seconds = min(_LOOK_SECONDS, self._every)

    async def round(self) -> None:
        """Do what is due.

        Raises:
            WorkerError: the store or Temporal cannot be used; the next round tries again.
        """
        if clock.monotonic() < self._at:
            return
        wanted = await asyncio.to_thread(self._store.deployments.wanted)
        await asyncio.to_thread(Files(self._settings).clean, wanted, delete=True)
        take = self._store.leases.take
        if await asyncio.to_thread(take, _PACE, self._owner, self._every) and await asyncio.to_thread(
            self._mine
        ):
            await self._sweep()
        self._at = clock.monotonic() + self._every

    async def _sweep(self) -> None:
        sweep = Sweep(self._store, self._client, self._settings.keep, delete=True, still_mine=self._mine)
        try:
            removed = await sweep.run()
        finally:
            await asyncio.to_thread(self._store.leases.release, LEASE, self._owner)
        log(action="cleaned", level="debug", rows=removed.total())

    def _mine(self) -> bool:
        return self._store.leases.take(LEASE, self._owner, LEASE_SECONDS)
