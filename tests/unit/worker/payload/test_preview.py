"""Previews: short, the same every time, and made without a line of the user's code."""

from __future__ import annotations

import collections
import dataclasses
import datetime as dt
import enum
import pathlib
import types
import typing

import pytest
from hypothesis import given

from autokitteh.attr_dict import AttrDict
from autokitteh.event import Event, NextEvent
from tests.helpers.strategies import ANYTHING
from worker.payload.preview import call_preview, preview


class Loud:
    """Its code must not be called."""

    def __repr__(self) -> str:
        raise SystemExit("repr was called")

    __str__ = __format__ = __repr__

    def __getattr__(self, name):
        raise SystemExit(f"{name} was read")


class LoudZone(dt.tzinfo):
    """A time zone whose repr is part of a time's."""

    __repr__ = Loud.__repr__

    def utcoffset(self, _when):
        """None of its code is called."""
        raise SystemExit("utcoffset was called")


class LoudDict(dict):
    """A dictionary that reads itself in its own way."""

    items = keys = __iter__ = __getitem__ = __repr__ = Loud.__repr__


class LoudList(list):
    """A list that reads itself in its own way."""

    __iter__ = __len__ = __getitem__ = __repr__ = Loud.__repr__


class LoudError(Exception):
    """An error with attributes of its own."""

    __str__ = __repr__ = __getattr__ = Loud.__repr__


class Colour(enum.Enum):
    """A choice."""

    RED = "r"


class Text(str):
    """A text of a type of its own."""

    __slots__ = ()


class Slotted:
    """An object without a dictionary."""

    __slots__ = ("_hidden", "size", "unset")

    def __init__(self):
        self.size, self._hidden = 3, 4


class Answer:
    """What a library's HTTP client answers: much inside, of which the status says most."""

    def __init__(self):
        self.status_code, self.raw = 503, object()


class Point(typing.NamedTuple):
    """A tuple with names."""

    x: int
    y: int


class LoudText(str):
    """A text with a repr of its own."""

    __slots__ = ()
    __repr__ = Loud.__repr__


@dataclasses.dataclass
class Order:
    """Something with plain fields."""

    number: int
    customer: str


@pytest.mark.parametrize(
    "value",
    [
        Loud(),
        [Loud()],
        {"a": Loud()},
        {1: (Loud(),)},
        collections.deque([Loud()]),
        collections.OrderedDict(a=Loud()),
        collections.defaultdict(list, a=Loud()),
        collections.ChainMap({"a": Loud()}),
        collections.UserList([Loud()]),
        types.MappingProxyType({"a": Loud()}),
        types.SimpleNamespace(a=Loud()),
        {"a": Loud()}.values(),
        slice(Loud()),
        ValueError(Loud()),
        LoudText("x"),
        LoudDict(a=1),
        LoudList([1]),
        LoudError("x"),
        dt.datetime(2026, 1, 2, tzinfo=LoudZone()),
        dt.time(1, tzinfo=LoudZone()),
        [Loud],
        Loud().__init__,
    ],
    ids=lambda value: type(value).__name__,
)
def test_preview_runs_nothing_of_the_users(value):
    """Neither ``__repr__`` nor ``__getattr__`` of anything inside the value is called."""
    assert isinstance(preview(value), str)


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("a", "'a'"),
        (b"a", "b'a'"),
        ([1, None, True], "[1, None, True]"),
        ({"a": 1.5}, "{'a': 1.5}"),
        (dt.date(2026, 1, 2), "datetime.date(2026, 1, 2)"),
        (pathlib.PurePosixPath("/x"), "PurePosixPath('/x')"),
        (range(3), "range(0, 3)"),
        (Order(1, "x"), "Order(number=1, customer='x')"),
        (Order, "Order"),
        (len, "len"),
        (preview, "preview"),
        (ValueError("x"), "ValueError('x')"),
        (object(), "<object>"),
        ((item for item in ()), "<generator>"),
        (collections.Counter("aab"), "Counter({'a': 2, 'b': 1})"),
        ("a\n  b", r"'a\n b'"),
        (AttrDict({"order": AttrDict({"id": 7})}), "{'order': {'id': 7}}"),
        (NextEvent(Event(data={"id": 7})), "{'id': 7}"),
        (Event(data={"id": 7}), "Event(data={'id': 7}, event_id=None, event_type=None, session_id=None)"),
        (Point(1, 2), "Point(x=1, y=2)"),
        (Colour.RED, "Colour.RED"),
        (Text("x"), "Text('x')"),
        (collections.OrderedDict(a=1), "OrderedDict({'a': 1})"),
        (LoudDict(a=1), "LoudDict({'a': 1})"),
        (LoudList([1]), "LoudList([1])"),
        (LoudError("x", 2), "LoudError('x', 2)"),
        (Slotted(), "Slotted(size=3)"),
        (Answer(), "<Answer 503>"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_preview_reads_well(value, shown):
    """Known kinds are shown as Python writes them, others by name; never with an address."""
    assert preview(value) == shown


@given(ANYTHING)
def test_preview_is_short_and_one_line(value):
    """Whatever the value is, its preview is one short line."""
    text = preview(value, 50)
    assert len(text) <= 50
    assert "\n" not in text


def test_preview_bears_cycles_and_size():
    """Values that hold themselves or very many others are shown in part."""
    loop: list = []
    loop.append(loop)
    assert len(preview(loop)) <= 80
    assert len(preview("x" * 100_000)) <= 80
    assert len(preview(list(range(100_000)))) <= 80
    assert isinstance(preview(10**5000), str)


def test_objects_of_the_users_own_modules_are_shown_with_what_they_hold():
    """In whatever file the class stands; of a library's, objects that hold others are named only."""
    order = Order(1, Colour.RED)
    assert preview(order, own=lambda module: module == __name__) == "Order(number=1, customer=Colour.RED)"
    assert preview(order) == "<Order>"


def test_call_preview_reads_like_the_call():
    """Names, positional and named arguments stand as in the source, cut at the limit."""
    assert call_preview("f", ("a",), {"n": 1}) == "f('a', n=1)"
    long = call_preview("f", ("x" * 50,) * 20, {})
    assert len(long) <= 200
    assert long.endswith("…)")
