"""Variables, builds, services, keys and migrations, on both databases."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from tests.conformance.conftest import KEY
from worker.errors import StoreError
from worker.store import Database, open_store
from worker.store.migrate import migrate, steps


def test_secret_is_readable_and_encrypted_at_rest(store):
    """A secret value reads back, and the database does not hold it."""
    store.vars.set("p", "TOKEN", "plain-secret-text", secret=True)
    assert store.vars.list("p")[0].value == "plain-secret-text"
    with store.database.read() as connection:
        rows = connection.execute(sa.text("SELECT * FROM variables")).all()
    assert "plain-secret-text" not in repr(rows)


def test_variable_keeps_being_secret(store):
    """Setting a new value does not uncover a secret."""
    store.vars.set("p", "TOKEN", "one", secret=True)
    store.vars.set("p", "TOKEN", "two")
    assert (store.vars.list("p")[0].value, store.vars.list("p")[0].secret) == ("two", True)


def test_limits_of_variables(store):
    """Too long a value and too many variables are refused; overwriting at the limit works."""
    with pytest.raises(StoreError, match="8092"):
        store.vars.set("p", "A", "x" * 8093)
    for number in range(64):
        store.vars.set("p", f"V{number}", "x")
    store.vars.set("p", "V0", "y")
    with pytest.raises(StoreError, match="64"):
        store.vars.set("p", "ONE_MORE", "x")


def test_delete_says_whether_there_was_one(store):
    """Deleting twice is told apart."""
    store.vars.set("p", "A", "1", connection="c")
    assert store.vars.delete("p", "A") is False
    assert store.vars.delete("p", "A", "c") is True


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
    """Asking twice gives the same project with the newest display name."""
    first = store.projects.ensure("p", "One")
    assert store.projects.ensure("p", "Two").id == first.id
    assert store.projects.list()[0].display_name == "Two"


def test_migrations_step_by_step_make_the_same_schema(database_url):
    """Each step on its own leads to what all of them lead to, and a second run changes nothing."""
    database = Database(database_url)
    for number in range(1, len(steps()) + 1):
        assert migrate(database, number) == number
    assert migrate(database) == len(steps())
    names = sa.inspect(database.engine).get_table_names()
    assert {"projects", "events", "deliveries", "session_log"} <= set(names)
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
