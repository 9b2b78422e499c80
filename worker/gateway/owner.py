"""The name under which a gateway claims deliveries, one after the other on a home.

A claim is a lease: what a killed gateway was about to deliver is free again after half a minute. Where the next gateway
runs on the same home, as after a crash of ``ak up``, it need not wait: nobody else holds the lock on the home's file, so
the one that is named in it is dead. Should that be wrong, an event is still delivered once: Temporal's ids see to it.
"""

from __future__ import annotations

import contextlib
import fcntl
from pathlib import Path
from typing import Protocol

from worker import ids
from worker.errors import StoreError


class Claims(Protocol):
    """The store's part."""

    def free_claims(self, owner: str) -> None: ...


class Owner:
    """A name, and a lock that goes with the process; ``close`` gives it back."""

    def __init__(self, home: Path, claims: Claims) -> None:
        self.name = ids.new("gw")
        home.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._file = (home / "gateway.owner").open("a+")
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:  # a gateway runs on this home: its claims are its own
            return
        self._file.seek(0)
        before = self._file.read().strip()
        if before:
            with contextlib.suppress(StoreError):  # they free themselves
                claims.free_claims(before)
        self._file.truncate(0)
        self._file.write(self.name)
        self._file.flush()

    def close(self) -> None:
        """Another gateway may be the home's."""
        self._file.close()
