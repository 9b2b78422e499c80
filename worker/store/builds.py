"""Builds: archives of projects' files, by the hash of their content."""

from __future__ import annotations

import sqlalchemy as sa

from worker import clock
from worker.store import tables
from worker.store.engine import Database
from worker.store.records import Build

_T = tables.builds


class Builds:
    """The builds."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def put(self, project: str, build_id: str, content: bytes, files: list[str]) -> None:
        """Keep a build, or make it new again; the same id is the same content."""
        insert = self._database.insert(_T).values(
            id=build_id, project=project, content=content, files=files, created_at=clock.now()
        )
        with self._database.write() as connection:
            connection.execute(
                insert.on_conflict_do_update(index_elements=["id"], set_={"created_at": clock.now()})
            )

    def get(self, build_id: str) -> Build | None:
        """A build with its content."""
        with self._database.read() as connection:
            row = connection.execute(sa.select(_T).where(_T.c.id == build_id)).one_or_none()
        return Build(**row._mapping) if row is not None else None

    def exists(self, build_id: str) -> bool:
        """Whether the build is kept; it is wanted then, and stays for a while."""
        with self._database.write() as connection:
            touched = sa.update(_T).where(_T.c.id == build_id).values(created_at=clock.now())
            return bool(connection.execute(touched).rowcount)
