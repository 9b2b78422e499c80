"""Deployments: builds with a configuration, from asked for to retired.

One record per project and version: going back to an older version makes its record active again.
"""

from __future__ import annotations

import builtins
import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from worker import clock, ids
from worker.errors import StoreError
from worker.store import tables
from worker.store.engine import Database
from worker.store.records import Deployment
from worker.store.sealing import Sealer, is_sealed

if TYPE_CHECKING:  # a build process has this room without what manifests need
    from manifest import Plan, State

_T = tables.deployments
LOCK = 7_231_003  # who asks or activates is alone, so that one deployment of a project is pending, and one active
WANTED = ("pending", "starting", "active", "draining")
_SUPERSEDED = {"message": "superseded by a newer deployment", "where": "", "hint": "", "code": "AK1100"}


class Deployments:
    """The deployments."""

    def __init__(self, database: Database, sealer: Sealer) -> None:
        self._database = database
        self._sealer = sealer

    def request(
        self,
        project: str,
        build_id: str,
        version: str,
        desired: dict[str, Any],
        environment: dict[str, str],
        secret_names: list[str],
        requirements: str,
    ) -> Deployment:
        """Ask for a version to become active; of one that is active already the manifest is applied at once."""
        with self._database.write() as connection:
            self._database.lock(connection, LOCK)
            known = connection.execute(
                sa.select(_T).where((_T.c.project == project) & (_T.c.version == version))
            ).one_or_none()
            if known is not None and known.state == "active":
                self._amend(connection, known, desired)
                return self._record(connection.execute(sa.select(_T).where(_T.c.id == known.id)).one())
            identifier = known.id if known is not None else ids.new("dep")
            others = (_T.c.project == project) & (_T.c.id != identifier)
            connection.execute(
                sa.update(_T)
                .where(others & _T.c.state.in_(["pending", "starting"]))
                .values(state=_without_success(_T.c.state == "starting"), error=_SUPERSEDED)
            )
            fields = {
                "build_id": build_id,
                "state": "pending",
                "desired": self._sealer.seal(json.dumps(desired), desired_place(identifier)),
                "environment": self._sealer.seal(json.dumps(environment), identifier),
                "secret_names": secret_names,
                "requirements": requirements,
                "error": None,
            }
            if known is not None:
                connection.execute(sa.update(_T).where(_T.c.id == identifier).values(**fields))
            else:
                connection.execute(
                    sa.insert(_T).values(
                        id=identifier, project=project, version=version, created_at=clock.now(), **fields
                    )
                )
        found = self.get(identifier)
        assert found is not None
        return found

    def get(self, identifier: str) -> Deployment | None:
        """One deployment."""
        return self._one(_T.c.id == identifier)

    def by_version(self, project: str, version: str) -> Deployment | None:
        """The deployment that Temporal knows under this build id."""
        return self._one((_T.c.project == project) & (_T.c.version == version))

    def active(self, project: str) -> Deployment | None:
        """The deployment that new sessions run on."""
        return self._one((_T.c.project == project) & (_T.c.state == "active"))

    def list(self, project: str = "") -> builtins.list[Deployment]:
        """All deployments, newest first."""
        return self._many(_T.c.project == project if project else sa.true())

    def wanted(self) -> builtins.list[Deployment]:
        """Those that should have a process, or be looked at."""
        return self._many(_T.c.state.in_(WANTED))

    def move(
        self, identifier: str, from_states: Sequence[str], to_state: str, error: dict[str, str] | None = None
    ) -> bool:
        """Compare and set the state; False when it was another."""
        with self._database.write() as connection:
            done = connection.execute(
                sa.update(_T)
                .where((_T.c.id == identifier) & _T.c.state.in_(list(from_states)))
                .values(state=to_state, error=error)
            )
            return bool(done.rowcount)

    def give_up(self, identifier: str, error: dict[str, str]) -> bool:
        """It did not become active, with the reason; False when it is no longer on its way.

        One that was active before may have sessions: it drains.
        """
        with self._database.write() as connection:
            done = connection.execute(
                sa.update(_T)
                .where((_T.c.id == identifier) & _T.c.state.in_(["pending", "starting"]))
                .values(state=_without_success(sa.false()), error=error)
            )
            return bool(done.rowcount)

    def retire(self, identifier: str) -> bool:
        """It has no sessions any more; what it says about a failure stays."""
        with self._database.write() as connection:
            done = connection.execute(
                sa.update(_T)
                .where((_T.c.id == identifier) & (_T.c.state == "draining"))
                .values(state="inactive")
            )
            return bool(done.rowcount)

    def activate(self, identifier: str) -> bool:
        """Make it active, the one before draining, and apply its manifest: one transaction.

        Returns:
            False, with nothing changed, when it is not asked for any more.
        """
        with self._database.write() as connection:
            self._database.lock(connection, LOCK)
            row = connection.execute(sa.select(_T).where(_T.c.id == identifier)).one_or_none()
            if row is None:
                raise StoreError(f"there is no deployment {identifier}")
            if row.state not in {"pending", "starting"}:
                return False
            connection.execute(
                sa.update(_T)
                .where((_T.c.project == row.project) & (_T.c.state == "active") & (_T.c.id != identifier))
                .values(state="draining")
            )
            connection.execute(
                sa.update(_T)
                .where(_T.c.id == identifier)
                .values(state="active", error=None, activated_at=clock.now())
            )
            self._apply(connection, row.project, self._desired(row))
        return True

    def state(self, project: str) -> State:
        """All that a manifest decides, as it is now: what a plan is made against."""
        from worker.store.applying import Rows

        with self._database.read() as connection:
            return Rows(self._database, self._sealer, connection).current(project)

    def _amend(self, connection: sa.Connection, known: Any, desired: dict[str, Any]) -> None:
        """The version stays; what its manifest decides becomes what it says."""
        changed = self._apply(connection, known.project, desired).changes
        if changed or self._desired(known) != desired:
            sealed = self._sealer.seal(json.dumps(desired), desired_place(known.id))
            values = {"desired": sealed, "activated_at": clock.now()}
            connection.execute(sa.update(_T).where(_T.c.id == known.id).values(**values))

    def _apply(self, connection: sa.Connection, project: str, desired: dict[str, Any]) -> Plan:
        from worker.store.applying import apply_desired

        return apply_desired(self._database, self._sealer, connection, project, desired)

    def _one(self, condition: sa.ColumnElement[bool]) -> Deployment | None:
        found = self._many(condition)
        return found[0] if found else None

    def _many(self, condition: sa.ColumnElement[bool]) -> builtins.list[Deployment]:
        query = sa.select(_T).where(condition).order_by(_T.c.created_at.desc(), _T.c.id)
        with self._database.read() as connection:
            rows = connection.execute(query).all()
        return [self._record(row) for row in rows]

    def _desired(self, row: Any) -> dict[str, Any]:
        """The manifest, which may hold secrets: sealed, except where an older version of this program wrote it."""
        text = row.desired
        if is_sealed(text):
            text = self._sealer.open(text, desired_place(row.id))
        found: dict[str, Any] = json.loads(text)
        return found

    def _record(self, row: Any) -> Deployment:
        return Deployment(
            **{
                **row._mapping,
                "desired": self._desired(row),
                "environment": json.loads(self._sealer.open(row.environment, row.id)),
            }
        )


def _without_success(may_be_current: sa.ColumnElement[bool]) -> sa.Case[str]:
    """The state of a deployment that does not become active: one that may have sessions goes on serving them."""
    return sa.case((may_be_current | _T.c.activated_at.is_not(None), "draining"), else_="failed")


def desired_place(identifier: str) -> str:
    """What a deployment's sealed manifest is bound to."""
    return f"{identifier}|desired"
