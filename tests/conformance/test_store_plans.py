"""The store as the target of plans: what is applied is what was planned, and what is in use is known."""

from __future__ import annotations

import datetime as dt
import json

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import manifest
from manifest import Manifest, State
from tests.helpers.desired import desired, trigger, var
from tests.helpers.manifests import PROJECTS
from worker import clock
from worker.errors import NotFoundError, WorkerError
from worker.store.migrate import migrate, steps
from worker.store.records import Delivery, Event, Subscription

CHAT = {"name": "chat", "integration": "slack", "vars": [var("token", "")]}
_numbers = iter(range(10**6))


def activate(store, wanted, name="p"):
    """Make a manifest's deployment active."""
    made = store.deployments.request(name, "bld_1", f"v{next(_numbers)}", wanted, {}, [], "")
    store.deployments.activate(made.id)


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(st.lists(PROJECTS, min_size=1, max_size=3))
def test_plan_after_activation_is_empty(store, projects):
    """One manifest after the other on the same rows: each is what the store says afterwards."""
    for project in projects:
        activate(store, Manifest("v2", project).to_json())
        assert manifest.plan(project, store.deployments.state("p")).changes == ()


def test_state_of_a_project_that_is_not_there(store):
    """Nothing is known of it."""
    assert store.deployments.state("nowhere") == State()


def test_display_name_and_options_of_schedules_are_applied(store):
    """All that a manifest decides is kept, not only what dispatch needs."""
    nightly = trigger(
        "n", kind="schedule", schedule="@daily", timezone="UTC", overlap="skip", catchup="1h", jitter="5s"
    )
    wanted = desired(triggers=[nightly])
    wanted["project"]["display_name"] = "Shop"
    activate(store, wanted)
    found = store.deployments.state("p")
    assert (found.display_name, found.triggers[0].overlap, found.triggers[0].jitter) == ("Shop", "skip", "5s")
    assert store.projects.get("p").display_name == "Shop"


def event(number, source, kind="trigger", hours=0):
    """Something that happened so many hours ago."""
    at = clock.now() - dt.timedelta(hours=hours)
    return Event(f"evt_{number}", "p", kind, source, "", {}, {}, at)


def delivery(number, name, state="pending"):
    """A session to be started for a trigger."""
    return Delivery(
        f"dlv_{number}_{name}", f"evt_{number}", "p", name, "main.py:f", f"ses_{number}_{name}", state
    )


def test_triggers_in_use_are_those_with_events_lately(store):
    """Webhooks by their own events, triggers of a connection by what they started; what did not match is no use."""
    store.events.record(event(1, "hook"), [delivery(1, "hook")])
    store.events.record(event(2, "hook"), [])
    store.events.record(event(3, "old", hours=30), [delivery(3, "old")])
    store.events.record(
        event(4, "chat", "connection"), [delivery(4, "talk"), delivery(4, "picky", "skipped")]
    )
    since = clock.now() - dt.timedelta(days=1)
    assert store.events.used_since("p", since) == {"hook": 2, "talk": 1}
    assert store.events.used_since("q", since) == {}


def test_sources_in_use_are_those_that_sessions_wait_on(store):
    """Until the session ends."""
    for number in range(2):
        store.mailbox.subscribe(Subscription(f"sub_{number}", "p", "chat", f"ses_{number}"))
    assert store.mailbox.waiting("p") == {"chat": 2}
    store.mailbox.forget("ses_0")
    assert (store.mailbox.waiting("p"), store.mailbox.waiting("q")) == ({"chat": 1}, {})


def test_deleted_connection_leaves_what_was_set_by_hand(store):
    """It is there again when the connection is."""
    activate(store, desired(connections=[CHAT]))
    store.vars.set("p", "secret", "by-hand", connection="chat", secret=True)
    activate(store, desired())
    assert [(item.name, item.value) for item in store.vars.list("p")] == [("secret", "by-hand")]


def test_older_database_learns_the_options_of_schedules(store):
    """After an upgrade a plan finds nothing to change that was applied before it."""
    nightly = trigger(
        "n", kind="schedule", schedule="@daily", timezone="UTC", overlap="skip", catchup="1h", jitter="5s"
    )
    wanted = desired(triggers=[nightly])
    activate(store, wanted)
    back_to_before_plans(store, json.dumps(wanted))
    migrate(store.database)
    assert manifest.plan(Manifest.from_json(wanted).project, store.deployments.state("p")).changes == ()


