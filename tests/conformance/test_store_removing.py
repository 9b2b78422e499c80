"""Taking a project out of the store: quiet first, then all of it, and nothing of another; the same on both databases."""

from __future__ import annotations

import datetime as dt

import pytest
import sqlalchemy as sa

from tests.helpers.desired import desired, trigger, var
from worker import clock
from worker.contracts import LogBatch, LogLine
from worker.store import tables
from worker.store.records import Delivery, Event, Refused, Subscription
from worker.store.values import New

SHARED = {
    "blobs",
    "operations",
    "leases",
    "services",
}  # of no project, or under names that tell nothing of one


def fill(store, project: str, build: str = "") -> list[str]:
    """A row in every table that keeps something of a project; returns its deployments, oldest first."""
    store.projects.ensure(project)
    build = build or f"bld_{project}"
    store.builds.put(project, build, b"content", ["main.py"])
    connection = {"name": "chat", "integration": "slack", "vars": [var("token", "x", secret=True)]}
    wanted = desired(
        name=project, triggers=[trigger("hook")], variables=[var("NAME", project)], connections=[connection]
    )
    made = []
    for version in ("v1", "v2", "v3"):
        made.append(store.deployments.request(project, build, version, wanted, {}, [], "").id)
        if version != "v3":
            assert store.deployments.activate(made[-1])
    store.triggers.reserve_slug(project, "hook")
    store.triggers.rename(project, "hook", "inbound")
    event = Event(f"evt_{project}", project, "trigger", "hook", "post", {}, {}, clock.now())
    delivery = Delivery(f"dlv_{project}", event.id, project, "hook", "main.py:f", f"ses_{project}", "done")
    assert store.events.record(event, [delivery])
    store.mailbox.answer(event.id, f"ses_{project}", 1)
    for number in (1, 2):
        store.mailbox.subscribe(Subscription(f"sub_{number}_{project}", project, "hook", f"ses_{number}"))
    store.mailbox.forget("ses_2")
    store.mailbox.await_signal(project, "go", f"ses_{project}", clock.now())
    store.mailbox.signal(f"sig_{project}", project, "go", 1)
    now = clock.now()
    store.refused.add([Refused("GET", f"/webhooks/{project}", "AK3404", "::1", 1, now, now, project, "hook")])
    store.values.change(project, "key", lambda _old: (None, New(1, 1)))
    store.log.write([LogBatch(project, f"ses_{project}", "r", 0, [LogLine(0, 1.0, "print", "a")])])
    return made


def rows(store) -> dict[str, int]:
    """How many rows each table has."""
    with store.database.read() as connection:
        return {
            table.name: connection.execute(sa.select(sa.func.count()).select_from(table)).scalar_one()
            for table in tables.metadata.sorted_tables
        }


def states(store, project: str) -> dict[str, str]:
    """The states of a project's deployments, by version."""
    return {item.version: item.state for item in store.deployments.list(project)}


def test_erased_project_leaves_no_row(store):
    """Each table is as it was before the project; a table that this test does not fill is noticed."""
    fill(store, "other")
    before = rows(store)
    fill(store, "shop")
    grown = {name for name, count in rows(store).items() if count > before[name]}
    assert grown >= set(tables.metadata.tables) - SHARED
    store.removing.quiet("shop")
    assert store.removing.erase("shop") == ["bld_shop"]
    assert {name: count for name, count in rows(store).items() if name not in SHARED} == {
        name: count for name, count in before.items() if name not in SHARED
    }
    assert store.projects.get("shop") is None
    assert store.vars.stamps().keys() == {"other"}


def test_erasing_leaves_other_projects_alone(store):
    """Also one whose name begins alike, and a build that both are made of."""
    fill(store, "shop", "bld_same")
    made = fill(store, "shop_2", "bld_same")
    before = store.deployments.state("shop_2")
    store.removing.quiet("shop")
    assert store.removing.erase("shop") == []
    assert store.builds.exists("bld_same")
    assert store.deployments.state("shop_2") == before
    assert [item.id for item in store.deployments.list("shop_2")] == made[::-1]
    assert [item.id for item in store.events.list("shop_2")] == ["evt_shop_2"]
    assert len(store.mailbox.outcomes("evt_shop_2")) == 1
    assert store.values.get("shop_2", "key") is not None
    assert len(store.log.read("ses_shop_2")) == 1


def test_quiet_project_begins_nothing(store):
    """No trigger, nothing active or on its way; what ran drains, so that its sessions can end."""
    made = fill(store, "shop")
    fill(store, "other")
    store.deployments.move(made[2], ["pending"], "starting")
    assert states(store, "shop") == {"v1": "draining", "v2": "active", "v3": "starting"}
    assert store.removing.served("shop") == 3
    store.removing.quiet("shop")
    assert states(store, "shop") == {"v1": "draining", "v2": "draining", "v3": "draining"}
    assert store.triggers.list("shop") == []
    assert store.triggers.renames("shop", applied=False) == {}
    assert store.deployments.activate(made[2]) is False
    assert store.removing.served("shop") == 3
    assert states(store, "other") == {"v1": "draining", "v2": "active", "v3": "pending"}
    assert [item.name for item in store.triggers.list("other")] == ["hook"]


def test_deployment_asked_for_does_not_come_up_in_a_quiet_project(store):
    """A supervisor that still had it pending finds that it failed, and why."""
    made = fill(store, "shop")
    store.removing.quiet("shop")
    asked = store.deployments.get(made[2])
    assert (asked.state, asked.error["message"]) == ("failed", "the project is being deleted")
    assert store.deployments.move(made[2], ["pending"], "starting") is False
    for identifier in made:
        store.deployments.retire(identifier)
    assert store.removing.served("shop") == 0


@pytest.mark.parametrize("done", ["nothing", "quiet", "erase"])
def test_every_step_of_a_deletion_can_be_repeated(store, done):
    """Whoever goes on with a deletion that was cut short finds its part to do, or done."""
    fill(store, "other")
    before = {name: count for name, count in rows(store).items() if name not in SHARED}
    fill(store, "shop")
    if done != "nothing":
        store.removing.quiet("shop")
    if done == "erase":
        store.removing.erase("shop")
    store.removing.quiet("shop")
    store.removing.quiet("shop")
    gone = store.removing.erase("shop")
    assert gone == ([] if done == "erase" else ["bld_shop"])
    assert store.removing.erase("shop") == []
    assert {name: count for name, count in rows(store).items() if name not in SHARED} == before


def test_erasing_is_all_or_nothing(store, monkeypatch):
    """An error in the middle leaves every row, so that the deletion can be repeated."""
    fill(store, "shop")
    store.removing.quiet("shop")
    before = rows(store)

    def fails(*_ignored):
        """Fail."""
        raise RuntimeError("in the middle")

    monkeypatch.setattr("worker.store.removing.forget", fails)
    with pytest.raises(RuntimeError):
        store.removing.erase("shop")
    assert rows(store) == before
    monkeypatch.undo()
    store.removing.erase("shop")
    assert store.projects.list() == []


def test_project_of_the_same_name_begins_anew(store):
    """It has another id and another slug, and nothing of what its namesake had."""
    fill(store, "shop")
    first, slug = store.projects.get("shop").id, store.triggers.reserve_slug("shop", "hook")
    store.removing.quiet("shop")
    store.removing.erase("shop")
    assert store.projects.ensure("shop").id != first
    assert store.triggers.reserve_slug("shop", "hook") != slug
    assert store.deployments.state("shop").variables == ()
    assert store.mailbox.await_signal("shop", "go", "ses_new", clock.now() - dt.timedelta(days=1)) == []
