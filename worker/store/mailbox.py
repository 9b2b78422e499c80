"""What sessions that run wait for and tell each other: subscriptions, signals, outcomes.

Whoever waits is registered before the wait begins, and whoever sends looks for waiters in the transaction that records
what is sent; so nothing falls between the two. On Postgres a lock per name makes that order real.
"""

from __future__ import annotations

import builtins
import datetime as dt
import zlib
from collections.abc import Collection
from dataclasses import replace
from typing import Any

import sqlalchemy as sa

from worker import clock, ids
from worker.store import tables
from worker.store.engine import Database, batches
from worker.store.filters import Filters
from worker.store.records import Delivery, Event, Outcome, PastSubscription, Subscription

_S = tables.subscriptions
_PAST = tables.ended_subscriptions
_W = tables.waiters
_N = tables.signals
_D = tables.deliveries
_E = tables.events
_OUT = tables.outcomes
_AT_ONCE = 500  # events of one question
_OPS = tables.operations
_LASTING = ("id", "project", "source", "session_id", "filter", "created_at")  # what is kept of one that ended
_HEAD_START_SECONDS = 5.0  # so long the sender delivers itself before others do it for it


class Mailbox:
    """Subscriptions, signals and outcomes of all sessions."""

    def __init__(self, database: Database, filters: Filters) -> None:
        self._database = database
        self._filters = filters

    def subscribe(self, subscription: Subscription, secrets: Collection[str] = ()) -> None:
        """Register a subscription; the same one again changes nothing. ``secrets`` are those that its filter holds."""
        kept = self._filters.sealed(subscription, secrets)
        fields = {name: getattr(kept, name) for name in kept.__dataclass_fields__}
        with self._database.write() as connection:
            insert = self._database.insert(_S).values(created_at=clock.now(), **fields)
            connection.execute(insert.on_conflict_do_nothing())

    def unsubscribe(self, identifier: str, session_id: str) -> None:
        """End one subscription of a session."""
        with self._database.write() as connection:
            self._end(connection, (_S.c.id == identifier) & (_S.c.session_id == session_id), "unsubscribe")

    def subscriptions(self, session_id: str = "", project: str = "") -> builtins.list[Subscription]:
        """The subscriptions of a session, or of a project; their filters as they are stored."""
        query = sa.select(*(_S.c[name] for name in Subscription.__dataclass_fields__))
        if session_id:
            query = query.where(_S.c.session_id == session_id)
        if project:
            query = query.where(_S.c.project == project)
        with self._database.read() as connection:
            return [Subscription(**row._mapping) for row in connection.execute(query)]

    def waiting(self, project: str) -> dict[str, int]:
        """The triggers and connections that sessions have subscribed to, with how many subscriptions."""
        query = (
            sa.select(_S.c.source, sa.func.count().label("number"))
            .where(_S.c.project == project)
            .group_by(_S.c.source)
        )
        with self._database.read() as connection:
            return {row.source: row.number for row in connection.execute(query)}

    def forget(self, session_id: str) -> None:
        """The session has ended: it waits for nothing any more."""
        with self._database.write() as connection:
            self._end(connection, _S.c.session_id == session_id, "session")
            connection.execute(sa.delete(_W).where(_W.c.session_id == session_id))

    def _end(self, connection: sa.Connection, these: sa.ColumnElement[bool], by: str) -> None:
        """Move subscriptions out of the table that events are matched against; explanations still find them."""
        now = sa.literal(clock.now(), tables.Moment)
        ended = sa.select(*(_S.c[name] for name in _LASTING), now, sa.literal(by, sa.Text)).where(these)
        insert = self._database.insert(_PAST).from_select([*_LASTING, "ended_at", "ended_by"], ended)
        connection.execute(insert.on_conflict_do_nothing())
        connection.execute(sa.delete(_S).where(these))

    def alive_at(self, project: str, source: str, at: dt.datetime) -> builtins.list[PastSubscription]:
        """The subscriptions to a source that lived at some moment, oldest first."""
        found = self._ever(
            project, source, _S.c.created_at <= at, (_PAST.c.created_at <= at) & (_PAST.c.ended_at >= at)
        )
        return sorted(found, key=lambda item: (item.created_at, item.id))

    def heard(self, event_ids: builtins.list[str]) -> frozenset[str]:
        """Which of these events came while any subscription to their sources lived."""

        def lived(table: sa.Table, *more: sa.ColumnElement[bool]) -> sa.Exists:
            same = (table.c.project == _E.c.project) & (table.c.source == _E.c.source)
            return sa.exists().where(same & sa.and_(table.c.created_at <= _E.c.created_at, *more))

        query = sa.select(_E.c.id).where(lived(_S) | lived(_PAST, _PAST.c.ended_at >= _E.c.created_at))
        found: set[str] = set()
        with self._database.read() as connection:
            for some in batches(event_ids, _AT_ONCE):
                found.update(connection.execute(query.where(_E.c.id.in_(some))).scalars())
        return frozenset(found)

    def around(
        self, project: str, source: str, at: dt.datetime, window: dt.timedelta, limit: int
    ) -> tuple[builtins.list[PastSubscription], builtins.list[PastSubscription]]:
        """The subscriptions to a source that ended before a moment, and those that began after it, nearest first."""
        ended = (_PAST.c.ended_at < at) & (_PAST.c.ended_at >= at - window)
        before = self._ever(project, source, None, ended, _PAST.c.ended_at.desc(), limit)
        living = (_S.c.created_at > at) & (_S.c.created_at <= at + window)
        past = (_PAST.c.created_at > at) & (_PAST.c.created_at <= at + window)
        after = self._ever(project, source, living, None, _S.c.created_at, limit)
        after += self._ever(project, source, None, past, _PAST.c.created_at, limit)
        return before, sorted(after, key=lambda item: (item.created_at, item.id))[:limit]

    def past(self, identifiers: builtins.list[str]) -> builtins.list[PastSubscription]:
        """These subscriptions, alive or ended."""
        return self._ever("", "", _S.c.id.in_(identifiers), _PAST.c.id.in_(identifiers))

    def _ever(
        self,
        project: str,
        source: str,
        living: sa.ColumnElement[bool] | None,
        past: sa.ColumnElement[bool] | None,
        order: Any = None,
        limit: int | None = None,
    ) -> builtins.list[PastSubscription]:
        """Subscriptions that live or have ended, under a condition on each of the tables (None: none of these)."""
        found: builtins.list[Any] = []
        for table, condition in ((_S, living), (_PAST, past)):
            if condition is None:
                continue
            how = (
                [_PAST.c.ended_at, _PAST.c.ended_by]
                if table is _PAST
                else [sa.literal(None, tables.Moment).label("ended_at")]
            )
            query = sa.select(*(table.c[name] for name in _LASTING), *how).where(condition)
            if project:
                query = query.where((table.c.project == project) & (table.c.source == source))
            with self._database.read() as connection:
                found += connection.execute(query.order_by(order).limit(limit)).all()
        return [self._opened(PastSubscription(**row._mapping)) for row in found]

    def _opened(self, item: PastSubscription) -> PastSubscription:
        opened = self._filters.opened(item.project, item.id, item.filter)
        return replace(item, filter=opened.text, mask=opened.mask)

    def awaited(self, session_ids: builtins.list[str]) -> dict[str, builtins.list[str]]:
        """What sessions are registered for, in words: ``the signal approved``, ``an event of chat``; secrets hidden."""
        found: dict[str, builtins.list[str]] = {}
        waiters = sa.select(_W.c.session_id, _W.c.name).where(_W.c.session_id.in_(session_ids))
        events = sa.select(_S.c.session_id, _S.c.source, _S.c.filter, _S.c.id, _S.c.project)
        events = events.where(_S.c.session_id.in_(session_ids))
        with self._database.read() as connection:
            for row in connection.execute(waiters.order_by(_W.c.name)):
                found.setdefault(row.session_id, []).append(f"the signal {row.name}")
            for one in connection.execute(events.order_by(_S.c.created_at)):
                wanted = self._filters.opened(one.project, one.id, one.filter).shown
                text = f"an event of {one.source}" + (f" with {wanted}" if wanted else "")
                found.setdefault(one.session_id, []).append(text)
        return found

    def await_signal(
        self, project: str, name: str, session_id: str, since: dt.datetime
    ) -> builtins.list[dict[str, Any]]:
        """Register for a name; returns what was sent under it since the session began, oldest first."""
        with self._database.write() as connection:
            self._lock(connection, project, name)
            insert = self._database.insert(_W).values(project=project, name=name, session_id=session_id)
            connection.execute(insert.on_conflict_do_nothing())
            here = (_N.c.project == project) & (_N.c.name == name) & (_N.c.created_at >= since)
            rows = connection.execute(sa.select(_N.c.id, _N.c.payload).where(here).order_by(_N.c.seq)).all()
        return [{"id": row.id, "payload": row.payload} for row in rows]

    def signal(self, identifier: str, project: str, name: str, payload: Any) -> builtins.list[Delivery]:
        """Record a signal to all who wait for it; returns the deliveries to be made.

        The caller makes them at once; what it cannot finish, an outbox finds a little later.
        """
        with self._database.write() as connection:
            self._lock(connection, project, name)
            insert = self._database.insert(_N).values(
                id=identifier, project=project, name=name, payload=payload, created_at=clock.now()
            )
            if connection.execute(insert.on_conflict_do_nothing().returning(_N.c.seq)).scalar() is None:
                return []
            waiting = connection.execute(
                sa.select(_W.c.session_id).where((_W.c.project == project) & (_W.c.name == name))
            ).scalars()
            deliveries = [
                Delivery(
                    ids.derived("dlv", identifier, session),
                    identifier,
                    project,
                    name,
                    "",
                    session,
                    "pending",
                    kind="signal",
                    payload={"id": identifier, "name": name, "payload": payload},
                )
                for session in waiting
            ]
            start = clock.now() + dt.timedelta(seconds=_HEAD_START_SECONDS)
            rows = [{**vars(d), "event_seq": 0, "not_before": start} for d in deliveries]
            if rows:
                connection.execute(sa.insert(_D), rows)
        return deliveries

    def fetch(self, session_id: str, subscriptions: builtins.list[str]) -> tuple[str, Event] | None:
        """The next event of one of these direct subscriptions, which is then taken; the order of the ids decides."""
        with self._database.write() as connection:
            for identifier in subscriptions:
                found = connection.execute(
                    sa.select(_D.c.id, _D.c.event_id)
                    .where(
                        (_D.c.state == "inbox")
                        & (_D.c.session_id == session_id)
                        & (_D.c.trigger == identifier)
                    )
                    .order_by(_D.c.event_seq)
                    .limit(1)
                ).first()
                if found is None:
                    continue
                connection.execute(
                    sa.update(_D).where(_D.c.id == found.id).values(state="done", finished_at=clock.now())
                )
                row = connection.execute(sa.select(_E).where(_E.c.id == found.event_id)).one_or_none()
                if row is not None:
                    return identifier, Event(**row._mapping)
        return None

    def answer(self, event_id: str, session_id: str, value: Any, operation: str = "") -> None:
        """Record one outcome of an event; the same operation again records nothing."""
        with self._database.write() as connection:
            if operation:
                insert = self._database.insert(_OPS).values(id=operation, result=None, created_at=clock.now())
                done = connection.execute(insert.on_conflict_do_nothing().returning(_OPS.c.id)).scalar()
                if done is None:
                    return
            connection.execute(
                sa.insert(_OUT).values(
                    event_id=event_id, session_id=session_id, value=value, created_at=clock.now()
                )
            )

    def outcomes(self, event_id: str, after: int = 0) -> builtins.list[Outcome]:
        """The outcomes of an event after one that is known already."""
        query = (
            sa.select(_OUT.c.seq, _OUT.c.event_id, _OUT.c.session_id, _OUT.c.value)
            .where((_OUT.c.event_id == event_id) & (_OUT.c.seq > after))
            .order_by(_OUT.c.seq)
        )
        with self._database.read() as connection:
            return [Outcome(**row._mapping) for row in connection.execute(query)]

    def newest_outcomes(self, event_ids: Collection[str]) -> dict[str, int]:
        """The number of the newest outcome of each of these events that has any."""
        query = sa.select(_OUT.c.event_id, sa.func.max(_OUT.c.seq)).group_by(_OUT.c.event_id)
        with self._database.read() as connection:
            found = connection.execute(query.where(_OUT.c.event_id.in_(event_ids)))
            return {row[0]: row[1] for row in found}

    def candidates(
        self, connection: sa.Connection, event: Event, look_up: Any
    ) -> builtins.list[Subscription]:
        """The subscriptions an event has to be compared with: those without a term, and those whose term it meets.

        Args:
            connection: inside the transaction that records the event.
            event: what happened.
            look_up: gives the event's value at a term's path, as text, or None.
        """
        here = (_S.c.project == event.project) & (_S.c.source == event.source)
        paths = _paths(connection, here)
        met = [(path, "" if not path else look_up(path)) for path in paths]
        terms = [
            (_S.c.term_path == path)
            & _S.c.term_value.in_([value, self._filters.keyed(event.project, value)] if path else [value])
            for path, value in met
            if value is not None
        ]
        if not terms:
            return []
        query = sa.select(*(_S.c[name] for name in Subscription.__dataclass_fields__)).where(
            here & sa.or_(*terms)
        )
        found = [Subscription(**row._mapping) for row in connection.execute(query.order_by(_S.c.id))]
        return [
            replace(item, filter=self._filters.opened(item.project, item.id, item.filter).text)
            for item in found
        ]

    def _lock(self, connection: sa.Connection, project: str, name: str) -> None:
        self._database.lock(connection, zlib.crc32(f"signal {project} {name}".encode()))


def _paths(connection: sa.Connection, here: sa.ColumnElement[bool]) -> builtins.list[str]:
    """The different paths, each found by one step in the index: there are few, among ever so many subscriptions."""
    query = sa.select(_S.c.term_path).where(here).order_by(_S.c.term_path).limit(1)
    found: builtins.list[str] = []
    path = connection.execute(query).scalar()
    while path is not None:
        found.append(path)
        path = connection.execute(query.where(_S.c.term_path > path)).scalar()
    return found
