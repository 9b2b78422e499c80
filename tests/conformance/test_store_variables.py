"""Variables: secrets at rest, limits, and what a redeploy keeps, on both databases."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from tests.helpers.desired import desired, var
from worker.errors import StoreError
from worker.store.vars import SCOPE_LIMIT, VALUE_LIMIT_BYTES


def deploy(store, version, *variables, connections=()):
    """Make a deployment with these variables active."""
    wanted = desired(variables=variables, connections=connections)
    made = store.deployments.request("p", "bld_1", version, wanted, {}, [], "")
    store.deployments.activate(made.id)


def values(store):
    """The values by name."""
    return {item.name: item.value for item in store.vars.list("p")}


def stored(store):
    """All rows as the database has them."""
    with store.database.read() as connection:
        return repr(connection.execute(sa.text("SELECT * FROM variables")).all())


def test_secret_is_readable_and_encrypted_at_rest(store):
    """A secret value reads back, and the table does not hold it."""
    store.vars.set("p", "TOKEN", "plain-secret-text", secret=True)
    assert values(store) == {"TOKEN": "plain-secret-text"}
    assert "plain-secret-text" not in stored(store)


def test_secret_is_nowhere_in_the_files(store, database_url, tmp_path):
    """Neither the database's file nor its journal holds a secret, of a variable, a manifest or an environment."""
    if not database_url.startswith("sqlite"):
        pytest.skip("the files of a server are its own")
    store.vars.set("p", "TOKEN", "plain-secret-text", secret=True)
    deploy(store, "v1", var("TOKEN", ""), var("OTHER", "", secret=True))
    store.deployments.request("p", "b", "v2", desired(), {"TOKEN": "plain-secret-text"}, ["TOKEN"], "")
    files = [file for file in tmp_path.iterdir() if file.is_file()]
    assert files
    assert not any(b"plain-secret-text" in file.read_bytes() for file in files)


def test_secret_cannot_be_moved_to_another_variable(store):
    """A sealed value opens only where it belongs."""
    store.vars.set("p", "TOKEN", "one", secret=True)
    store.vars.set("p", "OTHER", "two", secret=True)
    with store.database.write() as connection:
        connection.execute(
            sa.text(
                "UPDATE variables SET value = (SELECT value FROM variables WHERE name = 'TOKEN') WHERE name = 'OTHER'"
            )
        )
    with pytest.raises(StoreError, match="cannot be opened"):
        store.vars.list("p")


def test_variable_keeps_being_secret(store):
    """Neither a new value nor a redeploy uncovers a secret; only saying so does."""
    store.vars.set("p", "TOKEN", "one", secret=True)
    store.vars.set("p", "TOKEN", "two")
    deploy(store, "v1", var("TOKEN", ""))
    assert store.vars.list("p")[0].secret is True
    store.vars.set("p", "TOKEN", "three", secret=False)
    assert (store.vars.list("p")[0].secret, values(store)) == (False, {"TOKEN": "three"})


def test_manifest_value_of_a_secret_is_encrypted_too(store):
    """What the manifest gave is remembered, and not readable."""
    deploy(store, "v1", var("TOKEN", "from-the-manifest", secret=True))
    store.vars.set("p", "TOKEN", "by-hand")
    assert "from-the-manifest" not in stored(store)
    deploy(store, "v2", var("TOKEN", "from-the-manifest", secret=True))
    assert values(store) == {"TOKEN": "by-hand"}


def test_variable_that_becomes_secret_hides_what_the_manifest_gave(store):
    """Making a variable secret by hand covers both values; uncovering it shows them again."""
    deploy(store, "v1", var("A", "from-the-manifest"))
    store.vars.set("p", "A", "by-hand", secret=True)
    assert "from-the-manifest" not in stored(store)
    store.vars.set("p", "A", "by-hand", secret=False)
    assert store.vars.list("p")[0].manifest_value == "from-the-manifest"


@pytest.mark.parametrize("secret", [False, True])
def test_value_that_looks_sealed_is_a_value(store, secret):
    """A text that starts like our own encrypted ones is nothing special."""
    deploy(store, "v1", var("A", "sealed:1:x", secret=secret))
    store.vars.set("p", "B", "sealed:1:y", secret=secret)
    store.vars.set("p", "A", "by hand")
    deploy(store, "v2", var("A", "sealed:1:x", secret=secret))
    assert values(store) == {"A": "by hand", "B": "sealed:1:y"}


