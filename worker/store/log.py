"""The session log: lines keyed by run and number, so that what is written again replaces what was there."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from worker import clock
from worker.contracts import LINE_ERROR, LINE_STATE, LogBatch, LogLine
from worker.store import tables
from worker.store.engine import Database
from worker.store.records import StoredLine

_T = tables.session_log
_HERE = sa.and_(*(_T.c[name] == sa.bindparam(name) for name in ("workflow_id", "run_id", "attempt")))
# A session's lines replace those from its first one on; an activity's replace the same lines of the same attempt.
_FROM = sa.delete(_T).where(_HERE & (_T.c.line >= sa.bindparam("line")))
_UNACKNOWLEDGED = sa.delete(_T).where(_HERE & (_T.c.task > sa.bindparam("task")))
_NEWER = sa.select(_T.c.seq).where(
    _HERE & (_T.c.line >= sa.bindparam("line")) & (_T.c.task > sa.bindparam("task"))
)
_SAME = sa.delete(_T).where(_HERE & (_T.c.line == sa.bindparam("line")) & (_T.c.sub == sa.bindparam("sub")))
_LOCK = 7_231_002  # writers queue, so that numbers become visible in their order and a reader misses none
_LINES_EACH = 20  # looked at for each session that is asked for
_TAIL_LIMIT = 1000
_AFTER_PRINTS = 1_000_000_000  # a note stands behind all that a call printed
BEGINNINGS = ("running", "restarted")  # what the state line of a run says that begins
NOTE = -1  # in the place of an attempt: a line about the run that is not the run's own
_TRACEBACK = "Traceback (most recent call last):"


class SessionLog:
    """The lines of all sessions."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._newer = database.prepare(_NEWER)
        self._from, self._same = database.prepare(_FROM), database.prepare(_SAME)
        self._unacknowledged = database.prepare(_UNACKNOWLEDGED)
        names = [column.name for column in _T.c if column is not _T.c.seq]
        self._insert = database.prepare(sa.insert(_T), names)

    def close(self) -> None:
        """Close the database."""
        self._database.close()

    def write(self, batches: Sequence[LogBatch]) -> None:
        """Write batches in one transaction; a session's batch replaces its run's lines from ``first`` on.

        A process that was held up may come with the lines of a task which Temporal has long given to another: a batch
        of a task older than what is here is left out.
        """
        with self._database.cursor(_LOCK) as cursor:
            kept = [batch for batch in batches if not self._is_late(cursor, batch)]
            rows = [as_row(batch, line) for batch in kept for line in batch.lines]
            self._from.run(cursor, [beginning(batch) for batch in kept if not batch.attempt])
            self._unacknowledged.run(
                cursor,
                [
                    {**beginning(item), "task": item.acknowledged}
                    for item in kept
                    if item.acknowledged is not None
                ],
            )
            self._same.run(cursor, [row for row in rows if row["attempt"]])
            self._insert.run(cursor, rows)

    def _is_late(self, cursor: Any, batch: LogBatch) -> bool:
        """Whether another process has had a later task of this run: nobody accepts this one."""
        if batch.attempt or not batch.task:
            return False
        return self._newer.first(cursor, {**beginning(batch), "task": batch.task}) is not None

    def note(
        self, project: str, workflow_id: str, run_id: str, kind: str, text: str, where: str = ""
    ) -> bool:
        """Write what others have to say about a run behind the lines it has so far; False when it stands there already.

        The session's own lines never replace a note: it has ``NOTE`` for an attempt.
        """
        here = (_T.c.workflow_id == workflow_id) & (_T.c.run_id == run_id)
        with self._database.write() as connection:
            self._database.lock(connection, _LOCK)
            last = connection.execute(sa.select(sa.func.max(_T.c.line)).where(here)).scalar()
            last = 0 if last is None else int(last)
            notes = connection.execute(
                sa.select(_T.c.text).where(here & (_T.c.attempt == NOTE) & (_T.c.line == last))
            ).all()
            shown = text.replace("\0", "\u2400").encode("utf-8", "backslashreplace").decode()
            if any(row.text == shown for row in notes):
                return False
            line = LogLine(last, clock.now().timestamp(), kind, text, where, NOTE, _AFTER_PRINTS + len(notes))
            batch = LogBatch(project, workflow_id, run_id, 0, [line], NOTE)
            connection.execute(sa.insert(_T), [as_row(batch, line)])
        return True

    def notes(self, run_ids: Sequence[str]) -> dict[str, str]:
        """The latest note of each of the runs that have one."""
        query = sa.select(_T.c.run_id, _T.c.text).where((_T.c.attempt == NOTE) & _T.c.run_id.in_(run_ids))
        with self._database.read() as connection:
            return {row.run_id: row.text for row in connection.execute(query.order_by(_T.c.seq))}

    def read(self, workflow_id: str, run_id: str = "", after_seq: int = 0) -> list[StoredLine]:
        """The lines of the latest run, or of the given one, in order.

        Of a call that was attempted several times the last attempt's lines are shown. A run that was reset shares its
        beginning with the run before: lines below its first come from there.
        """
        with self._database.read() as connection:
            rows = connection.execute(
                sa.select(_T).where(_T.c.workflow_id == workflow_id).order_by(_T.c.seq)
            ).all()
        if not rows:
            return []
        runs = list(dict.fromkeys(row.run_id for row in rows))
        chosen = run_id or runs[-1]
        mine = [row for row in rows if row.run_id == chosen]
        first = min((row.line for row in mine), default=0)
        for earlier in reversed(runs[: runs.index(chosen)] if first else []):
            before = [row for row in rows if row.run_id == earlier and row.line < first]
            mine += before
            first = min([first, *(row.line for row in before)])
        last_attempt: dict[tuple[str, int], int] = {}
        for row in mine:
            key = (row.run_id, row.line)
            last_attempt[key] = max(last_attempt.get(key, 0), row.attempt)
        shown = [
            row
            for row in mine
            if row.attempt in {0, NOTE, last_attempt[row.run_id, row.line]} and row.seq > after_seq
        ]
        return [as_record(row) for row in sorted(shown, key=lambda row: (row.line, row.sub))]

    def tail(self, project: str = "", after_seq: int = 0, limit: int = _TAIL_LIMIT) -> list[StoredLine]:
        """Lines of all sessions in the order in which they were written."""
        query = sa.select(_T).where(_T.c.seq > after_seq).order_by(_T.c.seq).limit(limit)
        if project:
            query = query.where(_T.c.project == project)
        with self._database.read() as connection:
            return [as_record(row) for row in connection.execute(query)]

    def newest(self, limit: int) -> list[str]:
        """The sessions that wrote the newest lines, the latest first."""
        query = sa.select(_T.c.workflow_id).order_by(_T.c.seq.desc()).limit(limit * _LINES_EACH)
        with self._database.read() as connection:
            return [*dict.fromkeys(str(name) for name in connection.execute(query).scalars())][:limit]

    def since(self, workflow_id: str, after_seq: int) -> list[StoredLine]:
        """A session's lines in the order in which they were written."""
        query = sa.select(_T).where((_T.c.workflow_id == workflow_id) & (_T.c.seq > after_seq))
        with self._database.read() as connection:
            return [as_record(row) for row in connection.execute(query.order_by(_T.c.seq).limit(_TAIL_LIMIT))]

    def brief(
        self,
        workflow_id: str,
        run_id: str,
        *,
        first: int = 0,
        before: int | None = None,
        kind: str = "",
        characters: int = 400,
    ) -> list[StoredLine]:
        """The lines of one run between two numbers, each cut by the database: for a look at a long session."""
        columns = [column for column in _T.c if column.name != "text"]
        query = sa.select(*columns, sa.func.substr(_T.c.text, 1, characters).label("text")).where(
            (_T.c.workflow_id == workflow_id) & (_T.c.run_id == run_id) & (_T.c.line >= first)
        )
        if before is not None:
            query = query.where(_T.c.line < before)
        if kind:
            query = query.where(_T.c.kind == kind)
        with self._database.read() as connection:
            rows = connection.execute(query.order_by(_T.c.line, _T.c.attempt, _T.c.sub)).all()
        last = {row.line: row.attempt for row in rows}
        return [as_record(row) for row in rows if row.attempt in {0, NOTE, last[row.line]}]

    def failed(self, text: str, before: int | None, limit: int) -> list[tuple[int, str]]:
        """Sessions whose error contains a text, newest first, each with a number to go on from (``before``)."""
        number = sa.func.max(_T.c.seq).label("seq")
        query = (
            sa.select(number, _T.c.workflow_id)
            .where((_T.c.kind == "error") & _T.c.text.icontains(text, autoescape=True))
            .group_by(_T.c.workflow_id)
            .order_by(number.desc())
            .limit(limit)
        )
        if before is not None:
            query = query.having(number < before)
        with self._database.read() as connection:
            return [(row.seq, row.workflow_id) for row in connection.execute(query)]

    def begun(
        self,
        project: str = "",
        handler: str = "",
        since: dt.datetime | None = None,
        until: dt.datetime | None = None,
        *,
        before: int | None = None,
        limit: int,
    ) -> list[tuple[int, dt.datetime, str]]:
        """Sessions that began, newest first: a number to go on from (``before``), when, and which.

        A session that restarted is there once for each of its runs. ``handler`` is ``main.py:on_event``, ``main.py`` or
        ``on_event``.
        """
        query = sa.select(_T.c.seq, _T.c.at, _T.c.workflow_id).where(
            (_T.c.kind == LINE_STATE) & _T.c.text.in_(BEGINNINGS)
        )
        if project:
            query = query.where(_T.c.project == project)
        if ":" in handler:
            query = query.where(_T.c.place == handler)
        elif handler.endswith(".py"):
            query = query.where(_T.c.place.startswith(f"{handler}:", autoescape=True))
        elif handler:
            query = query.where(_T.c.place.endswith(f":{handler}", autoescape=True))
        if since is not None:
            query = query.where(_T.c.at >= since)
        if until is not None:
            query = query.where(_T.c.at <= until)
        if before is not None:
            query = query.where(_T.c.seq < before)
        with self._database.read() as connection:
            rows = connection.execute(query.order_by(_T.c.seq.desc()).limit(limit)).all()
        return [(row.seq, row.at, row.workflow_id) for row in rows]

    def outlines(self, workflow_ids: Sequence[str]) -> dict[str, list[StoredLine]]:
        """Of each session that has a log: when it began and ended, and with which error."""
        query = sa.select(_T).where(
            _T.c.workflow_id.in_(list(workflow_ids)) & _T.c.kind.in_((LINE_STATE, LINE_ERROR))
        )
        found: dict[str, list[StoredLine]] = {}
        with self._database.read() as connection:
            for row in connection.execute(query.order_by(_T.c.seq)):
                found.setdefault(row.workflow_id, []).append(as_record(row))
        return found

    def alike(self, beginning_of_id: str, limit: int) -> list[str]:
        """Sessions whose ids begin so."""
        query = (
            sa.select(_T.c.workflow_id)
            .where(_T.c.workflow_id.startswith(beginning_of_id, autoescape=True))
            .distinct()
            .limit(limit)
        )
        with self._database.read() as connection:
            return [str(name) for name in connection.execute(query).scalars()]

    def last_errors(self, workflow_ids: Sequence[str]) -> dict[str, str]:
        """The newest error of each session that has one: the first line of its message."""
        query = sa.select(_T.c.workflow_id, _T.c.text).where(
            _T.c.workflow_id.in_(list(workflow_ids)) & (_T.c.kind == "error")
        )
        with self._database.read() as connection:
            rows = connection.execute(query.order_by(_T.c.seq)).all()
        return {row.workflow_id: headline_of(row.text) for row in rows}

    def last_seq(self) -> int:
        """The number of the newest line."""
        with self._database.read() as connection:
            return int(connection.execute(sa.select(sa.func.max(_T.c.seq))).scalar() or 0)


