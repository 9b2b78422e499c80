"""All of a trigger, so that a plan compares with what was applied; renames of triggers."""

from __future__ import annotations

import json

import sqlalchemy as sa

from worker.store import tables
from worker.store.sealing import is_sealed

_OPTIONS = ("timezone", "overlap", "catchup", "jitter")


def upgrade(connection: sa.Connection) -> None:
    """Add the columns with what active deployments say; a database made today has all of it already."""
    tables.trigger_renames.create(connection, checkfirst=True)
    known = {column["name"] for column in sa.inspect(connection).get_columns("triggers")}
    for name in _OPTIONS:
        if name not in known:
            connection.execute(sa.text(f"ALTER TABLE triggers ADD COLUMN {name} TEXT NOT NULL DEFAULT ''"))
    active = connection.execute(sa.text("SELECT project, desired FROM deployments WHERE state = 'active'"))
    for project, desired in active.all():
        if is_sealed(desired):  # no key here; the next deployment's plan says what is missing, and writes it
            continue
        for trigger in json.loads(desired)["project"]["triggers"]:
            values = {name: trigger.get(name, "") for name in _OPTIONS}
            connection.execute(
                sa.update(tables.triggers)
                .where((tables.triggers.c.project == project) & (tables.triggers.c.name == trigger["name"]))
                .values(**values)
            )