def test_value_is_limited_in_bytes(store):
    """The limit counts bytes, and is reached exactly."""
    store.vars.set("p", "A", "x" * VALUE_LIMIT_BYTES)
    store.vars.set("p", "A", "ü" * (VALUE_LIMIT_BYTES // 2), secret=True)
    with pytest.raises(StoreError, match=r"8093 bytes, 8092 are allowed"):
        store.vars.set("p", "A", "x" * 8093)
    with pytest.raises(StoreError, match="variable A"):
        store.vars.set("p", "A", "ü" * (VALUE_LIMIT_BYTES // 2 + 1))
    assert values(store)["A"].startswith("ü")


def test_variables_are_limited_by_scope(store):
    """Too many are refused, each connection has its own limit, overwriting at the limit works."""
    for number in range(SCOPE_LIMIT):
        store.vars.set("p", f"V{number}", "x")
    store.vars.set("p", "V0", "y")
    store.vars.set("p", "ONE_MORE", "x", connection="c")
    store.vars.set("q", "ONE_MORE", "x")
    with pytest.raises(StoreError, match="64"):
        store.vars.set("p", "ONE_MORE", "x")
    store.vars.delete("p", "V1")
    store.vars.set("p", "ONE_MORE", "x")


def test_manifest_may_rename_all_variables_at_the_limit(store):
    """What a manifest drops makes room for what it names."""
    deploy(store, "v1", *(var(f"A{number}", "x") for number in range(SCOPE_LIMIT)))
    deploy(store, "v2", *(var(f"B{number}", "x") for number in range(SCOPE_LIMIT)))
    assert set(values(store)) == {f"B{number}" for number in range(SCOPE_LIMIT)}


def test_delete_says_whether_there_was_one(store):
    """Variables of a project and of its connections are told apart."""
    store.vars.set("p", "A", "1", connection="c")
    assert store.vars.delete("p", "A") is False
    assert store.vars.delete("p", "A", "c") is True
    assert store.vars.delete("p", "A", "c") is False


def test_description_is_kept_by_a_new_value(store):
    """Setting only a value leaves the description."""
    store.vars.set("p", "A", "1", description="what it is for")
    store.vars.set("p", "A", "2")
    assert store.vars.list("p")[0].description == "what it is for"


def test_value_set_by_hand_is_kept_until_the_manifest_changes_its_own(store):
    """A redeploy does not undo what an operator set; a new value in the manifest does."""
    deploy(store, "v1", var("A", "from manifest"))
    store.vars.set("p", "A", "by hand")
    deploy(store, "v2", var("A", "from manifest"))
    assert values(store) == {"A": "by hand"}
    deploy(store, "v3", var("A", "new"))
    assert values(store) == {"A": "new"}


def test_variable_dropped_from_the_manifest_goes_and_hand_made_ones_stay(store):
    """Only what the manifest once named is deleted with it."""
    deploy(store, "v1", var("A", "1"))
    store.vars.set("p", "A", "by hand")
    store.vars.set("p", "B", "2")
    deploy(store, "v2")
    assert values(store) == {"B": "2"}


def test_variables_of_connections_follow_the_manifest(store):
    """They have a scope of their own, and go with their connection; hand-made ones stay."""
    chat = {"name": "chat", "integration": "slack", "vars": [var("A", "chat's")]}
    deploy(store, "v1", var("A", "project's"), connections=[chat])
    store.vars.set("p", "B", "by hand", connection="chat")
    assert [(item.connection, item.value) for item in store.vars.list("p")] == [
        ("", "project's"),
        ("chat", "chat's"),
        ("chat", "by hand"),
    ]
    deploy(store, "v2", var("A", "project's"))
    assert [(item.connection, item.name) for item in store.vars.list("p")] == [("", "A"), ("chat", "B")]


def test_stamp_changes_with_the_variables_of_its_project(store):
    """Set, set again, deleted, of a connection, by a manifest: another stamp each time, and only of that project."""
    assert store.vars.stamps() == {}
    seen = []

    def changed() -> None:
        """The project has a stamp that it never had, the other one still the same."""
        stamps = store.vars.stamps()
        assert stamps["p"] not in seen
        assert (len(stamps), stamps["100%_p"]) == (2, other)
        seen.append(stamps["p"])

    store.vars.set("100%_p", "A", "1")
    other = store.vars.stamps()["100%_p"]
    for value in ("1", "2"):
        store.vars.set("p", "A", value)
        changed()
    store.vars.set("p", "token", "x", connection="chat", secret=True)
    changed()
    assert store.vars.delete("p", "A")
    changed()
    deploy(store, "v1", var("FROM_MANIFEST", "1"))
    changed()
    assert store.vars.list("p")
    assert store.vars.stamps()["p"] == seen[-1]


def test_stamp_of_a_change_that_failed_stays(store):
    """A value that was refused tells no process anything."""
    store.vars.set("p", "A", "1")
    before = store.vars.stamps()
    with pytest.raises(StoreError):
        store.vars.set("p", "B", "x" * (VALUE_LIMIT_BYTES + 1))
    assert store.vars.stamps() == before
