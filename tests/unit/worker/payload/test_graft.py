"""Changes to arguments: what the call did to its copies is done to the caller's own objects."""

from __future__ import annotations

import collections
import contextlib
import copy
import functools
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.helpers.codecs import codec, sent
from worker.payload import graft as module
from worker.payload.graft import Snapshot, graft


class Box:
    """Holds something."""

    def __init__(self, inner=None) -> None:
        self.inner = inner


def called(function, *args, **kwargs):
    """Call the function on copies and put what it changed into the arguments, over the wire."""
    made = codec()
    theirs, copies = Snapshot(args, kwargs), copy.deepcopy((args, kwargs))
    ours = Snapshot(*copies)
    function(*copies[0], **copies[1])
    changed = json.loads(sent(ours.changes(made)))
    assert theirs.apply(changed, made) == []
    return changed


def test_rows_are_reordered_with_their_identity():
    """Objects that were there before are put in their new places, not copied."""
    first, second = {"n": 1}, {"n": 2}
    rows = [first, second]

    def work(rows):
        rows.reverse()
        rows[0]["m"] = 3

    called(work, rows)
    assert rows == [{"n": 2, "m": 3}, {"n": 1}]
    assert (rows[0] is second, rows[1] is first) == (True, True)


def test_attributes_are_set_and_removed():
    """Attributes follow, inner objects stay the same objects."""
    box = Box([1])
    box.old = 1
    inner = box.inner

    def work(box):
        box.inner.append(2)
        box.new = 5
        del box.old

    called(work, box)
    assert vars(box) == {"inner": [1, 2], "new": 5}
    assert box.inner is inner


@pytest.mark.parametrize(
    ("value", "work"),
    [
        ({1}, lambda v: v.add(2)),
        (bytearray(b"a"), lambda v: v.extend(b"b")),
        (collections.deque([1, 2], maxlen=2), lambda v: v.append(3)),
        (collections.Counter("a"), lambda v: v.update("ab")),
        (collections.defaultdict(list), lambda v: v["k"].append(1)),
        (collections.OrderedDict(a=1, b=2), lambda v: v.move_to_end("a")),
        (collections.OrderedDict(a=1, b=2), lambda v: (v.pop("a"), v.update(c=3))),
        ({"a": 1, "b": 2}, lambda v: v.update(a=v.pop("a"))),
        ([1.0], lambda v: v.__setitem__(0, 1)),
        ([3, 1, 2], lambda v: v.sort()),
    ],
    ids=lambda value: type(value).__name__,
)
def test_each_kind_changes_in_place(value, work):
    """Every mutable kind holds afterwards what the call left in its copy, in the same order and types."""
    expected = copy.deepcopy(value)
    work(expected)
    called(work, value)
    assert repr(value) == repr(expected)
    assert list(value) == list(expected)


def test_objects_shared_by_arguments_stay_shared():
    """A change through one argument is seen through the other, and new sharing comes about."""
    shared, other = [1], [2]
    first, second = {"x": shared}, {"x": shared, "y": other}

    def work(first, second):
        first["x"].append(9)
        second["y"] = second["x"]

    called(work, first, second)
    assert first["x"] is shared
    assert (shared, second["y"] is shared) == ([1, 9], True)


def test_new_object_in_several_places_stays_one():
    """What the call made and put into two arguments is one object afterwards."""
    first, second = [1], {"a": 2}

    def work(first, second):
        made = {"new": [first]}
        first.append(made)
        second["made"] = made

    called(work, first, second)
    assert first[1] is second["made"]
    assert first[1]["new"][0] is first


def test_equal_object_put_in_anothers_place_is_the_new_one():
    """What is equal is not the same: later changes go where they would have gone."""
    pair, rows = [1, 2], [[1, 2]]

    def work(rows, pair):
        rows[0] = pair

    called(work, rows, pair)
    assert rows[0] is pair


def test_keys_that_look_alike_are_told_apart():
    """The keys 1 and "1" lead to two objects."""
    value = {1: ["one"], "1": ["text"]}

    def work(value):
        value[1].append("a")
        value["1"].append("b")

    called(work, value)
    assert value == {1: ["one", "a"], "1": ["text", "b"]}


def test_named_arguments_are_followed():
    """Arguments by name are the caller's as well."""
    rows = [1]
    called(lambda *, rows: rows.append(2), rows=rows)
    assert rows == [1, 2]


def test_cycle_is_followed_once():
    """An object that holds itself is changed like any other."""
    box = Box()
    box.inner = [box]
    called(lambda box: box.inner.append(1), box)
    assert box.inner[0] is box
    assert box.inner[1] == 1


def test_nothing_changed_sends_nothing():
    """A call that only reads costs no change."""
    assert called(lambda *_: None, [1, {"a": (2,)}], {3}, Box([float("nan")])) == {}


