"""Open SQLite or Postgres: the only place that knows the dialects differ.

SQLite runs with WAL and ``synchronous=NORMAL``: a committed transaction survives the death of any process, also by
SIGKILL; after a loss of power the last transactions may be missing, never half of one. Writes of a process queue at a
lock here instead of meeting SQLite's busy handler; other processes wait up to half a minute.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import re
import sqlite3
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import sqlite
from sqlalchemy.engine import URL, make_url

from worker.errors import StoreError, StoreOutageError

_AT_ONCE = 10_000  # parameters of one statement; Postgres takes 65,535
_BUSY_SECONDS = 30
_WAL_RETRY_SECONDS = 0.01
_POOL = 10
_RECLAIM_STEPS = 1000
_RECLAIM_PAGES = 256  # a megabyte of 4 KiB pages
_RECLAIM_PAUSE_SECONDS = 0.02
# A server that vanished without a word (a failover, a cable) is noticed within half a minute, not in hours.
_POSTGRES_PATIENCE = {
    "connect_timeout": 10,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 20_000,
}
_SECRETS = ("password", "sslpassword", "passfile")  # of a URL's query, never shown
_BEGIN_TO_WRITE = "BEGIN IMMEDIATE"
# As SQLite and Postgres say it.
_NO_SPACE = re.compile(r"disk is full|No space left on device|quota exceeded", re.IGNORECASE)
_NO_SPACE_HINT = "Make room on the disk that it is on; everything goes on by itself then."
# What Postgres says where it runs and does not let us in.
_REFUSALS = (
    (
        re.compile(r'database "[^"]*" does not exist'),
        "Create it (createdb), or correct its name in AK_DATABASE_URL.",
    ),
    (
        re.compile(
            r'role "[^"]*" does not exist|authentication failed|no pg_hba.conf entry|no password supplied'
        ),
        "Correct the user or the password in AK_DATABASE_URL.",
    ),
    (
        re.compile(r"permission denied for|no schema has been selected"),
        "Give its user the right to create tables in the schema, and to use them.",
    ),
    (
        re.compile(r"too many clients|remaining connection slots"),
        "Give it more connections (max_connections).",
    ),
)
_ELSE_HINT = "Check AK_DATABASE_URL and that it runs."
_LOCK = "SELECT pg_advisory_xact_lock(%(name)s)"


@dataclass(frozen=True)
class Prepared:
    """A statement as the driver takes it: ``order`` names parameters that go by position, ``convert`` what to make of them."""

    text: str
    order: tuple[str, ...]
    convert: Mapping[str, Callable[[Any], Any]]

    def run(self, cursor: Any, rows: Sequence[dict[str, Any]]) -> None:
        """Once for each row."""
        if not rows:
            return
        for name, processor in self.convert.items():
            for row in rows:
                row[name] = processor(row[name])
        order = self.order
        cursor.executemany(
            self.text, [tuple([row[name] for name in order]) for row in rows] if order else rows
        )

    def first(self, cursor: Any, row: Mapping[str, Any]) -> Any:
        """The first row that a query finds."""
        order = self.order
        return cursor.execute(self.text, [row[name] for name in order] if order else row).fetchone()


class Database:
    """An engine, with transactions that read or write."""

    def __init__(self, url: str) -> None:
        parsed = parse(url)
        self.dialect = parsed.get_backend_name()
        self._lock = threading.Lock()
        told = parsed.set(drivername=self.dialect).difference_update_query(_SECRETS)
        self._place = told.render_as_string(hide_password=True)
        if self.dialect == "sqlite":
            self.engine = sa.create_engine(
                parsed, connect_args={"timeout": _BUSY_SECONDS, "check_same_thread": False}
            )
            sa.event.listen(self.engine, "connect", prepare_sqlite)
            sa.event.listen(self.engine, "begin", begin_sqlite)
        else:
            self.engine = sa.create_engine(
                parsed,
                pool_size=_POOL,
                max_overflow=_POOL,
                pool_pre_ping=True,
                connect_args={**_POSTGRES_PATIENCE, **parsed.query},
            )

    def close(self) -> None:
        """Close all connections."""
        self.engine.dispose()

    @contextlib.contextmanager
    def read(self) -> Iterator[sa.Connection]:
        """A transaction that only reads."""
        with self._translated(), self.engine.connect() as connection:
            yield connection

    def now(self) -> dt.datetime | None:
        """The time on the server's clock; None where the database is a file on this machine."""
        if self.dialect == "sqlite":
            return None
        with self.read() as connection:
            found: dt.datetime = connection.execute(sa.text("SELECT clock_timestamp()")).scalar_one()
        return found

    @contextlib.contextmanager
    def write(self) -> Iterator[sa.Connection]:
        """A transaction that writes: all of it or nothing."""
        with self._one_writer(), self._translated(), self.engine.connect() as plain:
            connection = plain.execution_options(writing=True)
            with connection.begin():
                yield connection

    @contextlib.contextmanager
    def cursor(self, lock: int) -> Iterator[Any]:
        """A transaction that writes under a lock, on the driver's own cursor: for what every step of a session does.

        SQLAlchemy's part in a small transaction costs several times what SQLite's does, all of it in Python.
        """
        with self._one_writer(), self._translated():
            connection = self.engine.raw_connection()
            try:
                cursor = connection.cursor()
                if self.dialect == "sqlite":
                    cursor.execute(_BEGIN_TO_WRITE)
                else:
                    cursor.execute(_LOCK, {"name": lock})
                yield cursor
                connection.commit()
            finally:
                connection.close()  # back to the pool, which rolls back what was not committed

    def prepare(self, statement: Any, names: Sequence[str] | None = None) -> Prepared:
        """A statement for ``cursor``; ``names`` are the columns of an insert."""
        dialect = self.engine.dialect
        compiled = statement.compile(dialect=dialect, column_keys=names)
        convert = {}
        for name, bind in compiled.binds.items():
            processor = bind.type.dialect_impl(dialect).bind_processor(dialect)
            if processor is not None:
                convert[name] = processor
        return Prepared(compiled.string, tuple(compiled.positiontup or ()), convert)

    @contextlib.contextmanager
    def _one_writer(self) -> Iterator[None]:
        if self.dialect != "sqlite":
            yield
            return
        with self._lock:
            yield

    @contextlib.contextmanager
    def _translated(self) -> Iterator[None]:
        driver: Any = self.engine.dialect.dbapi
        try:
            yield
        except (sa.exc.DBAPIError, driver.Error) as error:
            cause = error.orig if isinstance(error, sa.exc.DBAPIError) else error
            text = str(cause).strip().splitlines()[0] if str(cause).strip() else type(cause).__name__
            outage = isinstance(cause, (driver.OperationalError, driver.InterfaceError, driver.InternalError))
            outage = outage or getattr(error, "connection_invalidated", False)
            raise (StoreOutageError if outage else StoreError)(
                f"the database {self._place} cannot be used: {text}",
                hint=self._remedy(text),
            ) from None
        except sa.exc.TimeoutError:
            raise StoreOutageError(
                f"the database {self._place} cannot be used: all connections are taken",
                hint="It is overloaded, or out of reach; everything goes on by itself once it answers.",
            ) from None

    def _remedy(self, text: str) -> str:
        if _NO_SPACE.search(text):
            return _NO_SPACE_HINT
        if self.dialect == "sqlite":
            return "Check AK_DATABASE_URL: you may write to its file and directory, and their disk has room."
        return next((hint for pattern, hint in _REFUSALS if pattern.search(text)), _ELSE_HINT)

    def insert(self, table: sa.Table) -> Any:
        """An insert that can be told what to do on conflict."""
        if self.dialect == "sqlite":
            return sqlite.insert(table)
        from sqlalchemy.dialects import postgresql  # which loads every driver's part of it

        return postgresql.insert(table)

    def reclaim(self) -> None:
        """Give back file space that deleted rows left, a little at a time; Postgres does so by itself."""
        if self.dialect != "sqlite":
            return
        for _ in range(_RECLAIM_STEPS):
            with self._one_writer(), self._translated(), self.engine.connect() as connection:
                plain: Any = connection.connection.dbapi_connection
                if not plain.execute("PRAGMA freelist_count").fetchone()[0]:
                    return
                plain.execute(f"PRAGMA incremental_vacuum({_RECLAIM_PAGES})").fetchall()
            time.sleep(_RECLAIM_PAUSE_SECONDS)

    def lock(self, connection: sa.Connection, name: int) -> None:
        """Hold a lock of this name until the transaction ends; SQLite's writers are alone anyway."""
        if self.dialect == "postgresql":
            connection.exec_driver_sql(_LOCK, {"name": name})

    def skip_locked(self, query: Any) -> Any:
        """Take rows that nobody else has taken."""
        return query.with_for_update(skip_locked=True) if self.dialect == "postgresql" else query


