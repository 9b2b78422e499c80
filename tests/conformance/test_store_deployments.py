"""Deployments, and what becoming active applies, on both databases."""

from __future__ import annotations

import pytest

from tests.helpers.desired import desired, trigger, var
from worker.errors import StoreError
from worker.store import deployments as module


def request(store, version="v1", **parts):
    """Ask for a deployment."""
    return store.deployments.request(
        "p", "bld_1", version, desired(**parts), {"A": "secret-value"}, ["A"], ""
    )


def activate(store, version="v1", **parts):
    """Ask for a deployment and make it active."""
    made = request(store, version, **parts)
    store.deployments.activate(made.id)
    return store.deployments.get(made.id)


def test_request_is_pending_and_keeps_everything(store):
    """A new record is pending and reads back as it was given."""
    made = request(store, triggers=[trigger("t")])
    assert (made.state, made.environment, made.secret_names) == ("pending", {"A": "secret-value"}, ["A"])
    assert made.desired == desired(triggers=[trigger("t")])
    assert store.deployments.wanted() == [made]


def test_request_for_the_active_version_changes_nothing(store):
    """The same version with the same manifest is returned as it is."""
    made = activate(store)
    assert request(store) == made


def test_request_supersedes_an_older_pending_one(store):
    """Only the newest deployment a project asked for is carried out."""
    first = request(store, "v1")
    request(store, "v2")
    found = store.deployments.get(first.id)
    assert (found.state, found.error["message"]) == ("failed", "superseded by a newer deployment")


def test_activate_makes_the_previous_one_draining(store):
    """One deployment of a project is active."""
    first = activate(store, "v1")
    second = activate(store, "v2")
    assert store.deployments.active("p").id == second.id
    assert store.deployments.get(first.id).state == "draining"


def test_going_back_uses_the_older_record(store):
    """A version has one record, however often it becomes active."""
    first = activate(store, "v1")
    activate(store, "v2")
    assert activate(store, "v1").id == first.id


def test_move_is_compare_and_set(store):
    """A state is only left when it is the expected one."""
    made = request(store)
    assert store.deployments.move(made.id, ["pending"], "starting") is True
    assert store.deployments.move(made.id, ["pending"], "starting") is False
    assert store.deployments.move(made.id, ["starting"], "failed", {"message": "no"}) is True
    assert store.deployments.get(made.id).error == {"message": "no"}


def test_activate_is_all_or_nothing(store, monkeypatch):
    """An error in the middle leaves the previous deployment active and its triggers in place."""
    first = activate(store, "v1", triggers=[trigger("t")])
    second = request(store, "v2", triggers=[trigger("u")])

    def fail(*_args):
        raise RuntimeError("in the middle")

    monkeypatch.setattr(module, "apply_desired", fail)
    with pytest.raises(RuntimeError):
        store.deployments.activate(second.id)
    assert store.deployments.active("p").id == first.id
    assert store.deployments.get(second.id).state == "pending"
    assert [item.name for item in store.triggers.list("p")] == ["t"]


def test_slug_survives_redeploys_and_deletion(store):
    """A webhook keeps its URL as long as the trigger keeps its name, even over a time without it."""
    slug = store.triggers.reserve_slug("p", "t")
    activate(store, "v1", triggers=[trigger("t")])
    assert store.triggers.by_slug(slug).name == "t"
    identifier = store.triggers.get("p", "t").id
    activate(store, "v2", triggers=[trigger("t", call="main.py:other")])
    assert (store.triggers.get("p", "t").id, store.triggers.get("p", "t").slug) == (identifier, slug)
    activate(store, "v3")
    assert store.triggers.by_slug(slug) is None
    activate(store, "v4", triggers=[trigger("t")])
    assert store.triggers.by_slug(slug).name == "t"


def test_connection_triggers_are_found_by_connection(store):
    """Triggers and connections follow the manifest."""
    slack = {"name": "chat", "integration": "slack", "vars": [var("token", "x")]}
    activate(store, connections=[slack], triggers=[trigger("t", kind="connection", connection="chat")])
    assert [item.name for item in store.triggers.for_connection("p", "chat")] == ["t"]
    assert [item.integration for item in store.connections.list("p")] == ["slack"]
    activate(store, "v2")
    assert store.connections.list("p") == []


def test_value_set_by_hand_is_kept_until_the_manifest_changes_its_own(store):
    """A redeploy does not undo what an operator set; a new value in the manifest does."""
    activate(store, "v1", variables=[var("A", "from manifest")])
    store.vars.set("p", "A", "by hand")
    activate(store, "v2", variables=[var("A", "from manifest")])
    assert store.vars.list("p")[0].value == "by hand"
    activate(store, "v3", variables=[var("A", "new")])
    assert store.vars.list("p")[0].value == "new"


def test_variable_dropped_from_the_manifest_goes_and_hand_made_ones_stay(store):
    """Only what the manifest once named is deleted with it."""
    activate(store, "v1", variables=[var("A", "1")])
    store.vars.set("p", "B", "2")
    activate(store, "v2")
    assert [item.name for item in store.vars.list("p")] == ["B"]


def test_activate_of_nothing_is_an_error(store):
    """An unknown deployment cannot become active."""
    with pytest.raises(StoreError, match="dep_none"):
        store.deployments.activate("dep_none")
