"""Values, subscriptions, signals and outcomes; deliveries to sessions that run."""

from __future__ import annotations

import sqlalchemy as sa

from worker.store import tables


def upgrade(connection: sa.Connection) -> None:
    """Add what the first schema did not have; a database made today has all of it already."""
    tables.metadata.create_all(connection)
    known = {column["name"] for column in sa.inspect(connection).get_columns("deliveries")}
    if "kind" not in known:
        connection.execute(sa.text("ALTER TABLE deliveries ADD COLUMN kind TEXT NOT NULL DEFAULT 'start'"))
    if "payload" not in known:
        connection.execute(sa.text("ALTER TABLE deliveries ADD COLUMN payload TEXT"))
    connection.execute(
        sa.text("CREATE INDEX IF NOT EXISTS deliveries_by_session ON deliveries (session_id, state)")
    )
