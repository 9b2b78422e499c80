"""Events and their deliveries: the outbox.

An event and everything it must cause are written in one transaction; whoever finds a delivery that is still pending
carries it out. A claim is a lease: it frees itself when its owner dies.
"""

from __future__ import annotations

import builtins
import datetime as dt
from collections.abc import Callable, Sequence

import sqlalchemy as sa

from worker import clock
from worker.store import tables
from worker.store.engine import Database, batches
from worker.store.records import Delivery, Event

_E = tables.events
_D = tables.deliveries
_BACKOFF_SECONDS = 0.5
_BACKOFF_LIMIT_SECONDS = 5.0
_FIELDS = (
    *("id", "event_id", "project", "trigger", "handler", "session_id", "state", "reason", "attempts"),
    *("kind", "payload", "finished_at"),
)
_HANDLED = ("pending", "done", "inbox")
Subscribers = Callable[[sa.Connection, Event], Sequence[Delivery]]


class Events:
    """The events."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def record(
        self, event: Event, deliveries: Sequence[Delivery], subscribers: Subscribers | None = None
    ) -> bool:
        """Write the event with its deliveries; False when an event of that id was there already.

        ``subscribers`` finds, inside the transaction, the deliveries to sessions that wait for the event.
        """
        fields = {name: getattr(event, name) for name in _E.c.keys() if name != "seq"}  # noqa: SIM118 - columns
        with self._database.write() as connection:
            insert = self._database.insert(_E).values(**fields).on_conflict_do_nothing()
            seq = connection.execute(insert.returning(_E.c.seq)).scalar()
            if seq is None:
                return False
            found = [*deliveries, *(subscribers(connection, event) if subscribers is not None else ())]
            rows = [{**{name: getattr(d, name) for name in _FIELDS}, "event_seq": seq} for d in found]
            if rows:
                connection.execute(sa.insert(_D), rows)
        return True

    def get(self, identifier: str) -> Event | None:
        """One event."""
        with self._database.read() as connection:
            row = connection.execute(sa.select(_E).where(_E.c.id == identifier)).one_or_none()
        return Event(**row._mapping) if row is not None else None

    def list(
        self,
        project: str = "",
        source: str = "",
        limit: int = 50,
        *,
        event_type: str = "",
        since: dt.datetime | None = None,
        until: dt.datetime | None = None,
        unhandled: bool = False,
    ) -> builtins.list[Event]:
        """The newest events first; ``unhandled`` ones started and reached no session."""
        query = sa.select(_E).order_by(_E.c.seq.desc()).limit(limit)
        for column, value in ((_E.c.project, project), (_E.c.source, source), (_E.c.event_type, event_type)):
            if value:
                query = query.where(column == value)
        if since is not None:
            query = query.where(_E.c.created_at >= since)
        if until is not None:
            query = query.where(_E.c.created_at <= until)
        if unhandled:
            handled = sa.select(_D.c.id).where((_D.c.event_id == _E.c.id) & _D.c.state.in_(_HANDLED))
            query = query.where(~handled.exists())
        with self._database.read() as connection:
            return [Event(**row._mapping) for row in connection.execute(query)]

    def lost(
        self,
        project: str,
        *,
        source: str = "",
        trigger: str = "",
        event_type: str = "",
        since: dt.datetime | None = None,
        until: dt.datetime | None = None,
        handled: bool = False,
        limit: int = 1000,
        former: Sequence[str] = (),
    ) -> builtins.list[Event]:
        """Events that led to nothing, and whose repetitions led to nothing either; oldest first, no repetitions.

        Args:
            project: whose.
            source: only from this one.
            trigger: led to no session of this trigger, whatever else they led to.
            event_type: only of this type.
            since: not older.
            until: not younger.
            handled: those that led to something as well.
            limit: at most so many.
            former: what source and trigger were called before; those count as well.
        """
        again = _E.alias()
        query = sa.select(_E).where((_E.c.project == project) & (_E.c.repeats == ""))
        query = query.where(_E.c.source.in_([source, *former])) if source else query
        query = query.where(_E.c.event_type == event_type) if event_type else query
        query = query.where(_E.c.created_at >= since) if since is not None else query
        query = query.where(_E.c.created_at <= until) if until is not None else query
        if not handled:
            took: sa.ColumnElement[bool] = _D.c.state.in_(_HANDLED)
            if trigger:
                took &= (_D.c.kind == "start") & _D.c.trigger.in_([trigger, *former])
            itself = sa.select(_D.c.id).where((_D.c.event_id == _E.c.id) & took)
            later = (
                sa.select(_D.c.id)
                .join(again, again.c.id == _D.c.event_id)
                .where((again.c.repeats != "") & (again.c.repeats == _E.c.id) & took)
            )
            query = query.where(~itself.exists() & ~later.exists())
        with self._database.read() as connection:
            rows = connection.execute(query.order_by(_E.c.seq).limit(limit))
            return [Event(**row._mapping) for row in rows]

    def repetitions(self, identifiers: Sequence[str]) -> dict[str, builtins.list[Event]]:
        """The repetitions of events, oldest first."""
        found: dict[str, builtins.list[Event]] = {identifier: [] for identifier in identifiers}
        query = sa.select(_E).where(_E.c.repeats != "").order_by(_E.c.seq)
        with self._database.read() as connection:
            for some in batches(found):
                for row in connection.execute(query.where(_E.c.repeats.in_(some))):
                    found[row.repeats].append(Event(**row._mapping))
        return found

    def near(self, identifier: str, limit: int = 200) -> builtins.list[str]:
        """Ids of events, to name the nearest ones when there is none of an id.

        First those of which it is the beginning, then those that begin alike, then the newest.
        """
        queries = [
            sa.select(_E.c.id).where(_E.c.id.startswith(begun, autoescape=True)).limit(limit)
            for begun in (identifier, identifier[:6])
        ]
        queries.append(sa.select(_E.c.id).order_by(_E.c.seq.desc()).limit(limit))
        with self._database.read() as connection:
            found = [row for query in queries for row in connection.execute(query).scalars()]
        return builtins.list(dict.fromkeys(found))

    def used_since(self, project: str, since: dt.datetime) -> dict[str, int]:
        """The triggers that had events since then, with how many: their own, or those of their connection."""
        recent = (_E.c.project == project) & (_E.c.created_at >= since)
        own = (
            sa.select(_E.c.source.label("name"), sa.func.count().label("number"))
            .where(recent & (_E.c.source_kind == "trigger"))
            .group_by(_E.c.source)
        )
        started = (
            sa.select(_D.c.trigger.label("name"), sa.func.count().label("number"))
            .join(_E, _E.c.id == _D.c.event_id)
            .where(recent & (_D.c.kind == "start") & (_D.c.state != "skipped"))
            .group_by(_D.c.trigger)
        )
        found: dict[str, int] = {}
        with self._database.read() as connection:
            for query in (started, own):
                found |= {row.name: row.number for row in connection.execute(query)}
        return found

    def pending(self) -> dict[str, int]:
        """How many deliveries wait to be carried out, by project."""
        query = sa.select(_D.c.project, sa.func.count()).where(_D.c.state == "pending").group_by(_D.c.project)
        with self._database.read() as connection:
            return {row[0]: row[1] for row in connection.execute(query)}

    def overdue(self, since: dt.datetime) -> dict[str, int]:
        """For each project how many deliveries still wait whose events, or signals, were recorded before."""
        signals = tables.signals
        recorded = sa.func.coalesce(_E.c.created_at, signals.c.created_at)
        query = (
            sa.select(_D.c.project, sa.func.count())
            .outerjoin(_E, _E.c.id == _D.c.event_id)
            .outerjoin(signals, signals.c.id == _D.c.event_id)
            .where((_D.c.state == "pending") & (recorded < since))
            .group_by(_D.c.project)
        )
        with self._database.read() as connection:
            return {row[0]: row[1] for row in connection.execute(query)}

    def last_start(self) -> tuple[str, dt.datetime, dt.datetime] | None:
        """The session that an event started last: its id, when the event was recorded, and when it had been started."""
        query = (
            sa.select(_D.c.session_id, _E.c.created_at, _D.c.finished_at)
            .join(_E, _E.c.id == _D.c.event_id)
            .where((_D.c.state == "done") & (_D.c.kind == "start") & _D.c.finished_at.is_not(None))
            .where(_E.c.event_type != "tick")  # those have Temporal's time
            .order_by(_D.c.event_seq.desc())
            .limit(1)
        )
        with self._database.read() as connection:
            row = connection.execute(query).one_or_none()
        return None if row is None else (row.session_id, row.created_at, row.finished_at)

    def deliveries(self, event_id: str) -> builtins.list[Delivery]:
        """What the event causes or caused."""
        query = (
            sa.select(*(_D.c[name] for name in _FIELDS))
            .where(_D.c.event_id == event_id)
            .order_by(_D.c.trigger)
        )
        with self._database.read() as connection:
            return [Delivery(**row._mapping) for row in connection.execute(query)]

    def start_of(self, session_id: str) -> Delivery | None:
        """The delivery that started a session; None when no event did, or it is kept no more."""
        fields = (_D.c[name] for name in _FIELDS)
        query = sa.select(*fields).where(_D.c.session_id == session_id, _D.c.kind == "start")
        with self._database.read() as connection:
            row = connection.execute(query).first()
        return None if row is None else Delivery(**row._mapping)

    def deliveries_of(self, event_ids: Sequence[str]) -> dict[str, builtins.list[Delivery]]:
        """The deliveries of several events."""
        found: dict[str, builtins.list[Delivery]] = {identifier: [] for identifier in event_ids}
        query = sa.select(*(_D.c[name] for name in _FIELDS)).order_by(_D.c.trigger)
        with self._database.read() as connection:
            for some in batches(found):
                for row in connection.execute(query.where(_D.c.event_id.in_(some))):
                    found[row.event_id].append(Delivery(**row._mapping))
        return found

    def started_by(
        self, project: str, trigger: str, before: int | None, limit: int
    ) -> builtins.list[tuple[int, str]]:
        """Sessions that a trigger started, newest first, each with a number to go on from (``before``)."""
        query = (
            sa.select(_D.c.event_seq, _D.c.session_id)
            .where((_D.c.trigger == trigger) & (_D.c.kind == "start") & _D.c.state.in_(("pending", "done")))
            .order_by(_D.c.event_seq.desc())
            .limit(limit)
        )
        if project:
            query = query.where(_D.c.project == project)
        if before is not None:
            query = query.where(_D.c.event_seq < before)
        with self._database.read() as connection:
            return [(row.event_seq, row.session_id) for row in connection.execute(query)]

    def claim_deliveries(self, owner: str, limit: int, lease_seconds: float) -> builtins.list[Delivery]:
        """Take pending deliveries that nobody else is at, oldest events first."""
        now = clock.now()
        free = (_D.c.state == "pending") & (_D.c.not_before.is_(None) | (_D.c.not_before <= now))
        with self._database.read() as connection:
            if connection.execute(sa.select(_D.c.id).where(free).limit(1)).first() is None:
                return []
        with self._database.write() as connection:
            # What goes to one session goes in order: not while somebody else is at an earlier one.
            earlier = _D.alias()
            blocked = (
                sa.select(earlier.c.id)
                .where(
                    (earlier.c.session_id == _D.c.session_id)
                    & (earlier.c.state == "pending")
                    & (earlier.c.event_seq < _D.c.event_seq)
                    & (earlier.c.not_before > now)
                )
                .exists()
            )
            free &= (_D.c.kind == "start") | ~blocked
            query = (
                sa.select(*(_D.c[name] for name in _FIELDS)).where(free).order_by(_D.c.event_seq).limit(limit)
            )
            rows = connection.execute(self._database.skip_locked(query)).all()
            if rows:
                connection.execute(
                    sa.update(_D)
                    .where(_D.c.id.in_([row.id for row in rows]))
                    .values(
                        owner=owner,
                        not_before=now + dt.timedelta(seconds=lease_seconds),
                        attempts=_D.c.attempts + 1,
                    )
                )
        return [Delivery(**{**row._mapping, "attempts": row.attempts + 1}) for row in rows]

    def free_claims(self, owner: str) -> None:
        """The owner is dead: what it had claimed can be claimed at once."""
        with self._database.write() as connection:
            connection.execute(
                sa.update(_D)
                .where((_D.c.state == "pending") & (_D.c.owner == owner))
                .values(owner=None, not_before=None)
            )

    def finish_delivery(self, identifier: str, state: str, reason: str = "") -> None:
        """It is done, skipped or failed for good."""
        with self._database.write() as connection:
            connection.execute(
                sa.update(_D)
                .where(_D.c.id == identifier)
                .values(state=state, reason=reason, owner=None, finished_at=clock.now())
            )

    def release_delivery(self, identifier: str, reason: str) -> None:
        """It did not work this time: free it again, later with each attempt."""
        with self._database.write() as connection:
            attempts = connection.execute(sa.select(_D.c.attempts).where(_D.c.id == identifier)).scalar() or 0
            delay = min(_BACKOFF_SECONDS * 2 ** min(attempts, 10), _BACKOFF_LIMIT_SECONDS)
            connection.execute(
                sa.update(_D)
                .where((_D.c.id == identifier) & (_D.c.state == "pending"))
                .values(reason=reason, owner=None, not_before=clock.now() + dt.timedelta(seconds=delay))
            )
