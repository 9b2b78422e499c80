"""Bring a database to the newest schema: numbered steps, all in one transaction, one process at a time."""

from __future__ import annotations

import importlib
import pkgutil

import sqlalchemy as sa

from worker.errors import StoreError
from worker.store import migrations
from worker.store.engine import Database

_LOCK = 7_231_001
_VERSION = "schema_version"


def steps() -> list[str]:
    """The migrations in order."""
    return sorted(
        module.name for module in pkgutil.iter_modules(migrations.__path__) if module.name.startswith("m")
    )


def migrate(database: Database, upto: int | None = None) -> int:
    """Run what is missing; returns the version.

    Raises:
        StoreError: the database was made by a newer version of this program.
    """
    names = steps()[:upto]
    with database.read() as connection:
        if version(connection) == len(names):
            return len(names)
    with database.write() as connection:
        database.lock(connection, _LOCK)
        have = version(connection)
        if have > len(steps()):
            raise StoreError(
                f"the database has schema {have}, this program knows {len(steps())}: it was used by a newer version",
                hint="Upgrade this program.",
            )
        for name in names[have:]:
            importlib.import_module(f"{migrations.__name__}.{name}").upgrade(connection)
        connection.execute(sa.text("DELETE FROM settings WHERE name = :name"), {"name": _VERSION})
        connection.execute(
            sa.text("INSERT INTO settings (name, value) VALUES (:name, :value)"),
            {"name": _VERSION, "value": str(max(have, len(names)))},
        )
    return len(names)


def version(connection: sa.Connection) -> int:
    """How many migrations the database has seen."""
    if not sa.inspect(connection).has_table("settings"):
        return 0
    found = connection.execute(
        sa.text("SELECT value FROM settings WHERE name = :name"), {"name": _VERSION}
    ).scalar()
    return int(found) if found else 0
