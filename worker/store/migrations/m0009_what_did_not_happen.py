"""What explains that nothing happened: why subscriptions ended, which event repeats which, refused requests."""

from __future__ import annotations

import json

import sqlalchemy as sa

from worker.store import tables
from worker.store.migrations.m0005_what_happened import add_column

_INDEX = "CREATE INDEX IF NOT EXISTS events_by_repeats ON events (repeats) WHERE repeats <> ''"
_MEMO_KEY = "redispatched_from"  # all that named the repeated event before


def upgrade(connection: sa.Connection) -> None:
    """Add what earlier schemas did not have, and fill it from what they noted elsewhere."""
    tables.metadata.create_all(connection)
    add_column(connection, "ended_subscriptions", "ended_by", "TEXT NOT NULL DEFAULT ''")
    add_column(connection, "events", "repeats", "TEXT NOT NULL DEFAULT ''")
    connection.execute(sa.text(_INDEX))
    found = connection.execute(
        sa.text("SELECT id, CAST(memo AS TEXT) AS memo FROM events WHERE CAST(memo AS TEXT) LIKE :key"),
        {"key": f"%{_MEMO_KEY}%"},
    ).all()
    for row in found:
        first = json.loads(row.memo).get(_MEMO_KEY)
        if isinstance(first, str):
            connection.execute(
                sa.text("UPDATE events SET repeats = :first WHERE id = :id"), {"first": first, "id": row.id}
            )