def test_only_what_changed_is_sent():
    """Large arguments do not travel back for a small change."""
    assert list(called(lambda rows: rows[1].clear(), [["a" * 1000], ["b"]])) == ["0[1]"]


def test_change_of_an_unknown_object_is_reported():
    """A path that is not here is told, and nothing else is touched."""
    rows = [1]
    assert Snapshot((rows,), {}).apply({"0[7]": {"items": [2]}}, codec()) == ["0[7]"]
    assert rows == [1]


def test_snapshot_says_when_it_is_not_complete(monkeypatch):
    """Too many objects to follow are not followed silently."""
    monkeypatch.setattr(module, "_LIMIT", 10)
    assert Snapshot(([[] for _ in range(8)],), {}).complete
    assert not Snapshot(([[] for _ in range(20)],), {}).complete


LEAVES = st.integers(0, 3) | st.text("ab", max_size=2) | st.none()
TREES = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("ab"), inner, max_size=2),
    max_leaves=8,
)


def containers(value, found=None):
    """The lists and dictionaries inside, in a fixed order, each once."""
    found = [] if found is None else found
    if isinstance(value, list | dict) and not any(item is value for item in found):
        found.append(value)
        for part in value.values() if isinstance(value, dict) else value:
            containers(part, found)
    return found


def mutate(value, steps):
    """Change some containers: take out, put in, alias."""
    for where, what, new in steps:
        known = containers(value)
        target, other = known[where % len(known)], known[what % len(known)]
        item = other if new is None else copy.deepcopy(new)
        if isinstance(target, dict):
            target["abc"[what % 3]] = item
        elif what % 3 == 0 and target:
            target.pop(where % len(target))
        else:
            target.insert(where % (len(target) + 1), item)


def shape(value):
    """Content with identity: each container by the number of its first occurrence."""
    known = containers(value)
    number = {id(item): index for index, item in enumerate(known)}

    def part(item):
        return f"#{number[id(item)]}" if id(item) in number else (type(item).__name__, item)

    return [
        [(key, part(item)) for key, item in one.items()] if isinstance(one, dict) else [*map(part, one)]
        for one in known
    ]


@given(
    st.lists(TREES, min_size=1, max_size=3),
    st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9), st.none() | TREES), max_size=5),
)
def test_call_over_the_wire_means_what_it_means_in_plain_python(value, steps):
    """Any changes, aliases and cycles come out as if the function had had the caller's own objects."""
    expected = copy.deepcopy(value)
    before = dict(enumerate(containers(value)))
    mutate(expected, steps)
    called(lambda value: mutate(value, steps), value)
    assert shape(value) == shape(expected)
    assert value is before[0]


def test_graft_keeps_identity():
    """New content goes into the old object where both are of one kind."""
    old = [1]
    assert graft(old, [2]) is old
    assert old == [2]
    assert graft([1], "x") == "x"
    assert graft(1, 2) == 2


class Partly(Box):
    """Says itself what of it travels, as a ``requests.Session`` does."""

    def __getstate__(self):
        return {"inner": self.inner}


def test_what_a_class_does_not_let_travel_is_not_a_change():
    """Connections below a client: no copy has them; what travels comes back."""
    holder = Partly([1])
    holder.connection = Box(None)

    def work(held):
        held.inner.append(2)
        held.added = 1
        held.connection.inner = lambda: None

    args = ([holder],)
    before = Snapshot(args, {})
    theirs = Snapshot(args, {})
    work(holder)
    changed = before.changes(codec())
    assert list(changed) == ["0[0].inner"]
    holder.inner.remove(2)
    assert theirs.apply(changed, codec()) == []
    assert holder.inner == [1, 2]


def test_what_a_function_among_the_arguments_changes_comes_back():
    """In its closure, in the object of its method, in the parts of a ``partial``; an empty variable stays empty."""
    names, count = [], 0
    box = Box([1])

    def note(name):
        nonlocal count
        names.append(name)
        count += 1
        return later

    def put(value, into):
        into.append(value)

    args = (note, box.inner.append, functools.partial(put, into=[2]))
    before, theirs = Snapshot(args, {}, closures=True), Snapshot(args, {}, closures=True)
    with contextlib.suppress(NameError):
        note("a")
    box.inner.append(3)
    args[2](4)
    changed = before.changes(codec())
    assert set(changed) == {"0.count", "0.names.cell_contents", "1.__self__", "2.keywords[into]"}
    names.clear()
    count = 0
    box.inner.remove(3)
    assert theirs.apply(changed, codec()) == []
    assert (names, count, box.inner, args[2].keywords) == (["a"], 1, [1, 3], {"into": [2, 4]})
    if False:
        later = 1


def test_closure_of_a_function_that_came_by_its_name_is_not_followed():
    """On the other side it is the process's own, which other sessions' calls change as well."""
    names = []

    def note(name):
        names.append(name)

    before = Snapshot((note,), {})
    note("a")
    assert before.changes(codec()) == {}
