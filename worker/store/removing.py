"""Take a project out of the store, in two steps: nothing begins any more, then nothing is left.

Between the two its sessions are stopped, with all they need still there; whoever finds it half done can go on.
"""

from __future__ import annotations

import sqlalchemy as sa

from worker.store import tables
from worker.store.deployments import LOCK, WANTED
from worker.store.engine import Database
from worker.store.vars import forget

_D = tables.deployments
_GONE = {"message": "the project is being deleted", "where": "", "hint": "", "code": "AK1100"}
# Kept: what belongs to no project alone (blobs are named by content) or is only a number (operations).


class Removing:
    """Takes projects away."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def quiet(self, project: str) -> None:
        """No event, tick or command starts a session any more; deployments drain."""
        here = _D.c.project == project
        with self._database.write() as connection:
            self._database.lock(connection, LOCK)
            connection.execute(
                sa.update(_D).where(here & (_D.c.state == "pending")).values(state="failed", error=_GONE)
            )
            running = _D.c.state.in_(["starting", "active"])
            connection.execute(sa.update(_D).where(here & running).values(state="draining", error=_GONE))
            for table in (tables.triggers, tables.trigger_renames):
                connection.execute(sa.delete(table).where(table.c.project == project))

    def served(self, project: str) -> int:
        """How many of its deployments may still have processes."""
        query = (
            sa.select(sa.func.count())
            .select_from(_D)
            .where((_D.c.project == project) & _D.c.state.in_(WANTED))
        )
        with self._database.read() as connection:
            return int(connection.execute(query).scalar_one())

    def builds(self, project: str) -> list[str]:
        """The ids of the builds that no other project is made of."""
        with self._database.read() as connection:
            query = sa.select(tables.builds.c.id).where(_own_builds(project))
            return [str(name) for name in connection.execute(query).scalars()]

    def erase(self, project: str) -> list[str]:
        """Delete all rows of a project, in one transaction; returns the ids of the builds that are gone."""
        events, builds, outcomes = tables.events, tables.builds, tables.outcomes
        with self._database.write() as connection:
            self._database.lock(connection, LOCK)
            mine = sa.select(events.c.id).where(events.c.project == project)
            connection.execute(sa.delete(outcomes).where(outcomes.c.event_id.in_(mine)))
            gone = _own_builds(project)
            found = [str(name) for name in connection.execute(sa.select(builds.c.id).where(gone)).scalars()]
            connection.execute(sa.delete(builds).where(gone))
            for table in tables.metadata.sorted_tables:
                if "project" in table.c and table is not builds:
                    connection.execute(sa.delete(table).where(table.c.project == project))
            forget(connection, project)
            projects = tables.projects
            connection.execute(sa.delete(projects).where(projects.c.name == project))
        return found


def _own_builds(project: str) -> sa.ColumnElement[bool]:
    builds = tables.builds
    used = sa.select(_D.c.build_id).where(_D.c.project != project)
    return (builds.c.project == project) & builds.c.id.not_in(used)