def headline_of(text: str) -> str:
    """What an error's text says in a line: the first one of its message, which follows the frames, if there are any."""
    lines = text.strip().splitlines() or [""]
    frames = [number for number, line in enumerate(lines) if line == _TRACEBACK]
    message = lines[frames[-1] + 1 :] if frames else lines
    return next((line for line in message if not line.startswith(" ")), lines[-1]).strip()


def beginning(batch: LogBatch) -> dict[str, Any]:
    """From where on a session's batch replaces what is there."""
    return {"workflow_id": batch.workflow_id, "run_id": batch.run_id, "attempt": 0, "line": batch.first}


def as_row(batch: LogBatch, line: LogLine) -> dict[str, Any]:
    """A line as stored; a NUL, which Postgres refuses, is shown as such."""
    return {
        "project": batch.project,
        "workflow_id": batch.workflow_id,
        "run_id": batch.run_id,
        "line": line.line,
        "attempt": line.attempt,
        "sub": line.sub,
        "at": dt.datetime.fromtimestamp(line.at, dt.UTC),
        "kind": line.kind,
        "text": line.text.replace("\0", "\u2400").encode("utf-8", "backslashreplace").decode(),
        "place": line.where,
        "task": batch.task,
    }


def as_record(row: Any) -> StoredLine:
    """A row as the record."""
    fields = dict(row._mapping)
    fields.pop("task")
    return StoredLine(where=fields.pop("place"), **fields)
