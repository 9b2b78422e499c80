"""What explains an event afterwards: its deployment, when it was delivered, subscriptions that have ended."""

from __future__ import annotations

import sqlalchemy as sa

from worker.store import tables

_INDICES = (
    "CREATE INDEX IF NOT EXISTS deliveries_by_trigger ON deliveries (project, trigger, event_seq)",
    "CREATE INDEX IF NOT EXISTS session_log_errors ON session_log (seq) WHERE kind = 'error'",
)


def upgrade(connection: sa.Connection) -> None:
    """Add what earlier schemas did not have; a database made today has all of it already."""
    tables.metadata.create_all(connection)
    moment = "TIMESTAMP WITH TIME ZONE" if connection.dialect.name == "postgresql" else "DATETIME"
    add_column(connection, "events", "deployment", "TEXT NOT NULL DEFAULT ''")
    add_column(connection, "deliveries", "finished_at", moment)
    for statement in _INDICES:
        connection.execute(sa.text(statement))


def add_column(connection: sa.Connection, table: str, column: str, kind: str) -> None:
    """Add a column to a table, unless it has it."""
    if column not in {item["name"] for item in sa.inspect(connection).get_columns(table)}:
        connection.execute(sa.text(f"ALTER TABLE {table} ADD COLUMN {column} {kind}"))
