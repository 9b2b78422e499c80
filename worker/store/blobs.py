"""Large payloads, by the hash of their content. Histories refer to them, so they stay as long as these.

Who writes one that is there already says with it that it is in use; ``retention`` goes by the last time.
"""

from __future__ import annotations

import datetime as dt

import sqlalchemy as sa

from worker import clock
from worker.store import tables
from worker.store.engine import Database

_T = tables.blobs
_NOTED = dt.timedelta(hours=1)  # a use is noted at most so often


class Blobs:
    """The blobs."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def put(self, identifier: str, content: bytes) -> None:
        """Keep one, or note that it is used; the same name is the same content."""
        now = clock.now()
        insert = self._database.insert(_T).values(id=identifier, content=content, created_at=now, used_at=now)
        long_ago = sa.func.coalesce(_T.c.used_at, _T.c.created_at) < now - _NOTED
        noting = insert.on_conflict_do_update(index_elements=["id"], set_={"used_at": now}, where=long_ago)
        with self._database.write() as connection:
            connection.execute(noting)

    def get(self, identifier: str) -> bytes | None:
        """One, or None."""
        with self._database.read() as connection:
            found: bytes | None = connection.execute(
                sa.select(_T.c.content).where(_T.c.id == identifier)
            ).scalar()
        return found
