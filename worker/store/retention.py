"""What is past its time, found and deleted in small batches, so that writers never wait long.

Every method takes what open sessions need, deletes nothing of it, and with ``delete`` False only counts. Tables that
grow with time and not with the size of projects are all here; what else there is belongs to a manifest.
"""

from __future__ import annotations

import builtins
import datetime as dt
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa

from worker import clock
from worker.store import tables
from worker.store.engine import Database

_BATCH = 200
_BLOB_BATCH = 20  # they are large
_PAUSE_SECONDS = 0.01  # between batches, for the writers
_DEPLOYMENTS_LOCK = 7_231_003  # as in ``deployments``: whoever asks for one is not deleted under
_E, _D, _N = tables.events, tables.deliveries, tables.signals
_LOG, _OPS, _OUT = tables.session_log, tables.operations, tables.outcomes


@dataclass(frozen=True)
class Needed:
    """What open sessions hold: their ids, the runs they are in, since when each project has one, the oldest run."""

    sessions: frozenset[str] = frozenset()
    runs: frozenset[str] = frozenset()
    since: dict[str, dt.datetime] = field(default_factory=dict)
    oldest_run: dt.datetime | None = None


@dataclass(frozen=True)
class Age:
    """Rows from before ``before``, and all but the newest ``most``; None and 0 for no limit.

    The number counts for what is older than ``settled``: what happened just now, Temporal's lists may not show yet.
    """

    before: dt.datetime | None
    most: int = 0
    settled: dt.datetime | None = None

    def over(self, at: dt.datetime, seq: int, newest: int) -> bool:
        """Whether a row goes: from when it is, its number, and the newest one's."""
        old = self.before is not None and at < self.before
        settled = self.settled is None or at < self.settled
        return old or (settled and self.most > 0 and seq <= newest - self.most)


