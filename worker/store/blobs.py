"""Large payloads, by the hash of their content. Histories refer to them, so they stay as long as these."""

from __future__ import annotations

import sqlalchemy as sa

from worker import clock
from worker.store import tables
from worker.store.engine import Database

_T = tables.blobs


class Blobs:
    """The blobs."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def put(self, identifier: str, content: bytes) -> None:
        """Keep one; the same name is the same content."""
        insert = self._database.insert(_T).values(id=identifier, content=content, created_at=clock.now())
        with self._database.write() as connection:
            connection.execute(insert.on_conflict_do_nothing())

    def get(self, identifier: str) -> bytes | None:
        """One, or None."""
        with self._database.read() as connection:
            found: bytes | None = connection.execute(
                sa.select(_T.c.content).where(_T.c.id == identifier)
            ).scalar()
        return found
