"""SIGKILL in the middle of a migration: the next start finds all of it or nothing, on both databases."""

from __future__ import annotations

import subprocess
import sys
import threading

import pytest
import sqlalchemy as sa

from tests.conformance.conftest import KEY
from worker.store import Database, open_store, tables
from worker.store.migrate import steps, version

# Opens the store, and stops for ever after so many statements that change the schema.
CHILD = """
import sys
import sqlalchemy as sa
from worker.store import open_store

url, stop_at, seen = sys.argv[1], int(sys.argv[2]), 0

@sa.event.listens_for(sa.Engine, "after_cursor_execute")
def count(_connection, _cursor, statement, *_rest):
    global seen
    if statement.lstrip().split()[0].upper() in {"CREATE", "ALTER", "DROP", "DELETE", "INSERT"}:
        seen += 1
        if seen == stop_at:
            print("here", flush=True)
            sys.stdin.read()

open_store(url, secret_key=b"k" * 32).close()
print("through", seen, flush=True)
"""


def started(url: str, stop_at: int) -> tuple[subprocess.Popen, str]:
    """A process in the middle of its migration, and what it said."""
    child = subprocess.Popen(
        [sys.executable, "-c", CHILD, url, str(stop_at)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    return child, child.stdout.readline().strip()


def killed(child: subprocess.Popen) -> None:
    """SIGKILL."""
    child.kill()
    child.wait()
    child.stdin.close()
    child.stdout.close()


def made_older(url: str) -> None:
    """A database with data in it, as an earlier version of the program left it."""
    store = open_store(url, secret_key=KEY)
    store.projects.ensure("p", "kept")
    with store.database.write() as connection:
        connection.execute(sa.text("DROP TABLE leases"))
        connection.execute(sa.text("ALTER TABLE session_log DROP COLUMN task"))
        connection.execute(sa.text("UPDATE settings SET value = '3' WHERE name = 'schema_version'"))
    store.close()


def shape(url: str) -> dict[str, set[str]]:
    """Tables and columns, and the version."""
    database = Database(url)
    found = sa.MetaData()
    found.reflect(database.engine)
    with database.read() as connection:
        number = version(connection)
    database.close()
    return {
        "version": {str(number)},
        **{name: set(table.columns.keys()) for name, table in found.tables.items()},
    }


def check_complete(url: str) -> None:
    """The newest schema, and it can be used."""
    store = open_store(url, secret_key=KEY)
    assert store.leases.take("a", "b", 1) is True
    store.close()
    found = shape(url)
    assert found.pop("version") == {str(len(steps()))}
    assert found == {name: set(table.columns.keys()) for name, table in tables.metadata.tables.items()}


@pytest.mark.parametrize("stop_at", [1, 7, 20])
def test_first_schema_survives_a_kill(database_url, stop_at):
    """A new database is empty after the kill, and complete after the next start."""
    child, said = started(database_url, stop_at)
    assert said == "here"
    killed(child)
    assert shape(database_url) == {"version": {"0"}}
    check_complete(database_url)


@pytest.mark.parametrize("stop_at", [1, 2, 3])
def test_upgrade_survives_a_kill(database_url, stop_at):
    """An older database is as it was after the kill, with its data, and complete after the next start."""
    made_older(database_url)
    before = shape(database_url)
    child, said = started(database_url, stop_at)
    assert said == "here"
    killed(child)
    assert shape(database_url) == before
    check_complete(database_url)
    store = open_store(database_url, secret_key=KEY)
    assert store.projects.get("p").display_name == "kept"
    store.close()


def test_who_waits_for_a_migration_goes_on_when_it_is_killed(database_url):
    """A second process waits for the first one's migration, and does it itself when that one dies."""
    made_older(database_url)
    child, said = started(database_url, 2)
    assert said == "here"
    failures: list[BaseException] = []

    def second() -> None:
        try:
            check_complete(database_url)
        except BaseException as error:
            failures.append(error)

    waiting = threading.Thread(target=second)
    waiting.start()
    waiting.join(0.5)
    assert waiting.is_alive()
    killed(child)
    waiting.join(30)
    assert not waiting.is_alive()
    assert failures == []
