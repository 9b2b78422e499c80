"""Filters that hold secrets are sealed: note that those of before still have to be; see ``worker.store.resealing``."""

from __future__ import annotations

import sqlalchemy as sa

from worker.store import tables

NOTE = "filters_to_seal"


def upgrade(connection: sa.Connection) -> None:
    """Leave a note where there are filters; whoever opens the store with its key heeds it."""
    for table in (tables.subscriptions, tables.ended_subscriptions):
        found = connection.execute(sa.select(table.c.id).where(table.c.filter != "").limit(1)).scalar()
        if found is not None:
            connection.execute(sa.text("DELETE FROM settings WHERE name = :name"), {"name": NOTE})
            connection.execute(
                sa.text("INSERT INTO settings (name, value) VALUES (:name, '1')"), {"name": NOTE}
            )
