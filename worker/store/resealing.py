"""Seal the filters with secrets that an earlier version of this program stored readable.

A migration cannot, since it has no key: it leaves a note, and the next process that opens the store with its key does
it, in one transaction. The secrets are those of now and those of every deployment that is still known.
"""

from __future__ import annotations

import json
import sqlite3
from typing import Any

import sqlalchemy as sa

from worker import log
from worker.masking import Mask
from worker.store import tables
from worker.store.engine import Database
from worker.store.filters import Filters
from worker.store.migrations.m0008_sealed_filters import NOTE
from worker.store.records import Subscription
from worker.store.sealing import Sealer, is_sealed
from worker.store.vars import opened

_S = tables.settings
_LOCK = 7_231_002


def reseal(database: Database, sealer: Sealer, filters: Filters) -> None:
    """Heed the note, once; processes that do so at the same time wait for each other."""
    changed = 0
    with database.write() as connection:
        database.lock(connection, _LOCK)
        if connection.execute(sa.select(_S.c.value).where(_S.c.name == NOTE)).scalar() is None:
            return
        masks: dict[str, dict[str, Mask]] = {}
        for table in (tables.subscriptions, tables.ended_subscriptions):
            for row in connection.execute(sa.select(table).where(table.c.filter != "")).all():
                known = masks.setdefault(row.project, {})
                if not known:
                    known |= {value: Mask([value]) for value in _secrets(connection, sealer, row.project)}
                changed += _seal(connection, table, row, known, filters)
        connection.execute(sa.delete(_S).where(_S.c.name == NOTE))
    if changed and database.dialect == "sqlite":
        forget_old_pages(database)


def _seal(
    connection: sa.Connection, table: sa.Table, row: Any, known: dict[str, Mask], filters: Filters
) -> int:
    if is_sealed(row.filter):
        return 0
    standing = [value for value, mask in known.items() if mask(row.filter) != row.filter]
    if not standing:
        return 0
    path, value = getattr(row, "term_path", ""), getattr(row, "term_value", "")
    kept = filters.sealed(
        Subscription(row.id, row.project, row.source, row.session_id, row.filter, path, value), standing
    )
    fields = {name: getattr(kept, name) for name in ("filter", "term_path", "term_value") if name in table.c}
    connection.execute(sa.update(table).where(table.c.id == row.id).values(**fields))
    return 1


def _secrets(connection: sa.Connection, sealer: Sealer, project: str) -> set[str]:
    """The secret values of a project: its variables', and those of its deployments."""
    v, d = tables.variables, tables.deployments
    found = {
        opened(sealer, row._mapping).value
        for row in connection.execute(sa.select(v).where((v.c.project == project) & v.c.secret))
    }
    columns = (d.c.id, d.c.environment, d.c.secret_names)
    for row in connection.execute(sa.select(*columns).where(d.c.project == project)):
        environment = json.loads(sealer.open(row.environment, row.id))
        found |= {environment[name] for name in row.secret_names if name in environment}
    return found


def forget_old_pages(database: Database) -> None:
    """Rewrite the file: what was replaced stands on in its free space and its log otherwise."""
    try:
        with database.engine.connect() as connection:
            plain: Any = connection.connection.dbapi_connection
            plain.execute("VACUUM")
            plain.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    except (sa.exc.DBAPIError, sqlite3.Error) as error:  # in use just now, or no space for a copy
        log.log(action="database_not_rewritten", level="warning", error=str(error).splitlines()[0])
