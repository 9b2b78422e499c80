"""The store as the rest sees it: one object, one part per aggregate."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import sqlalchemy as sa

from worker.errors import StoreError
from worker.store import tables
from worker.store.blobs import Blobs
from worker.store.builds import Builds
from worker.store.config import Connections, Projects, Triggers
from worker.store.deployments import Deployments
from worker.store.engine import Database, parse
from worker.store.events import Events
from worker.store.filters import Filters, filter_key
from worker.store.leases import Leases
from worker.store.log import SessionLog
from worker.store.mailbox import Mailbox
from worker.store.migrate import migrate, steps, version
from worker.store.migrations.m0008_sealed_filters import NOTE
from worker.store.refused import RefusedRequests
from worker.store.removing import Removing
from worker.store.resealing import reseal
from worker.store.retention import Retention
from worker.store.sealing import Sealer
from worker.store.services import Services
from worker.store.unmatched import Unmatched
from worker.store.values import Values
from worker.store.vars import Variables

_KEY_CHECK = "key_check"
_KEY_CHECK_TEXT = "this key opens this store"


class Store:
    """Everything Temporal does not keep."""

    def __init__(self, database: Database, secret_key: bytes) -> None:
        sealer, filters = Sealer(secret_key), Filters(partial(filter_key, secret_key))
        self.database = database
        self.projects = Projects(database)
        self.vars = Variables(database, sealer)
        self.connections = Connections(database)
        self.triggers = Triggers(database)
        self.builds = Builds(database)
        self.deployments = Deployments(database, sealer)
        self.events = Events(database)
        self.log = SessionLog(database)
        self.services = Services(database)
        self.leases = Leases(database)
        self.values = Values(database)
        self.mailbox = Mailbox(database, filters)
        self.blobs = Blobs(database)
        self.refused = RefusedRequests(database)
        self.unmatched = Unmatched(database)
        self.removing = Removing(database)
        self.retention = Retention(database)
        if self._check_key(sealer):
            reseal(database, sealer, filters)

    def close(self) -> None:
        """Close all connections."""
        self.database.close()

    def _check_key(self, sealer: Sealer) -> bool:
        """Whether there are filters to seal; asked for together with what the key must open."""
        names = tables.settings.c.name
        query = sa.select(names, tables.settings.c.value).where(names.in_((_KEY_CHECK, NOTE)))
        with self.database.read() as connection:
            noted = {row.name: row.value for row in connection.execute(query)}
        known = noted.get(_KEY_CHECK)
        if known is None:
            sealed = sealer.seal(_KEY_CHECK_TEXT, _KEY_CHECK)
            with self.database.write() as connection:
                insert = self.database.insert(tables.settings).values(name=_KEY_CHECK, value=sealed)
                connection.execute(insert.on_conflict_do_nothing())
            return self._check_key(sealer)
        try:
            sealer.open(known, _KEY_CHECK)
        except StoreError:
            raise StoreError(
                "this database belongs to an installation with another key",
                hint="Set AK_PAYLOAD_KEY to that installation's key, or use its AK_HOME, or another database.",
            ) from None
        return NOTE in noted


def open_store(url: str, *, secret_key: bytes) -> Store:
    """Open and migrate the store.

    Raises:
        StoreError: it cannot be reached, is too new, or belongs to another key.
    """
    database = open_database(url)
    try:
        migrate(database)
        return Store(database, secret_key)
    except BaseException:
        database.close()
        raise


def schema_of(url: str) -> tuple[int, int]:
    """The schema that the database has, 0 where it has none, and the one that this program knows; changes nothing.

    Raises:
        StoreError: it cannot be reached.
    """
    parsed = parse(url)
    if parsed.get_backend_name() == "sqlite" and not Path(parsed.database or "").exists():
        return 0, len(steps())
    database = open_database(url)
    try:
        with database.read() as connection:
            return version(connection), len(steps())
    finally:
        database.close()


class SessionStore:
    """What a build process gets: no secrets, of deployments only states, and the key for its project's filters."""

    def __init__(self, database: Database, filter_key: bytes = b"") -> None:
        self.log = SessionLog(database)
        self.values = Values(database)
        self.mailbox = Mailbox(database, Filters(lambda _project: filter_key))
        self.triggers = Triggers(database)
        self.connections = Connections(database)
        self.projects = Projects(database)
        self.events = Events(database)
        self.blobs = Blobs(database)


def open_session_store(url: str, *, filter_key: bytes = b"") -> SessionStore:
    """What sessions need, without the installation's key."""
    return SessionStore(open_database(url), filter_key)


def open_database(url: str) -> Database:
    """The database, with the directory of an SQLite file made."""
    parsed = parse(url)
    if parsed.get_backend_name() == "sqlite" and parsed.database and parsed.database != ":memory:":
        try:
            Path(parsed.database).parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise StoreError(
                f"the directory of the database {parsed.database} cannot be made: {error.strerror}",
                hint="Check AK_DATABASE_URL or AK_HOME.",
            ) from None
    return Database(url)
