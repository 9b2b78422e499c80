"""Requests that became no event: counted, the newest few hundred kinds of them.

Whoever asks why a webhook started nothing looks for its event first, and there is none: so what was refused is noted.
"""

from __future__ import annotations

import builtins
import datetime as dt
from collections.abc import Sequence

import sqlalchemy as sa

from worker import ids
from worker.store import tables
from worker.store.engine import Database
from worker.store.records import Refused

MOST = 500
_T = tables.refused_requests
_FIELDS = tuple(Refused.__dataclass_fields__)


class RefusedRequests:
    """The refused requests."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, found: Sequence[Refused]) -> None:
        """Count requests; those of before with the same method, path and answer are counted on. The oldest go."""
        with self._database.write() as connection:
            for item in found:
                insert = self._database.insert(_T).values(
                    id=ids.derived("rfs", item.method, item.path, item.code), **vars(item)
                )
                newer = {name: insert.excluded[name] for name in _FIELDS if name not in {"count", "first_at"}}
                connection.execute(
                    insert.on_conflict_do_update(
                        index_elements=[_T.c.id],
                        set_={**newer, "count": _T.c.count + insert.excluded["count"]},
                    )
                )
            newest = sa.select(_T.c.id).order_by(_T.c.last_at.desc(), _T.c.id).limit(MOST)
            connection.execute(sa.delete(_T).where(_T.c.id.not_in(newest)))

    def list(
        self, project: str = "", since: dt.datetime | None = None, limit: int = 50
    ) -> builtins.list[Refused]:
        """The last ones first; of a project also those that belong to nobody, for they may have been meant for it."""
        query = (
            sa.select(*(_T.c[name] for name in _FIELDS)).order_by(_T.c.last_at.desc(), _T.c.id).limit(limit)
        )
        if project:
            query = query.where(_T.c.project.in_((project, "")))
        if since is not None:
            query = query.where(_T.c.last_at >= since)
        with self._database.read() as connection:
            return [Refused(**row._mapping) for row in connection.execute(query)]
