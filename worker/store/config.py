"""Projects, connections and triggers."""

from __future__ import annotations

import builtins

import sqlalchemy as sa

from worker import clock, ids
from worker.errors import NotFoundError, WorkerError
from worker.store import tables
from worker.store.engine import Database
from worker.store.records import Connection, Project, Trigger

_COMING = ("active", "starting", "pending")  # states of a deployment that serves, or is on its way


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

    def prospect(self, name: str) -> str:
        """Whether what is started in a project is served, now or later.

        Returns:
            The state of its best deployment: ``active``; ``pending`` or ``starting``; ``inactive`` when one was active
            once; ``failed`` when none ever was; empty when there is none, as when there is no such project.
        """
        table = tables.deployments
        query = sa.select(table.c.state, table.c.activated_at).where(table.c.project == name)
        with self._database.read() as connection:
            found = {
                row.state
                if row.state in _COMING
                else "inactive"
                if row.activated_at is not None
                else "failed"
                for row in connection.execute(query)
            }
        return next((state for state in (*_COMING, "inactive", "failed") if state in found), "")


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

    def renames(self, project: str, *, applied: bool) -> dict[str, str]:
        """Old names → new ones: of renames a manifest has followed, or of those that none has yet."""
        table = tables.trigger_renames
        query = sa.select(table.c.old, table.c.new).where(
            (table.c.project == project) & (table.c.applied.is_(applied))
        )
        with self._database.read() as connection:
            return {row.old: row.new for row in connection.execute(query)}

    def rename(self, project: str, old: str, new: str) -> str:
        """Ask for a trigger's new name, or give a former one's URL to the trigger that has its place.

        Returns:
            ``asked``: it is renamed when a manifest has the new name; ``cancelled``: its own name was given, so it is
            not; ``moved``: the manifest was first, and the URL of the old name is the new one's now.

        Raises:
            NotFoundError: there is nothing of the old name.
            WorkerError: the new name is taken.
        """
        table = tables.trigger_renames
        here = table.c.project == project
        with self._database.write() as connection:
            known = connection.execute(
                sa.select(tables.triggers.c.name, tables.triggers.c.kind).where(
                    tables.triggers.c.project == project
                )
            )
            kinds = {row.name: row.kind for row in known}
            asked = connection.execute(sa.select(table.c.old, table.c.new).where(here & ~table.c.applied))
            promised = {row.new: row.old for row in asked}
            if old in kinds:
                if promised.get(new, old) != old or (new in kinds and new != old):
                    raise WorkerError(
                        f"{project} has a trigger {new} already, or will have", hint="Choose another name."
                    )
                connection.execute(sa.delete(table).where(here & (table.c.old == old)))
                if new == old:
                    return "cancelled"
                connection.execute(sa.insert(table).values(project=project, old=old, new=new, applied=False))
                return "asked"
            slug = tables.slugs
            mine = (slug.c.project == project) & (slug.c.trigger == old)
            former = connection.execute(sa.select(slug.c.slug).where(mine)).scalar()
            if kinds.get(new) != "webhook" or former is None:
                raise NotFoundError(
                    f"{project} has no trigger {old}", hint=f"See `ak trigger list {project}`."
                )
            give_name(self._database, connection, project, old, new)
            return "moved"

    def urls(self, limit: int = 10_000) -> builtins.list[tuple[str, str, str]]:
        """Project, trigger and slug of every webhook there is or once was."""
        table = tables.slugs
        query = sa.select(table.c.project, table.c.trigger, table.c.slug).limit(limit)
        with self._database.read() as connection:
            return [(row.project, row.trigger, row.slug) for row in connection.execute(query)]

    def has_url(self, project: str, name: str) -> bool:
        """Whether a webhook of that name has, or once had, a URL."""
        table = tables.slugs
        query = sa.select(table.c.slug).where((table.c.project == project) & (table.c.trigger == name))
        with self._database.read() as connection:
            return connection.execute(query).first() is not None

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

        A deployment from before a rename asks by the old name, one that is about to bring it by the new: both get the
        same one.
        """
        asked = {new: old for old, new in self.renames(project, applied=False).items()}
        trigger = self.now_called(project, trigger)
        if trigger in asked and self.get(project, trigger) is None:
            trigger = asked[trigger]
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


def give_name(database: Database, connection: sa.Connection, project: str, old: str, new: str) -> None:
    """What was known under the old name of a trigger is the new one's: URL, and who waits for it.

    From now on the old name means the new one, also where it was once the new one itself.
    """
    slugs, subscriptions, renames = tables.slugs, tables.subscriptions, tables.trigger_renames
    here = slugs.c.project == project
    if connection.execute(sa.select(slugs.c.slug).where(here & (slugs.c.trigger == old))).first() is not None:
        connection.execute(sa.delete(slugs).where(here & (slugs.c.trigger == new)))
        connection.execute(sa.update(slugs).where(here & (slugs.c.trigger == old)).values(trigger=new))
    waiting = (subscriptions.c.project == project) & (subscriptions.c.source == old)
    connection.execute(sa.update(subscriptions).where(waiting).values(source=new))
    mine = renames.c.project == project
    connection.execute(sa.delete(renames).where(mine & (renames.c.old == new)))
    connection.execute(
        sa.update(renames).where(mine & (renames.c.new == old) & renames.c.applied).values(new=new)
    )
    values = {"new": new, "applied": True}
    insert = database.insert(renames).values(project=project, old=old, **values)
    connection.execute(insert.on_conflict_do_update(index_elements=["project", "old"], set_=values))
