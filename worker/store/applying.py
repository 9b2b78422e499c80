"""Apply a checked manifest: connections, triggers and variables become what it says, inside one transaction."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from worker import ids
from worker.store import tables
from worker.store.engine import Database
from worker.store.records import Variable
from worker.store.sealing import Sealer
from worker.store.vars import opened, write

_TRIGGER_FIELDS = ("kind", "call", "event_type", "filter", "is_sync", "is_durable", "connection", "schedule")


def apply_desired(
    database: Database, sealer: Sealer, connection: sa.Connection, project: str, desired: dict[str, Any]
) -> None:
    """Make connections, triggers and variables what the manifest says."""
    wanted = desired["project"]
    apply_connections(connection, project, wanted["connections"])
    apply_triggers(connection, project, wanted["triggers"])
    variables = {("", item["name"]): item for item in wanted["vars"]}
    for item in wanted["connections"]:
        variables |= {(item["name"], var["name"]): var for var in item["vars"]}
    apply_variables(database, sealer, connection, project, variables)


def apply_connections(connection: sa.Connection, project: str, wanted: list[dict[str, Any]]) -> None:
    """By name: ids survive."""
    table = tables.connections
    here = table.c.project == project
    known = {row.name: row for row in connection.execute(sa.select(table).where(here))}
    for item in wanted:
        if item["name"] in known:
            connection.execute(
                sa.update(table)
                .where(here & (table.c.name == item["name"]))
                .values(integration=item["integration"])
            )
        else:
            connection.execute(
                sa.insert(table).values(
                    id=ids.new("con"), project=project, name=item["name"], integration=item["integration"]
                )
            )
    for name in known.keys() - {item["name"] for item in wanted}:
        connection.execute(sa.delete(table).where(here & (table.c.name == name)))


def apply_triggers(connection: sa.Connection, project: str, wanted: list[dict[str, Any]]) -> None:
    """By name: ids survive unless the kind changes; slugs live in a table of their own and survive everything."""
    table = tables.triggers
    here = table.c.project == project
    known = {row.name: row for row in connection.execute(sa.select(table).where(here))}
    for item in wanted:
        fields = {name: item[name] for name in _TRIGGER_FIELDS}
        before = known.get(item["name"])
        if before is None:
            connection.execute(
                sa.insert(table).values(id=ids.new("trg"), project=project, name=item["name"], **fields)
            )
        else:
            identifier = before.id if before.kind == fields["kind"] else ids.new("trg")
            connection.execute(
                sa.update(table).where(here & (table.c.name == item["name"])).values(id=identifier, **fields)
            )
    for name in known.keys() - {item["name"] for item in wanted}:
        connection.execute(sa.delete(table).where(here & (table.c.name == name)))


def apply_variables(
    database: Database,
    sealer: Sealer,
    connection: sa.Connection,
    project: str,
    wanted: dict[tuple[str, str], dict[str, Any]],
) -> None:
    """A value set by hand is kept unless the manifest's own value changed; what the manifest dropped goes."""
    table = tables.variables
    here = table.c.project == project
    rows = connection.execute(sa.select(table).where(here))
    known = {(row.connection, row.name): opened(sealer, row._mapping) for row in rows}
    # What goes, goes first: it must not count against the limit.
    for (scope, name), gone in known.items():
        if (scope, name) not in wanted and gone.manifest_value is not None:
            connection.execute(
                sa.delete(table).where(here & (table.c.connection == scope) & (table.c.name == name))
            )
    for (scope, name), item in wanted.items():
        before = known.get((scope, name))
        keep = before is not None and before.manifest_value == item["value"]
        write(
            database,
            sealer,
            connection,
            Variable(
                project,
                name,
                before.value if keep and before is not None else item["value"],
                scope,
                item["secret"] or (before is not None and before.secret),
                item["description"],
            ),
            manifest_value=item["value"],
        )
