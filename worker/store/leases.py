"""Who may do what only one process may do at a time: a row per name, free again when its holder falls silent."""

from __future__ import annotations

import datetime as dt

import sqlalchemy as sa

from worker import clock
from worker.store import tables
from worker.store.engine import Database

_T = tables.leases


class Leases:
    """The leases."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def take(self, name: str, owner: str, seconds: float) -> bool:
        """Take or prolong the lease; False while another holds it."""
        now = clock.now()
        fields = {"owner": owner, "until": now + dt.timedelta(seconds=seconds)}
        free = (_T.c.owner == owner) | (_T.c.until < now)
        insert = self._database.insert(_T).values(name=name, **fields)
        taking = insert.on_conflict_do_update(index_elements=["name"], set_=fields, where=free)
        with self._database.write() as connection:
            return connection.execute(taking.returning(_T.c.name)).scalar() is not None

    def release(self, name: str, owner: str) -> None:
        """Give it back; one that another holds by now stays his."""
        with self._database.write() as connection:
            connection.execute(sa.delete(_T).where((_T.c.name == name) & (_T.c.owner == owner)))