def test_older_database_with_a_sealed_manifest_is_upgraded(store):
    """The upgrade has no key; the plan after it says what it could not read, and applying writes it."""
    wanted = desired(triggers=[trigger("n", kind="schedule", schedule="@daily", timezone="UTC")])
    activate(store, wanted)
    back_to_before_plans(store)
    migrate(store.database)
    plan = lambda: manifest.plan(Manifest.from_json(wanted).project, store.deployments.state("p"))  # noqa: E731
    assert [change.place.name for change in plan().changes] == ["n"]
    activate(store, wanted)
    assert plan().changes == ()


def back_to_before_plans(store, manifest_as_text=None):
    """Make a database what it was before triggers had options, with manifests in plain text if one is given."""
    number = next(i for i, name in enumerate(steps()) if name.endswith("_plans"))
    with store.database.write() as connection:
        if manifest_as_text is not None:
            connection.execute(sa.text("UPDATE deployments SET desired = :text"), {"text": manifest_as_text})
        connection.execute(
            sa.text("UPDATE triggers SET timezone = '', overlap = '', catchup = '', jitter = ''")
        )
        connection.execute(
            sa.text("UPDATE settings SET value = :n WHERE name = 'schema_version'"), {"n": str(number)}
        )


def slug(store, name):
    """The slug of a webhook."""
    return store.triggers.reserve_slug("p", name)


def test_rename_waits_for_the_manifest(store):
    """Asked for first: until a manifest follows nothing changes; then id, slug and subscriptions go along."""
    activate(store, desired(triggers=[trigger("old"), trigger("other")]))
    url, before = slug(store, "old"), store.triggers.get("p", "old")
    store.mailbox.subscribe(Subscription("sub_1", "p", "old", "ses_1"))
    assert store.triggers.rename("p", "old", "new") == "asked"
    activate(store, desired(triggers=[trigger("old"), trigger("other")]))
    assert store.triggers.renames("p", applied=False) == {"old": "new"}
    assert slug(store, "new") == url  # its process starts before it is active
    activate(store, desired(triggers=[trigger("new", filter="data.x"), trigger("other")]))
    after = store.triggers.get("p", "new")
    assert (after.id, after.slug, after.filter) == (before.id, url, "data.x")
    assert store.triggers.get("p", "old") is None
    assert store.triggers.renames("p", applied=False) == {}
    assert store.triggers.by_slug(url).name == "new"
    assert [item.source for item in store.mailbox.subscriptions("ses_1")] == ["new"]


def test_code_from_before_a_rename_finds_the_trigger_by_its_old_name(store):
    """Through any number of renames, also back again; and never once another trigger has the name."""
    activate(store, desired(triggers=[trigger("a")]))
    url = slug(store, "a")
    for old, new in (("a", "b"), ("b", "c")):
        store.triggers.rename("p", old, new)
        activate(store, desired(triggers=[trigger(new)]))
    assert [slug(store, name) for name in "abc"] == [url] * 3
    assert store.triggers.now_called("p", "a") == "c"
    store.triggers.rename("p", "c", "a")
    activate(store, desired(triggers=[trigger("a")]))
    assert [store.triggers.now_called("p", name) for name in "abc"] == ["a", "a", "a"]
    activate(store, desired(triggers=[trigger("a"), trigger("b")]))
    assert slug(store, "b") != url == slug(store, "a")


def test_rename_after_the_manifest_moves_the_url(store):
    """The manifest came first: its trigger gets the URL that the one before had."""
    activate(store, desired(triggers=[trigger("old")]))
    url = slug(store, "old")
    activate(store, desired(triggers=[trigger("new")]))
    assert slug(store, "new") != url
    assert store.triggers.rename("p", "old", "new") == "moved"
    assert (slug(store, "new"), slug(store, "old")) == (url, url)
    assert store.triggers.by_slug(url).name == "new"


def test_renames_that_cannot_be(store):
    """Nothing of that name, a name that is taken, or promised to another; the own name takes a wish back."""
    activate(store, desired(triggers=[trigger("a"), trigger("b")]))
    with pytest.raises(NotFoundError):
        store.triggers.rename("p", "x", "y")
    with pytest.raises(NotFoundError):
        store.triggers.rename("p", "x", "a")
    with pytest.raises(WorkerError, match="has a trigger b already"):
        store.triggers.rename("p", "a", "b")
    assert store.triggers.rename("p", "a", "c") == "asked"
    assert store.triggers.rename("p", "a", "c") == "asked"
    with pytest.raises(WorkerError, match="has a trigger c already, or will have"):
        store.triggers.rename("p", "b", "c")
    assert store.triggers.rename("p", "a", "a") == "cancelled"
    assert store.triggers.renames("p", applied=False) == {}
    store.triggers.rename("p", "a", "c")
    activate(store, desired(triggers=[trigger("b")]))
    assert store.triggers.renames("p", applied=False) == {}
