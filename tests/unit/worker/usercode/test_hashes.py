"""Objects that Python hashes by their address have numbers instead; nothing else changes."""

from __future__ import annotations

import copy
import dataclasses
import enum
import gc
import inspect
import itertools
import pickle
import weakref
from typing import NamedTuple, Protocol

import pytest

from worker.usercode import hashes
from worker.usercode.transform import transform

numbers = itertools.count()
numbered = hashes.by_number(lambda: numbers)


@numbered
class Job:
    """A plain class of the user's."""

    def __init__(self, name):
        self.name = name


def test_a_set_goes_by_the_order_in_which_objects_were_hashed():
    """Whatever their addresses are."""
    for _ in range(20):
        rest = [object() for _ in range(100)]
        jobs = [Job(name) for name in "abcdefgh"]
        del rest
        first = next(numbers) + 1
        ordered = sorted(range(8), key=lambda n, first=first: (first + n) % 32)
        assert [job.name for job in {*jobs}] == ["abcdefgh"[n] for n in ordered]


def test_an_object_keeps_its_number_and_shows_nothing_of_it():
    """In dictionaries, weak ones, and what reads attributes."""
    job = Job("a")
    assert hash(job) == hash(job)
    assert {job: 1}[job] == 1
    assert weakref.WeakKeyDictionary({job: 2})[job] == 2
    assert vars(job) == {"name": "a"}
    assert copy.deepcopy(job) not in {job: 1}
    assert vars(pickle.loads(pickle.dumps(job))) == {"name": "a"}
    assert job != Job("a")


def test_numbers_are_forgotten_with_their_objects():
    """Also of those that refer to themselves."""
    known = inspect.getclosurevars(Job.__hash__).nonlocals["known"]
    gc.collect()
    before = len(known)
    jobs = [Job("a") for _ in range(50)]
    for job in jobs:
        job.name = job
        hash(job)
    assert len(known) == before + 50
    del jobs, job
    gc.collect()
    assert len(known) == before


def test_a_class_that_says_how_it_is_hashed_is_left_alone():
    """By its values, not at all, or by a number of its own."""

    @numbered
    @dataclasses.dataclass
    class Mutable:
        x: int = 0

    @numbered
    @dataclasses.dataclass(frozen=True)
    class Frozen:
        x: int = 0

    @numbered
    class Equal:  # noqa: PLW1641 - that is the point
        def __eq__(self, other):
            return True

    @numbered
    class Named(NamedTuple):
        x: int = 0

    @numbered
    class Colour(enum.Enum):
        RED = 1

    @numbered
    class Own:
        def __hash__(self):
            return 7

    for unhashable in (Mutable(), Equal()):
        with pytest.raises(TypeError, match="unhashable"):
            hash(unhashable)
    assert {Frozen(): 1}[Frozen()] == 1
    assert hash(Named()) == hash((0,))
    assert hash(Own()) == 7
    assert hash(Colour.RED) == hash("RED")


def test_a_class_made_of_a_numbered_one_is_as_python_makes_it():
    """Equality takes the hash away, fields give another, and nothing said leaves the number."""

    class Equal(Job):  # noqa: PLW1641 - that is the point
        def __eq__(self, other):
            return True

    @dataclasses.dataclass(frozen=True)
    class Frozen(Job):
        x: int = 0

    class Plain(Job):
        pass

    with pytest.raises(TypeError, match="unhashable"):
        hash(Equal("a"))
    assert hash(Frozen(1)) == hash(Frozen(1))
    assert hash(Plain("a")) < 1 << 40


def test_what_has_no_place_for_a_weak_reference_keeps_its_address():
    """And what is no class is handed on."""

    @numbered
    class Slots:
        __slots__ = ("x",)

    @numbered
    class Shape(Protocol):
        def area(self): ...

    slots = Slots()
    assert hash(slots) == object.__hash__(slots)
    assert numbered(3) == 3
    assert isinstance(Shape, type)


def test_outside_of_sessions_numbers_begin_elsewhere():
    """An object that is hashed there first shifts no number of a session."""
    made = hashes.by_number(lambda: None)(type("Outside", (), {}))
    assert hash(made()) >= 1 << 40


def test_a_class_statement_is_where_it_was():
    """For what reads source lines, and for tracebacks through decorators."""
    source = "def d(c): return c\n@d\nclass A:\n    class B:\n        x = 1\n"
    plain, ours = {}, {"__ak_class__": numbered, "__ak_route__": lambda f, _: f}
    exec(compile(source, "m.py", "exec"), plain)
    code = compile(transform(source, "m.py"), "m.py", "exec")
    exec(code, ours)
    lines = [c.co_firstlineno for c in code.co_consts if inspect.iscode(c)]
    assert lines == [c.co_firstlineno for c in compile(source, "m.py", "exec").co_consts if inspect.iscode(c)]
    assert ours["A"].B.x == plain["A"].B.x
    assert "__hash__" in vars(ours["A"].B)
