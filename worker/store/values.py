"""The values of a project: a small key-value store shared by its sessions.

Changes are functions from the old value to the new one, carried out inside one transaction, so that concurrent sessions
never lose each other's. A change that is asked for twice under the same operation id is made once.
"""

from __future__ import annotations

import builtins
import json
import zlib
from collections.abc import Callable
from typing import Any

import sqlalchemy as sa

from worker import clock
from worker.errors import LimitError
from worker.store import tables
from worker.store.engine import Database
from worker.store.records import Value

MAX_VALUES = 64
MAX_VALUE_BYTES = 64 * 1024
_T = tables.values
_O = tables.operations

Change = Callable[[Value | None], tuple[Any, "New | None"]]
KEEP = object()


class New:
    """What becomes of a value: encoded and shown, or gone."""

    def __init__(self, value: Any, shown: Any, *, gone: bool = False) -> None:
        self.value = value
        self.shown = shown
        self.gone = gone


class Values:
    """The values of all projects."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def get(self, project: str, key: str) -> Value | None:
        """One value."""
        with self._database.read() as connection:
            return self._get(connection, project, key)

    def list(self, project: str) -> builtins.list[Value]:
        """All values of a project, by key."""
        query = sa.select(_T).where(_T.c.project == project).order_by(_T.c.key)
        with self._database.read() as connection:
            return [_record(row) for row in connection.execute(query)]

    def change(self, project: str, key: str, change: Change, operation: str = "") -> Any:
        """Carry out one change atomically and return its answer.

        Args:
            project: whose value.
            key: which value.
            change: takes the old value, or None, and returns an answer in JSON and what to write; None leaves it.
            operation: an id; the same one again gives the recorded answer and changes nothing.

        Raises:
            LimitError: the value is too large, or the project has too many.
        """
        with self._database.write() as connection:
            self._database.lock(connection, zlib.crc32(f"value {project}".encode()))
            if operation:
                done = connection.execute(sa.select(_O.c.result).where(_O.c.id == operation)).one_or_none()
                if done is not None:
                    return done.result
            answer, new = change(self._get(connection, project, key))
            if new is not None:
                self._write(connection, project, key, new)
            if operation:
                connection.execute(sa.insert(_O).values(id=operation, result=answer, created_at=clock.now()))
        return answer

    def publish(self, project: str, key: str, *, published: bool) -> bool:
        """Make a value readable by anybody, or no longer; False when there is none."""
        with self._database.write() as connection:
            result = connection.execute(
                sa.update(_T).where((_T.c.project == project) & (_T.c.key == key)).values(published=published)
            )
            return bool(result.rowcount)

    def _get(self, connection: sa.Connection, project: str, key: str) -> Value | None:
        row = connection.execute(
            sa.select(_T).where((_T.c.project == project) & (_T.c.key == key))
        ).one_or_none()
        return None if row is None else _record(row)

    def _write(self, connection: sa.Connection, project: str, key: str, new: New) -> None:
        here = (_T.c.project == project) & (_T.c.key == key)
        if new.gone:
            connection.execute(sa.delete(_T).where(here))
            return
        size = len(json.dumps(new.value, ensure_ascii=False, separators=(",", ":")).encode())
        if size > MAX_VALUE_BYTES:
            raise LimitError(
                f"value size ({size} bytes) exceeds maximum allowed ({MAX_VALUE_BYTES} bytes)",
                hint="Store less, or its name.",
            )
        fields = {"value": new.value, "shown": new.shown, "updated_at": clock.now()}
        if connection.execute(sa.update(_T).where(here).values(**fields)).rowcount:
            return
        count = connection.execute(sa.select(sa.func.count()).where(_T.c.project == project)).scalar() or 0
        if count >= MAX_VALUES:
            raise LimitError(
                f"number of stored values ({count + 1}) exceeds maximum allowed ({MAX_VALUES})",
                hint=f"Delete what is not needed: `ak value delete {project} KEY`",
            )
        connection.execute(sa.insert(_T).values(project=project, key=key, published=False, **fields))


def _record(row: Any) -> Value:
    return Value(row.key, row.value, row.shown, row.published, row.updated_at)
