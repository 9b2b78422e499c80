"""Signs of life of our running processes."""

from __future__ import annotations

import datetime as dt

import sqlalchemy as sa

from worker import clock
from worker.store import tables
from worker.store.engine import Database
from worker.store.records import Service

_T = tables.services


class Services:
    """The running processes."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def beat(self, identifier: str, kind: str, host: str, pid: int, details: dict[str, str]) -> None:
        """A sign of life."""
        fields = {"kind": kind, "host": host, "pid": pid, "details": details, "seen_at": clock.now()}
        insert = self._database.insert(_T).values(id=identifier, **fields)
        with self._database.write() as connection:
            connection.execute(insert.on_conflict_do_update(index_elements=["id"], set_=fields))

    def alive(self, kind: str, within_seconds: float) -> list[Service]:
        """Those heard of lately."""
        since = clock.now() - dt.timedelta(seconds=within_seconds)
        query = sa.select(_T).where((_T.c.kind == kind) & (_T.c.seen_at >= since)).order_by(_T.c.id)
        with self._database.read() as connection:
            return [Service(**row._mapping) for row in connection.execute(query)]

    def remove(self, identifier: str) -> None:
        """It has ended."""
        with self._database.write() as connection:
            connection.execute(sa.delete(_T).where(_T.c.id == identifier))
