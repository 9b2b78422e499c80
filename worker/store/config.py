"""Projects, connections and triggers."""

from __future__ import annotations

import builtins

import sqlalchemy as sa

from worker import clock, ids
from worker.store import tables
from worker.store.engine import Database
from worker.store.records import Connection, Project, Trigger


class Projects:
    """The projects."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def get(self, name: str) -> Project | None:
        """The project of that name."""
        table = tables.projects
        with self._database.read() as connection:
            row = connection.execute(sa.select(table).where(table.c.name == name)).one_or_none()
        return Project(**row._mapping) if row is not None else None

    def list(self) -> builtins.list[Project]:
        """All projects by name."""
        with self._database.read() as connection:
            rows = connection.execute(sa.select(tables.projects).order_by(tables.projects.c.name)).all()
        return [Project(**row._mapping) for row in rows]

    def ensure(self, name: str, display_name: str = "") -> Project:
        """The project of that name, made when it is not there; one that is there stays as it is."""
        insert = self._database.insert(tables.projects).values(
            id=ids.new("prj"), name=name, display_name=display_name, created_at=clock.now()
        )
        with self._database.write() as connection:
            connection.execute(insert.on_conflict_do_nothing())
        found = self.get(name)
        assert found is not None
        return found


class Connections:
    """The connections that active deployments declared."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def list(self, project: str) -> builtins.list[Connection]:
        """A project's connections by name."""
        table = tables.connections
        with self._database.read() as connection:
            rows = connection.execute(
                sa.select(table).where(table.c.project == project).order_by(table.c.name)
            ).all()
        return [Connection(**row._mapping) for row in rows]


class Triggers:
    """The triggers that active deployments declared, and the slugs of webhooks."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def list(self, project: str) -> builtins.list[Trigger]:
        """A project's triggers by name."""
        return self._select(tables.triggers.c.project == project)

    def get(self, project: str, name: str) -> Trigger | None:
        """One trigger."""
        found = self._select((tables.triggers.c.project == project) & (tables.triggers.c.name == name))
        return found[0] if found else None

    def by_slug(self, slug: str) -> Trigger | None:
        """The webhook trigger behind a slug."""
        found = self._select((tables.slugs.c.slug == slug) & (tables.triggers.c.kind == "webhook"))
        return found[0] if found else None

    def for_connection(self, project: str, connection: str) -> builtins.list[Trigger]:
        """The triggers fed by a connection."""
        table = tables.triggers
        return self._select(
            (table.c.project == project) & (table.c.connection == connection) & (table.c.kind == "connection")
        )

    def _select(self, condition: sa.ColumnElement[bool]) -> builtins.list[Trigger]:
        table, slugs = tables.triggers, tables.slugs
        joined = table.outerjoin(
            slugs, (slugs.c.project == table.c.project) & (slugs.c.trigger == table.c.name)
        )
        query = sa.select(table, slugs.c.slug).select_from(joined).where(condition).order_by(table.c.name)
        with self._database.read() as connection:
            rows = connection.execute(query).all()
        return [Trigger(**{**row._mapping, "slug": row.slug or ""}) for row in rows]

    def now_called(self, project: str, name: str) -> str:
        """The name of a trigger that once had this name; any other name stays as it is."""
        table = tables.trigger_renames
        query = sa.select(table.c.new).where(
            (table.c.project == project) & (table.c.old == name) & table.c.applied
        )
        with self._database.read() as connection:
            return connection.execute(query).scalar() or name

    def reserve_slug(self, project: str, trigger: str) -> str:
        """The slug of a webhook: the same from the first request on, also before and after the trigger exists.

        A deployment from before a rename asks by the old name, and gets the same one.
        """
        trigger = self.now_called(project, trigger)
        table = tables.slugs
        query = sa.select(table.c.slug).where((table.c.project == project) & (table.c.trigger == trigger))
        with self._database.read() as connection:
            found = connection.execute(query).scalar()
        if found:
            return str(found)
        insert = self._database.insert(table).values(project=project, trigger=trigger, slug=ids.slug())
        with self._database.write() as connection:
            connection.execute(insert.on_conflict_do_nothing())
            return str(connection.execute(query).scalar_one())
