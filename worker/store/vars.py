"""Variables of projects and connections; secret ones are encrypted at rest."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from worker import ids
from worker.errors import LimitError
from worker.masking import Mask
from worker.store import tables
from worker.store.engine import Database
from worker.store.records import Variable
from worker.store.sealing import Sealer

VALUE_LIMIT_BYTES = 8092
SCOPE_LIMIT = 64
_T = tables.variables
_SETTINGS = tables.settings
_STAMP = "variables of "


class Variables:
    """The variables."""

    def __init__(self, database: Database, sealer: Sealer) -> None:
        self._database = database
        self._sealer = sealer

    def list(self, project: str) -> list[Variable]:
        """A project's variables, those of its connections included."""
        with self._database.read() as connection:
            rows = connection.execute(
                sa.select(_T).where(_T.c.project == project).order_by(_T.c.connection, _T.c.name)
            ).all()
        return [opened(self._sealer, row._mapping) for row in rows]

    def mask(self, project: str) -> Mask:
        """Hides a project's secrets, those of its connections included: what comes from outside is kept as it came."""
        return Mask(item.value for item in self.list(project) if item.secret)

    def set(
        self,
        project: str,
        name: str,
        value: str,
        *,
        connection: str = "",
        secret: bool | None = None,
        description: str = "",
    ) -> None:
        """Set a value by hand; ``secret`` None keeps what it is.

        Raises:
            StoreError: the value or the number of variables is over its limit.
        """
        here = (_T.c.project == project) & (_T.c.connection == connection) & (_T.c.name == name)
        with self._database.write() as transaction:
            known = transaction.execute(sa.select(_T).where(here)).one_or_none()
            hidden = bool(known.secret) if secret is None and known is not None else bool(secret)
            write(
                self._database,
                self._sealer,
                transaction,
                Variable(
                    project,
                    name,
                    value,
                    connection,
                    hidden,
                    description or (known.description if known is not None else ""),
                ),
                manifest_value=(
                    opened(self._sealer, known._mapping).manifest_value if known is not None else None
                ),
            )

    def delete(self, project: str, name: str, connection: str = "") -> bool:
        """Delete one; False when there was none."""
        here = (_T.c.project == project) & (_T.c.connection == connection) & (_T.c.name == name)
        with self._database.write() as transaction:
            touch(self._database, transaction, project)
            return bool(transaction.execute(sa.delete(_T).where(here)).rowcount)

    def stamps(self) -> dict[str, str]:
        """For each project a text that is another one after every change of its variables or connections."""
        query = sa.select(_SETTINGS).where(_SETTINGS.c.name.startswith(_STAMP, autoescape=True))
        with self._database.read() as connection:
            return {row.name.removeprefix(_STAMP): row.value for row in connection.execute(query)}


def touch(database: Database, transaction: sa.Connection, project: str) -> None:
    """Note that the project's variables or connections change in this transaction."""
    stamp = ids.new("var")
    insert = database.insert(_SETTINGS).values(name=f"{_STAMP}{project}", value=stamp)
    transaction.execute(insert.on_conflict_do_update(index_elements=["name"], set_={"value": stamp}))


def forget(transaction: sa.Connection, project: str) -> None:
    """Delete the note about a project that is deleted."""
    transaction.execute(sa.delete(_SETTINGS).where(_SETTINGS.c.name == f"{_STAMP}{project}"))


def place(project: str, connection: str, name: str) -> str:
    """What a secret is bound to."""
    return f"{project}|{connection}|{name}"


def opened(sealer: Sealer, row: Any) -> Variable:
    """A row as the record, with its value readable."""
    fields = dict(row)
    if fields["secret"]:
        where = place(row["project"], row["connection"], row["name"])
        fields["value"] = sealer.open(row["value"], where)
        if row["manifest_value"] is not None:
            fields["manifest_value"] = sealer.open(row["manifest_value"], f"{where}|manifest")
    return Variable(**fields)


def write(
    database: Database,
    sealer: Sealer,
    transaction: sa.Connection,
    item: Variable,
    *,
    manifest_value: str | None,
) -> None:
    """Insert or replace one variable; ``manifest_value`` is what the manifest gave, readable."""
    touch(database, transaction, item.project)
    size = len(item.value.encode())
    if size > VALUE_LIMIT_BYTES:
        raise LimitError(
            f"variable {item.name}: its value has {size} bytes, {VALUE_LIMIT_BYTES} are allowed",
            hint="Keep large data in a file of the project.",
        )
    scope = (_T.c.project == item.project) & (_T.c.connection == item.connection)
    others = transaction.execute(
        sa.select(sa.func.count()).select_from(_T).where(scope & (_T.c.name != item.name))
    ).scalar_one()
    if others >= SCOPE_LIMIT:
        raise LimitError(
            f"variable {item.name}: {SCOPE_LIMIT} variables per project or connection are allowed",
            hint=f"Delete one: `ak var delete {item.project} NAME`",
        )
    where = place(item.project, item.connection, item.name)
    value = item.value
    if item.secret:
        value = sealer.seal(value, where)
        if manifest_value is not None:
            manifest_value = sealer.seal(manifest_value, f"{where}|manifest")
    fields = {
        "value": value,
        "secret": item.secret,
        "description": item.description,
        "manifest_value": manifest_value,
    }
    insert = database.insert(_T).values(
        project=item.project, connection=item.connection, name=item.name, **fields
    )
    transaction.execute(
        insert.on_conflict_do_update(index_elements=["project", "connection", "name"], set_=fields)
    )
