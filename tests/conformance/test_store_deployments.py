"""Deployments, and what becoming active applies, on both databases."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from tests.helpers.desired import desired, trigger, var
from worker.errors import StoreError
from worker.store import applying


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


def test_request_for_the_active_version_with_another_manifest_applies_it(store):
    """The same version goes on, never inactive, with what the manifest decides now."""
    made = activate(store)
    again = request(store, triggers=[trigger("t")])
    assert (again.id, again.state, again.desired) == (made.id, "active", desired(triggers=[trigger("t")]))
    assert again.activated_at > made.activated_at
    assert [item.name for item in store.triggers.list("p")] == ["t"]


def test_request_for_the_active_version_mends_what_was_changed_beside_it(store):
    """A variable of the manifest that somebody deleted is there again."""
    made = activate(store, variables=[var("A", "1")])
    store.vars.delete("p", "A")
    again = request(store, variables=[var("A", "1")])
    assert again.activated_at > made.activated_at
    assert [item.value for item in store.vars.list("p")] == ["1"]
    assert request(store, variables=[var("A", "1")]) == again


def test_request_leaves_other_projects_alone(store):
    """Superseding stays within a project."""
    mine = request(store)
    theirs = store.deployments.request("q", "bld_2", "v1", desired(name="q"), {}, [], "")
    store.deployments.activate(theirs.id)
    activate(store, "v2")
    assert store.deployments.get(theirs.id).state == "active"
    assert store.deployments.get(mine.id).state == "failed"
    assert {item.id for item in store.deployments.list()} > {theirs.id}
    assert [item.id for item in store.deployments.list("q")] == [theirs.id]
    assert store.deployments.by_version("q", "v1").id == theirs.id
    assert store.deployments.by_version("q", "v2") is None


def test_failed_version_can_be_asked_for_again(store):
    """A new attempt starts without the old error."""
    made = request(store)
    store.deployments.move(made.id, ["pending"], "failed", {"message": "no"})
    again = request(store)
    assert (again.id, again.state, again.error) == (made.id, "pending", None)


def test_environment_is_encrypted_at_rest(store):
    """The snapshot of variables holds secrets: the database does not show it."""
    request(store)
    with store.database.read() as connection:
        rows = connection.execute(sa.text("SELECT * FROM deployments")).all()
    assert "secret-value" not in repr(rows)


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


def test_superseded_deployment_that_may_have_sessions_drains(store):
    """One that was about to become current, or was active before, is served until its sessions have ended."""
    starting = request(store, "v1")
    store.deployments.move(starting.id, ["pending"], "starting")
    older = activate(store, "v2")
    activate(store, "v3")
    request(store, "v2")
    request(store, "v4")
    for one in (starting, older):
        found = store.deployments.get(one.id)
        assert (found.state, found.error["message"]) == ("draining", "superseded by a newer deployment")


def test_given_up_deployment_has_failed_unless_it_was_active_before(store):
    """The reason stays with it, also when it is retired."""
    fresh = request(store, "v1")
    assert store.deployments.give_up(fresh.id, {"message": "no"}) is True
    assert store.deployments.give_up(fresh.id, {"message": "late"}) is False
    older = activate(store, "v2")
    activate(store, "v3")
    request(store, "v2")
    assert store.deployments.give_up(older.id, {"message": "no"}) is True
    assert store.deployments.retire(older.id) is True
    assert store.deployments.retire(older.id) is False
    states = {item.version: (item.state, item.error) for item in store.deployments.list("p") if item.error}
    assert states == {"v1": ("failed", {"message": "no"}), "v2": ("inactive", {"message": "no"})}


def test_prospect_of_a_project_is_that_of_its_best_deployment(store):
    """Nothing was ever deployed; on its way; failed; active; active once; and the next one failed."""
    error = {"message": "m", "where": "", "hint": "", "code": "AK1100"}
    seen = [store.projects.prospect("p")]
    made = request(store)
    seen.append(store.projects.prospect("p"))
    store.deployments.give_up(made.id, error)
    seen.append(store.projects.prospect("p"))
    activate(store)
    seen.append(store.projects.prospect("p"))
    store.deployments.move(made.id, ["active"], "inactive")
    seen.append(store.projects.prospect("p"))
    store.deployments.give_up(request(store, "v2").id, error)
    seen.append(store.projects.prospect("p"))
    assert seen == ["", "pending", "failed", "active", "inactive", "inactive"]


def test_activate_refuses_what_is_not_asked_for_any_more(store):
    """A supervisor that comes late changes nothing."""
    first = activate(store, "v1")
    second = activate(store, "v2")
    assert store.deployments.activate(first.id) is False
    assert store.deployments.activate(second.id) is False
    assert store.deployments.active("p").id == second.id


def test_activate_is_all_or_nothing(store, monkeypatch):
    """An error in the middle leaves the previous deployment active and its triggers in place."""
    first = activate(store, "v1", triggers=[trigger("t")])
    second = request(store, "v2", triggers=[trigger("u")])

    def fail(*_args):
        raise RuntimeError("in the middle")

    monkeypatch.setattr(applying, "apply_desired", fail)
    with pytest.raises(RuntimeError):
        store.deployments.activate(second.id)
    assert store.deployments.active("p").id == first.id
    assert store.deployments.get(second.id).state == "pending"
    assert [item.name for item in store.triggers.list("p")] == ["t"]


def test_manifest_that_cannot_be_applied_changes_nothing(store):
    """A variable over its limit undoes triggers and connections that were written before it."""
    first = activate(store, "v1", triggers=[trigger("t")], variables=[var("A", "1")])
    slack = {"name": "chat", "integration": "slack", "vars": []}
    second = request(
        store, "v2", triggers=[trigger("u")], connections=[slack], variables=[var("A", "x" * 9000)]
    )
    with pytest.raises(StoreError, match="8092"):
        store.deployments.activate(second.id)
    assert store.deployments.active("p").id == first.id
    assert [item.name for item in store.triggers.list("p")] == ["t"]
    assert store.connections.list("p") == []
    assert store.vars.list("p")[0].value == "1"


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


def test_trigger_of_another_kind_is_another_trigger(store):
    """The id stays with changes of a trigger, and changes with its kind; its slug is no webhook's meanwhile."""
    slug = store.triggers.reserve_slug("p", "t")
    activate(store, "v1", triggers=[trigger("t")])
    webhook = store.triggers.get("p", "t").id
    activate(store, "v2", triggers=[trigger("t", kind="schedule", schedule="0 * * * *")])
    assert store.triggers.get("p", "t").id != webhook
    assert store.triggers.by_slug(slug) is None


def test_slugs_differ(store):
    """Each trigger of each project has a slug of its own."""
    slugs = [store.triggers.reserve_slug(project, name) for project in "pq" for name in "tu"]
    assert len(set(slugs)) == 4


def test_connection_keeps_its_id(store):
    """A redeploy changes the integration of a connection, not its identity."""
    chat = {"name": "chat", "integration": "slack", "vars": []}
    activate(store, "v1", connections=[chat])
    before = store.connections.list("p")[0]
    activate(store, "v2", connections=[chat | {"integration": "discord"}])
    after = store.connections.list("p")[0]
    assert (after.id, after.integration) == (before.id, "discord")


def test_activate_of_nothing_is_an_error(store):
    """An unknown deployment cannot become active."""
    with pytest.raises(StoreError, match="dep_none"):
        store.deployments.activate("dep_none")
