"""The first schema."""

from __future__ import annotations

import sqlalchemy as sa

from worker.store import tables


def upgrade(connection: sa.Connection) -> None:
    """Create every table; the one that counts migrations exists already."""
    tables.metadata.create_all(connection)
