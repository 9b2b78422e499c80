"""Several supervisors: leases, and which task of Temporal's a line of a session's log was written for."""

from __future__ import annotations

import sqlalchemy as sa

from worker.store import tables


def upgrade(connection: sa.Connection) -> None:
    """Add what is missing; a database made today has it already."""
    tables.leases.create(connection, checkfirst=True)
    known = {column["name"] for column in sa.inspect(connection).get_columns("session_log")}
    if "task" not in known:
        connection.execute(sa.text("ALTER TABLE session_log ADD COLUMN task BIGINT NOT NULL DEFAULT 0"))
