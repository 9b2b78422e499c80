"""Large payloads, which histories refer to."""

from __future__ import annotations

import sqlalchemy as sa

from worker.store import tables


def upgrade(connection: sa.Connection) -> None:
    """Add the table; a database made today has it already."""
    tables.blobs.create(connection, checkfirst=True)
