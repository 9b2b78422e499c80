"""A project's rows as the target of a plan: read as they are, changed as a plan says, inside one transaction.

Imported only where a plan is made or applied: build processes have this room too, but not what manifests need.
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

import manifest
from manifest import Connection, Manifest, Place, Plan, State, StoredVar, Trigger
from manifest.changes import Fields
from worker import clock, ids
from worker.store import tables
from worker.store.config import give_name
from worker.store.engine import Database
from worker.store.records import Variable
from worker.store.sealing import Sealer
from worker.store.vars import opened, touch, write

_C, _T, _V = tables.connections, tables.triggers, tables.variables
_R, _P = tables.trigger_renames, tables.projects
_TRIGGER_FIELDS = (
    *("kind", "call", "event_type", "filter", "is_sync", "is_durable", "connection"),
    *("schedule", "timezone", "overlap", "catchup", "jitter"),
)


def apply_desired(
    database: Database, sealer: Sealer, connection: sa.Connection, project: str, desired: dict[str, Any]
) -> Plan:
    """Make a project what its manifest says; returns what had to be done."""
    wanted = Manifest.from_json(desired).project
    assert wanted is not None
    assert wanted.name == project
    touch(database, connection, project)
    return manifest.apply(wanted, Rows(database, sealer, connection))


class Rows:
    """All that a manifest decides, as it stands in the tables."""

    def __init__(self, database: Database, sealer: Sealer, connection: sa.Connection) -> None:
        self._database = database
        self._sealer = sealer
        self._connection = connection

    def current(self, project: str) -> State:
        """The project as it is."""
        run = self._connection.execute
        display_name = run(sa.select(_P.c.display_name).where(_P.c.name == project)).scalar()
        variables = [
            opened(self._sealer, row._mapping) for row in run(sa.select(_V).where(_V.c.project == project))
        ]
        triggers = run(sa.select(_T).where(_T.c.project == project))
        asked = run(sa.select(_R.c.old, _R.c.new).where((_R.c.project == project) & ~_R.c.applied))
        return State(
            display_name,
            tuple(
                Connection(row.name, row.integration)
                for row in run(sa.select(_C).where(_C.c.project == project))
            ),
            tuple(
                StoredVar(v.name, v.value, v.connection, v.secret, v.description, v.manifest_value)
                for v in variables
            ),
            tuple(
                Trigger(row.name, **{name: row._mapping[name] for name in _TRIGGER_FIELDS})
                for row in triggers
            ),
            {row.old: row.new for row in asked},
        )

    def put(self, project: str, place: Place, fields: Fields) -> None:
        """Insert or change one part; the ids of connections and triggers stay."""
        match place.kind:
            case "project":
                self._put_project(project, fields)
            case "connection":
                self._put(_C, "con", project, place.name, fields)
            case "variable":
                item = Variable(
                    project,
                    place.name,
                    fields["value"],
                    place.connection,
                    fields["secret"],
                    fields["description"],
                )
                value = fields["manifest_value"]
                write(self._database, self._sealer, self._connection, item, manifest_value=value)
            case _:
                self._put(_T, "trg", project, place.name, {name: fields[name] for name in _TRIGGER_FIELDS})
                # A trigger of its own has the name now: it no longer means another one.
                former = (_R.c.project == project) & (_R.c.old == place.name) & _R.c.applied
                self._connection.execute(sa.delete(_R).where(former))

    def delete(self, project: str, place: Place) -> None:
        """Delete one part; a trigger's slug stays, so that it has its URL again when it comes back."""
        if place.kind == "variable":
            here = (_V.c.project == project) & (_V.c.name == place.name)
            self._connection.execute(sa.delete(_V).where(here & (_V.c.connection == place.connection)))
            return
        table = _C if place.kind == "connection" else _T
        here = (table.c.project == project) & (table.c.name == place.name)
        self._connection.execute(sa.delete(table).where(here))
        if table is _T:
            asked = (_R.c.project == project) & (_R.c.old == place.name) & ~_R.c.applied
            self._connection.execute(sa.delete(_R).where(asked))

    def rename(self, project: str, place: Place, to: str) -> None:
        """Give a trigger its new name, with its slug and who waits for it; the old name means it from now on."""
        here = (_T.c.project == project) & (_T.c.name == place.name)
        self._connection.execute(sa.update(_T).where(here).values(name=to))
        give_name(self._database, self._connection, project, place.name, to)

    def _put_project(self, project: str, fields: Fields) -> None:
        values = {"display_name": fields["display_name"]}
        insert = self._database.insert(_P).values(
            id=ids.new("prj"), name=project, created_at=clock.now(), **values
        )
        self._connection.execute(insert.on_conflict_do_update(index_elements=["name"], set_=values))

    def _put(self, table: sa.Table, kind: str, project: str, name: str, fields: Fields) -> None:
        insert = self._database.insert(table).values(id=ids.new(kind), project=project, name=name, **fields)
        self._connection.execute(
            insert.on_conflict_do_update(index_elements=["project", "name"], set_=dict(fields))
        )