def batches(names: Iterable[str], size: int = _AT_ONCE) -> Iterator[list[str]]:
    """Names in lists that one statement takes."""
    found = list(names)
    for at in range(0, len(found), size):
        yield found[at : at + size]


def parse(url: str) -> URL:
    """The database's URL; Postgres always through psycopg."""
    try:
        parsed = make_url(url)
    except (sa.exc.ArgumentError, ValueError):  # ValueError: of a port that is no number
        raise StoreError(
            "AK_DATABASE_URL is not a database's URL",
            hint="Examples: sqlite:////var/lib/ak/ak.db, postgresql://user:password@host/name",
        ) from None
    if parsed.get_backend_name() in {"postgresql", "postgres"}:
        return parsed.set(drivername="postgresql+psycopg")
    if parsed.get_backend_name() != "sqlite":
        raise StoreError(
            f"AK_DATABASE_URL names a database of another kind: {parsed.get_backend_name()}",
            hint="Use SQLite or Postgres.",
        )
    return parsed


def prepare_sqlite(connection: Any, _record: Any) -> None:
    """Once per connection."""
    connection.isolation_level = None  # transactions begin where we say so, see begin_sqlite
    connection.execute(f"PRAGMA busy_timeout={_BUSY_SECONDS * 1000}")
    connection.execute("PRAGMA auto_vacuum=INCREMENTAL")  # heard by a new file only, and before WAL
    use_wal(connection)
    for pragma in ("synchronous=NORMAL", "foreign_keys=ON"):
        connection.execute(f"PRAGMA {pragma}")


def use_wal(connection: Any) -> None:
    """Switch to WAL: only the first connection to a new file does, and SQLite's busy handler is not asked for it."""
    give_up = time.monotonic() + _BUSY_SECONDS
    while True:
        try:
            connection.execute("PRAGMA journal_mode=WAL")
        except sqlite3.OperationalError as error:
            if "locked" not in str(error) or time.monotonic() > give_up:
                raise
            time.sleep(_WAL_RETRY_SECONDS)
        else:
            return


def begin_sqlite(connection: sa.Connection) -> None:
    """A writer takes its lock at once: one that starts as a reader could fail instead of waiting."""
    writing = connection.get_execution_options().get("writing")
    connection.exec_driver_sql(_BEGIN_TO_WRITE if writing else "BEGIN")
