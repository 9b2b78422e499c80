"""When a large payload was used last, and indices by which old rows are found."""

from __future__ import annotations

import sqlalchemy as sa

_INDICES = (
    "CREATE INDEX IF NOT EXISTS operations_by_time ON operations (created_at)",
    "CREATE INDEX IF NOT EXISTS ended_subscriptions_by_time ON ended_subscriptions (ended_at)",
)


def upgrade(connection: sa.Connection) -> None:
    """Add what is missing; a database made today has it already."""
    if "used_at" not in {column["name"] for column in sa.inspect(connection).get_columns("blobs")}:
        kind = "TIMESTAMP WITH TIME ZONE" if connection.dialect.name == "postgresql" else "DATETIME"
        connection.execute(sa.text(f"ALTER TABLE blobs ADD COLUMN used_at {kind}"))
    for statement in _INDICES:
        connection.execute(sa.text(statement))
