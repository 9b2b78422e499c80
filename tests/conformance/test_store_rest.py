"""Projects, builds, services, keys, opening and migrations, on both databases."""

from __future__ import annotations

import importlib

import pytest
import sqlalchemy as sa

from tests.conformance.conftest import KEY
from worker.contracts import LogBatch, LogLine
from worker.errors import StoreError
from worker.store import Database, migrations, open_session_store, open_store, tables
from worker.store.migrate import migrate, steps


def test_build_is_kept_by_its_id(store):
    """The same id is the same content."""
    store.builds.put("p", "bld_1", b"\x00content", ["main.py"])
    store.builds.put("p", "bld_1", b"other", [])
    assert (store.builds.get("bld_1").content, store.builds.get("bld_1").files) == (
        b"\x00content",
        ["main.py"],
    )
    assert store.builds.exists("bld_2") is False


def test_service_is_alive_until_it_is_removed(store):
    """A sign of life counts for a while."""
    store.services.beat("s", "supervisor", "host", 1, {"a": "b"})
    assert [item.id for item in store.services.alive("supervisor", 5)] == ["s"]
    store.services.remove("s")
    assert store.services.alive("supervisor", 5) == []


def test_another_key_is_refused(store, database_url):
    """A store opened with a key that is not its own says what to do."""
    with pytest.raises(StoreError, match="AK_PAYLOAD_KEY"):
        open_store(database_url, secret_key=b"x" * 32)


def test_project_is_made_once(store):
    """Asking twice gives the same project; its display name changes with a deployment only."""
    first = store.projects.ensure("p", "One")
    assert store.projects.ensure("p", "Two") == first
    assert store.projects.list()[0].display_name == "One"


def schema(database):
    """Tables with their columns, indexes and unique constraints, as the database has them."""
    found = sa.MetaData()
    found.reflect(database.engine)
    return {
        name: (
            {column.name: (str(column.type), column.nullable) for column in table.columns},
            sorted(index.name for index in table.indexes),
            [column.name for column in table.primary_key],
        )
        for name, table in found.tables.items()
    }


def test_migrations_step_by_step_make_the_same_schema(database_url, another_database_url):
    """Steps taken one by one lead to what all of them at once lead to, and a second run changes nothing."""
    slow, fast = Database(database_url), Database(another_database_url)
    for number in range(1, len(steps()) + 1):
        assert migrate(slow, number) == number
    assert migrate(fast) == len(steps())
    made = schema(fast)
    assert schema(slow) == made
    assert migrate(slow) == len(steps())
    assert schema(slow) == made
    slow.close()
    fast.close()


def test_migrations_are_numbered_one_after_the_other():
    """Each number once and none left out: the version of a database is the number of its last step."""
    assert [name.partition("_")[0] for name in steps()] == [f"m{n:04}" for n in range(1, len(steps()) + 1)]


def test_schema_holds_what_the_program_uses(store):
    """No table and no column was forgotten in the migrations."""
    made = schema(store.database)
    assert set(made) == set(tables.metadata.tables)
    for name, table in tables.metadata.tables.items():
        assert set(made[name][0]) == set(table.columns.keys())


def test_failing_migration_leaves_nothing_behind(database_url, monkeypatch):
    """A step that raises midway undoes itself, and the next start begins again."""
    database = Database(database_url)
    first = importlib.import_module(f"{migrations.__name__}.{steps()[0]}")
    whole = first.upgrade

    def half(connection):
        whole(connection)
        raise RuntimeError("in the middle")

    monkeypatch.setattr(first, "upgrade", half)
    with pytest.raises(RuntimeError):
        migrate(database)
    assert sa.inspect(database.engine).get_table_names() == []
    monkeypatch.undo()
    assert migrate(database) == len(steps())
    database.close()


def test_newer_database_is_refused(store, database_url):
    """A database that a newer version used is left alone."""
    with store.database.write() as connection:
        connection.execute(sa.text("UPDATE settings SET value = '999' WHERE name = 'schema_version'"))
    with pytest.raises(StoreError, match="newer"):
        open_store(database_url, secret_key=KEY)


def test_unreachable_database_does_not_show_its_password():
    """The error names the place without the password."""
    with pytest.raises(StoreError) as refused:
        open_store("postgresql://ak:hidden-password@127.0.0.1:1/x", secret_key=KEY)
    assert "hidden-password" not in str(refused.value)
    assert "127.0.0.1" in str(refused.value)


@pytest.mark.parametrize("url", ["mysql://u:hidden-password@h/x", "hidden-password", ""])
def test_other_urls_are_refused(url):
    """What is no URL of a supported database is refused without showing it."""
    with pytest.raises(StoreError) as refused:
        open_store(url, secret_key=KEY)
    assert "hidden-password" not in str(refused.value)


def test_file_that_is_no_database_is_refused(tmp_path):
    """The error names the file, and the file is left as it is."""
    file = tmp_path / "notes.txt"
    file.write_text("these are notes, and no database at all\n" * 100)
    with pytest.raises(StoreError, match=r"notes\.txt"):
        open_store(f"sqlite:///{file}", secret_key=KEY)
    assert file.read_text().startswith("these are notes")


def test_directory_that_cannot_be_made_is_an_error_of_ours(tmp_path):
    """A wrong place is named."""
    (tmp_path / "file").touch()
    with pytest.raises(StoreError, match="directory of the database"):
        open_store(f"sqlite:///{tmp_path / 'file' / 'x' / 'store.db'}", secret_key=KEY)


def test_log_opens_without_the_key(store, database_url):
    """A build process reads and writes session logs, and has nothing to open secrets with."""
    log = open_session_store(database_url).log
    log.write([LogBatch("p", "ses_1", "r", 0, [LogLine(0, 1.0, "print", "a")])])
    assert [line.text for line in store.log.read("ses_1")] == ["a"]
    log.close()


def test_blobs_are_kept_by_their_name(store):
    """The same name is the same content; an unknown one is None."""
    content = bytes(range(256)) * 10_000
    store.blobs.put("blob_1", content)
    store.blobs.put("blob_1", b"other")
    assert store.blobs.get("blob_1") == content
    assert store.blobs.get("blob_2") is None


def test_lease_has_one_holder_until_it_runs_out(store):
    """Who holds it may prolong it; another gets it when it is given back, or its time is over."""
    leases = store.leases
    assert leases.take("a", "one", 60) is True
    assert leases.take("a", "two", 60) is False
    assert leases.take("b", "two", 60) is True
    assert leases.take("a", "one", 60) is True
    leases.release("a", "two")
    assert leases.take("a", "two", 60) is False
    leases.release("a", "one")
    assert leases.take("a", "two", -1) is True
    assert leases.take("a", "one", 60) is True