class Retention:
    """Finds and deletes."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def events(self, age: Age, needed: Needed, *, delete: bool) -> int:
        """Events with deliveries and outcomes; not while one is pending, or a session it started or reached is open."""
        total = 0
        for rows in self._old(_E, _E.c.created_at, age, [_E.c.id]):
            wanted = [row.id for row in rows]
            with self._transaction(delete) as connection:
                query = sa.select(_D.c.event_id, _D.c.session_id, _D.c.state).where(_D.c.event_id.in_(wanted))
                held = {
                    row.event_id
                    for row in connection.execute(query)
                    if row.state == "pending" or row.session_id in needed.sessions
                }
                gone = [identifier for identifier in wanted if identifier not in held]
                if delete:
                    for column in (_D.c.event_id, _OUT.c.event_id, _E.c.id):
                        connection.execute(sa.delete(column.table).where(column.in_(gone)))
            total += len(gone)
        return total

    def signals(self, age: Age, needed: Needed, *, delete: bool) -> int:
        """Signals from before any open session of their project began: it would get them at its first wait."""
        total = 0
        for rows in self._old(_N, _N.c.created_at, age, [_N.c.id, _N.c.project, _N.c.created_at]):
            gone = [
                row.id
                for row in rows
                if row.project not in needed.since or row.created_at < needed.since[row.project]
            ]
            if delete:
                with self._database.write() as connection:
                    connection.execute(sa.delete(_N).where(_N.c.id.in_(gone)))
            total += len(gone)
        return total

    def log_lines(self, age: Age, needed: Needed, *, delete: bool) -> int:
        """Logs of sessions whose last line is old; of a session that is open, those of runs before its present one."""
        total = 0
        seen: set[tuple[str, str]] = set()
        for rows in self._old(_LOG, _LOG.c.at, age, [_LOG.c.workflow_id, _LOG.c.run_id]):
            for row in rows:
                opened = row.workflow_id in needed.sessions
                key = (row.workflow_id, row.run_id if opened else "")
                if key in seen or (opened and row.run_id in needed.runs):
                    continue
                seen.add(key)
                here = _LOG.c.workflow_id == row.workflow_id
                total += self._log_of(here & (_LOG.c.run_id == row.run_id) if opened else here, age, delete)
        return total

    def _log_of(self, here: sa.ColumnElement[bool], age: Age, delete: bool) -> int:
        with self._database.read() as connection:
            query = sa.select(sa.func.max(_LOG.c.at), sa.func.max(_LOG.c.seq), sa.func.count())
            at, seq, count = connection.execute(query.where(here)).one()
            newest = connection.execute(sa.select(sa.func.max(_LOG.c.seq))).scalar() or 0
        if at is None or not age.over(at, seq, newest):
            return 0
        if delete:
            self._delete(_LOG.c.seq, here & (_LOG.c.seq <= seq))
        return int(count)

    def operations(self, before: dt.datetime | None, needed: Needed, *, delete: bool) -> int:
        """Answers that a repeated step would get, of runs that have ended."""
        if before is None:
            return 0
        total, after = 0, ""
        while True:
            query = sa.select(_OPS.c.id).where((_OPS.c.id > after) & (_OPS.c.created_at < before))
            with self._database.read() as connection:
                found = builtins.list(connection.execute(query.order_by(_OPS.c.id).limit(_BATCH)).scalars())
            if not found:
                return total
            after = found[-1]
            gone = [item for item in found if item.partition("/")[0] not in needed.runs]
            if delete:
                with self._database.write() as connection:
                    connection.execute(sa.delete(_OPS).where(_OPS.c.id.in_(gone)))
                clock.pause(_PAUSE_SECONDS)
            total += len(gone)

    def leftovers(self, before: dt.datetime | None, *, delete: bool) -> int:
        """Deliveries of signals that were made, outcomes without their event, ended subscriptions, refused requests."""
        if before is None:
            return 0
        past, refused = tables.ended_subscriptions, tables.refused_requests
        made = sa.func.coalesce(_D.c.finished_at, _D.c.not_before) < before
        parts = (
            (_D.c.id, (_D.c.kind == "signal") & (_D.c.state != "pending") & (_D.c.event_seq == 0) & made),
            (
                _OUT.c.seq,
                (_OUT.c.created_at < before) & ~sa.exists().where(_E.c.id == _OUT.c.event_id),
            ),
            (past.c.id, past.c.ended_at < before),
            (refused.c.id, refused.c.last_at < before),
        )
        return sum(self._delete(key, condition, delete=delete) for key, condition in parts)

    def signs_of_life(self, before: dt.datetime, *, delete: bool) -> int:
        """Rows of processes, and leases, that nobody renewed for long."""
        services, leases = tables.services, tables.leases
        return self._delete(services.c.id, services.c.seen_at < before, delete=delete) + self._delete(
            leases.c.name, leases.c.until < before, delete=delete
        )

    def payloads(self, before: dt.datetime, *, delete: bool) -> int:
        """Large payloads that nobody wrote since then."""
        table = tables.blobs
        used = sa.func.coalesce(table.c.used_at, table.c.created_at)
        return self._delete(table.c.id, used < before, delete=delete, batch=_BLOB_BATCH)

    def registered(self, before: dt.datetime) -> set[str]:
        """Sessions that have subscriptions from before then, or wait for signals."""
        subscriptions, waiters = tables.subscriptions, tables.waiters
        old = sa.select(subscriptions.c.session_id).where(subscriptions.c.created_at < before)
        with self._database.read() as connection:
            found = {*connection.execute(old.distinct()).scalars()}
            return found | {*connection.execute(sa.select(waiters.c.session_id).distinct()).scalars()}

    def drop_deployment(self, identifier: str) -> bool:
        """Delete a deployment that nobody uses; False when it is in use again."""
        table = tables.deployments
        with self._database.write() as connection:
            self._database.lock(connection, _DEPLOYMENTS_LOCK)
            unused = (table.c.id == identifier) & table.c.state.in_(("inactive", "failed"))
            return bool(connection.execute(sa.delete(table).where(unused)).rowcount)

    def builds(self, before: dt.datetime, without: Iterable[str], *, delete: bool) -> builtins.list[str]:
        """Builds from before then that no deployment is made of; ``without``: deployments taken as gone."""
        table, deployments = tables.builds, tables.deployments
        using = (deployments.c.build_id == table.c.id) & deployments.c.id.not_in(builtins.list(without))
        unused = (table.c.created_at < before) & ~sa.exists().where(using)
        with self._transaction(delete) as connection:
            self._database.lock(connection, _DEPLOYMENTS_LOCK)
            found = builtins.list(connection.execute(sa.select(table.c.id).where(unused)).scalars())
            if delete:
                connection.execute(sa.delete(table).where(table.c.id.in_(found)))
        return found

    def _transaction(self, writing: bool) -> Any:
        return self._database.write() if writing else self._database.read()

    def _old(
        self, table: sa.Table, at: sa.Column[Any], age: Age, columns: builtins.list[sa.Column[Any]]
    ) -> Iterator[builtins.list[Any]]:
        """Old rows, oldest first, in batches; numbers grow with time, so the first new one ends it."""
        seq = table.c.seq
        with self._database.read() as connection:
            newest = connection.execute(sa.select(sa.func.max(seq))).scalar() or 0
        after = 0
        while True:
            query = (
                sa.select(seq, at.label("old_at"), *columns).where(seq > after).order_by(seq).limit(_BATCH)
            )
            with self._database.read() as connection:
                rows = connection.execute(query).all()
            old = [row for row in rows if age.over(row.old_at, row.seq, newest)]
            if not old:
                return
            yield old
            after = rows[-1].seq
            if len(rows) < _BATCH or len(old) < len(rows):
                return
            clock.pause(_PAUSE_SECONDS)

    def _delete(
        self,
        key: sa.Column[Any],
        condition: sa.ColumnElement[bool],
        *,
        delete: bool = True,
        batch: int = _BATCH,
    ) -> int:
        if not delete:
            with self._database.read() as connection:
                return int(connection.execute(sa.select(sa.func.count(key)).where(condition)).scalar() or 0)
        total = 0
        while True:
            with self._database.write() as connection:
                some = builtins.list(
                    connection.execute(sa.select(key).where(condition).limit(batch)).scalars()
                )
                connection.execute(sa.delete(key.table).where(key.in_(some)))
            total += len(some)
            if len(some) < batch:
                return total
            clock.pause(_PAUSE_SECONDS)
