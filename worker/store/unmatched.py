"""What came while a session waited, and was not for it: signals of other names, events that its filters did not pass."""

from __future__ import annotations

import builtins
import datetime as dt
from dataclasses import dataclass

import sqlalchemy as sa

from worker.store import tables
from worker.store.engine import Database

_S, _W, _N = tables.subscriptions, tables.waiters, tables.signals
_E, _D = tables.events, tables.deliveries
LOOKED_AT = 1000  # of the newest events and signals


@dataclass(frozen=True)
class Passed:
    """Signals of one name, or events of one source: how many, and the last one."""

    name: str
    count: int
    last: str
    last_at: dt.datetime


class Unmatched:
    """Looks among the newest events and signals of a project."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def signals(
        self, project: str, session_id: str, since: dt.datetime
    ) -> tuple[builtins.list[str], builtins.list[Passed]]:
        """The names a session waits for, and the signals under other names since then, the last ones first."""
        waiters = sa.select(_W.c.name).where((_W.c.project == project) & (_W.c.session_id == session_id))
        sent = sa.select(_N.c.name, _N.c.id, _N.c.created_at).where(
            (_N.c.project == project) & (_N.c.created_at >= since)
        )
        with self._database.read() as connection:
            names = builtins.list(connection.execute(waiters.order_by(_W.c.name)).scalars())
            if not names:
                return [], []
            rows = connection.execute(sent.order_by(_N.c.seq.desc()).limit(LOOKED_AT)).all()
        found = [(row.name, row.id, row.created_at) for row in rows if row.name not in names]
        return names, _counted(found)

    def events(self, project: str, session_id: str) -> builtins.list[Passed]:
        """The events of what a session has subscribed to that came since, and were not handed to it, by source."""
        mine = sa.select(_S.c.source, sa.func.min(_S.c.created_at).label("since"))
        mine = mine.where(_S.c.session_id == session_id).group_by(_S.c.source)
        came = sa.select(_E.c.id, _E.c.source, _E.c.created_at).where(_E.c.project == project)
        with self._database.read() as connection:
            since = {row.source: row.since for row in connection.execute(mine)}
            if not since:
                return []
            rows = connection.execute(came.order_by(_E.c.seq.desc()).limit(LOOKED_AT)).all()
            own = sa.select(_D.c.event_id).where(
                (_D.c.session_id == session_id) & _D.c.event_id.in_([row.id for row in rows])
            )
            handed = set(connection.execute(own).scalars())
        return _counted(
            [
                (row.source, row.id, row.created_at)
                for row in rows
                if row.source in since and row.created_at >= since[row.source] and row.id not in handed
            ]
        )


def _counted(found: builtins.list[tuple[str, str, dt.datetime]]) -> builtins.list[Passed]:
    """By name, with the newest of each, which comes first."""
    newest: dict[str, tuple[str, dt.datetime]] = {}
    counts: dict[str, int] = {}
    for name, identifier, at in found:
        newest.setdefault(name, (identifier, at))
        counts[name] = counts.get(name, 0) + 1
    return [Passed(name, counts[name], *newest[name]) for name in newest]
