"""Plans: what changes, in which order, what is kept, what is surprising; and the law that one is enough."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from manifest import (
    Connection,
    Create,
    Delete,
    Kept,
    Place,
    Project,
    Rename,
    State,
    StoredVar,
    Trigger,
    Update,
    Usage,
    Var,
    apply,
    plan,
    render,
)
from tests.helpers.manifests import NAMES, PROJECTS, STATES, TEXT
from tests.helpers.memory_target import MemoryTarget


@given(PROJECTS, STATES)
def test_plan_after_apply_is_empty(desired, state):
    """Whatever was there, one plan is enough, and what a plan promises is what applying does."""
    target = MemoryTarget(state)
    promised = plan(desired, state)
    told = []
    assert apply(desired, target, told.append) == promised
    assert told == list(promised.changes)
    assert plan(desired, target.current("p")).changes == ()


@given(PROJECTS, PROJECTS, st.lists(st.tuples(NAMES, TEXT), max_size=3))
def test_values_set_by_hand_stay_until_the_manifest_changes(first, second, by_hand):
    """After any two manifests with values set by hand between them, each value is the hand's or the new manifest's."""
    target = MemoryTarget(State())
    apply(first, target)
    for name, value in by_hand:
        place = Place("variable", name)
        known = target.items.get(place, {"secret": False, "description": "", "manifest_value": None})
        target.items[place] = {**known, "value": value}
    before = {item.name: item for item in target.current("p").variables if not item.connection}
    apply(second, target)
    after = {item.name: item.value for item in target.current("p").variables if not item.connection}
    for item in second.vars:
        known = before.get(item.name)
        unchanged = known is not None and known.manifest_value == item.value
        assert after[item.name] == (known.value if unchanged else item.value)
    only_by_hand = {name for name, item in before.items() if item.manifest_value is None}
    assert set(after) == {item.name for item in second.vars} | only_by_hand


@given(PROJECTS, STATES)
def test_plan_is_json_and_text(desired, state):
    """Every plan can be printed and sent; a plan without changes says so in both."""
    made = plan(desired, state)
    document = json.loads(json.dumps(render.plan_json(made)))
    assert len(document["actions"]) == len(made.changes)
    assert all({"action", "kind", "name"} <= action.keys() for action in document["actions"])
    text = render.plan_text(made)
    assert text.startswith("nothing changes in p") == (not made.changes)


SECRET = "s3cr3t-value-0"


@given(PROJECTS, STATES, st.booleans(), st.booleans())
def test_plan_never_shows_a_secret(desired, state, before, after):
    """Neither the old value nor the new one of a variable that is or was secret: no text, no JSON, no repr."""
    old = StoredVar("S", f"{SECRET}1", "", before, "", f"{SECRET}2")
    new = Var("S", f"{SECRET}3", "", secret=after or not before)
    project = Project("p", vars=(*desired.vars, new))
    made = plan(
        project,
        State("", variables=(*state.variables, old), triggers=state.triggers),
    )
    everything = [render.plan_text(made), json.dumps(render.plan_json(made)), repr(made), str(made.changes)]
    assert not [text for text in everything if SECRET in text]
    gone = plan(desired, State("", variables=(StoredVar("S", SECRET, "", True, "", SECRET),)))
    assert SECRET not in render.plan_text(gone) + json.dumps(render.plan_json(gone)) + repr(gone)


def hook(name="hook", **fields):
    """A webhook trigger."""
    return Trigger(name, "webhook", "main.py:f", **fields)


def test_changes_have_the_order_in_which_they_can_be_made():
    """Deletions first and backwards, then renames, then what others need before what needs it."""
    current = State(
        "",
        (Connection("old", "slack"),),
        (StoredVar("B", "1", manifest_value="1"),),
        (hook("gone"), hook("before")),
        {"before": "after"},
    )
    desired = Project("p", "P", (Connection("new", "slack"),), (Var("A", "1"),), (hook("after"), hook("new")))
    assert [
        (change.action, change.place.kind, change.place.name) for change in plan(desired, current).changes
    ] == [
        ("delete", "trigger", "gone"),
        ("delete", "variable", "B"),
        ("delete", "connection", "old"),
        ("rename", "trigger", "before"),
        ("update", "project", "p"),
        ("create", "connection", "new"),
        ("create", "variable", "A"),
        ("create", "trigger", "new"),
    ]


def test_another_integration_is_a_change():
    """A connection to something else is told, with old and new."""
    current = State("", (Connection("chat", "slack"),))
    [change] = plan(Project("p", connections=(Connection("chat", "discord"),)), current).changes
    assert change == Update(Place("connection", "chat"), {"integration": "slack"}, {"integration": "discord"})
    assert change.as_json()["changes"] == {"integration": {"old": "slack", "new": "discord"}}


@pytest.mark.parametrize("kind", ["schedule", "connection"])
def test_trigger_of_another_kind_is_replaced(kind):
    """The old one goes, one of the same name comes."""
    current = State("", triggers=(hook(),))
    desired = Project("p", triggers=(Trigger("hook", kind, "main.py:f", schedule="@daily"),))
    changes = plan(desired, current).changes
    assert [(type(change), change.place.name) for change in changes] == [(Delete, "hook"), (Create, "hook")]


@pytest.mark.parametrize(
    ("triggers", "actions"),
    [
        ((hook("after"),), [("rename", "before")]),
        ((hook("after", filter="data.x"),), [("rename", "before"), ("update", "after")]),
        ((hook("before"),), []),
        ((hook("before"), hook("after")), [("create", "after")]),
        ((Trigger("after", "schedule", schedule="@daily"),), [("delete", "before"), ("create", "after")]),
        ((hook("other"),), [("delete", "before"), ("create", "other")]),
    ],
    ids=["renamed", "renamed and changed", "not yet", "both", "another kind", "another name"],
)
def test_rename_happens_when_the_manifest_follows(triggers, actions):
    """Until the manifest has the new name, and not the old one, everything goes on under the old."""
    current = State("", triggers=(hook("before"),), renames={"before": "after"})
    changes = plan(Project("p", triggers=triggers), current).changes
    assert [(change.action, change.place.name) for change in changes] == actions


def test_rename_to_a_name_that_is_taken_is_none():
    """A trigger of the new name is there already: nothing can be renamed to it."""
    current = State("", triggers=(hook("before"), hook("after")), renames={"before": "after"})
    changes = plan(Project("p", triggers=(hook("after"),)), current).changes
    assert changes == (Delete(Place("trigger", "before"), changes[0].before),)
    both = State("", triggers=(hook("a"), hook("b")), renames={"a": "c", "b": "c"})
    changes = plan(Project("p", triggers=(hook("c"),)), both).changes
    assert [change.action for change in changes] == ["delete", "rename"]


def test_kept_values_are_told():
    """By hand against the manifest; by hand for a connection that goes."""
    current = State(
        "",
        (Connection("chat", "slack"),),
        (StoredVar("A", "mine", manifest_value="1"), StoredVar("token", "t", "chat"), StoredVar("B", "mine")),
    )
    made = plan(Project("p", vars=(Var("A", "1"),)), current)
    assert made.kept == (
        Kept(Place("variable", "A"), "kept: set by hand"),
        Kept(Place("variable", "token", "chat"), "kept: set by hand, for when chat comes back"),
    )
    assert [change.action for change in made.changes] == ["delete"]
    changed = plan(Project("p", connections=current.connections, vars=(Var("A", "2"),)), current)
    assert changed.kept == ()
    assert changed.changes[0].differences == {"value": ("mine", "2"), "manifest_value": ("1", "2")}


@pytest.mark.parametrize(
    ("desired", "usage", "reasons"),
    [
        (Project("p", connections=(Connection("chat", "slack"),)), Usage(), []),
        (
            Project("p", connections=(Connection("chat", "slack"),)),
            Usage({"hook": 1}),
            ["deletes trigger hook: 1 event in the last day"],
        ),
        (
            Project("p", connections=(Connection("chat", "slack"),)),
            Usage({"hook": 2}, {"hook": 2}),
            ["deletes trigger hook: 2 events in the last day, 2 subscriptions of sessions that run"],
        ),
        (
            Project("p", triggers=(hook(),)),
            Usage({"chat": 9}, {"chat": 1}),
            ["deletes connection chat: 1 subscription of sessions that run"],
        ),
        (
            Project("p", connections=(Connection("chat", "discord"),), triggers=(hook(),)),
            Usage({}, {"chat": 1, "hook": 1}),
            ["changes connection chat: 1 subscription of sessions that run"],
        ),
        (
            Project(
                "p",
                connections=(Connection("chat", "slack"),),
                triggers=(Trigger("hook", "schedule", schedule="@daily"),),
            ),
            Usage({"hook": 1}),
            ["deletes trigger hook: 1 event in the last day"],
        ),
    ],
    ids=["unused", "used lately", "used and waited for", "connection", "integration", "another kind"],
)
def test_taking_away_what_is_in_use_is_surprising(desired, usage, reasons):
    """Each such change is named with what uses it; changes that take nothing away are not."""
    current = State("", (Connection("chat", "slack"),), (StoredVar("V", "1", manifest_value="1"),), (hook(),))
    assert [str(surprise) for surprise in plan(desired, current).surprises(usage)] == reasons


def test_new_project_is_created():
    """Everything in it is new."""
    made = plan(Project("p", "P", triggers=(hook(),)), State())
    assert [type(change) for change in made.changes] == [Create, Create]
    assert made.changes[0].fields == {"display_name": "P"}


def test_rename_shows_both_names():
    """Machine-readable too."""
    assert Rename(Place("trigger", "a"), "b").as_json() == {
        "action": "rename",
        "kind": "trigger",
        "name": "a",
        "to": "b",
    }
