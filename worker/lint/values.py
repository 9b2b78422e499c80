"""What an expression may be, as far as reading the code tells."""

from __future__ import annotations

import ast
from dataclasses import dataclass, field, replace
from typing import Any


class Value:
    """Anything; its subclasses know more."""


@dataclass(frozen=True)
class Unknown(Value):
    """Nothing is known, not even where it is from."""


@dataclass(frozen=True)
class Outside(Value):
    """What a call to the outside gave, of unknown type. ``part``: an attribute or member of such, or made by its method."""

    part: bool = False


@dataclass(frozen=True)
class Plain(Value):
    """Numbers, text, and what JSON holds: data whose methods compute. ``number``: a constant that is one."""

    number: int | None = None


@dataclass(eq=False)
class Container(Value):
    """A list, tuple or dict that the code makes itself. ``of``: what is in it, None while nothing is known to be.

    ``parts`` are the members of a display, ``size`` how many there are while nobody changed it.
    """

    kind: str = "list"
    of: Value | None = None
    parts: tuple[Value, ...] | None = None
    size: int | None = None

    def put(self, value: Value) -> None:
        """One more member."""
        self.of = join(self.of, value)
        self.parts = self.size = None


@dataclass(frozen=True, eq=False)
class Several(Value):
    """One of these functions, as in a table of them."""

    options: tuple[Value, ...]


@dataclass(frozen=True)
class Picked(Value):
    """A member that was taken from a set in the set's order, or a text made of one."""


@dataclass(frozen=True)
class Unordered(Value):
    """A set, or what was made of one in its order. ``stable``: of numbers, whose order is the same everywhere."""

    stable: bool = False


@dataclass(frozen=True)
class Lambda(Value):
    """A function without a name, or one defined inside another: it has no name to travel by."""

    function: Function | None = None


@dataclass(frozen=True)
class Lazy(Value):
    """A generator expression or a call of a generator function."""

    of: Value = field(default_factory=Unknown)


@dataclass(frozen=True, eq=False)
class Known(Value):
    """An object of a library, found by importing it."""

    object: Any
    line: int = 0  # where it was put into a ``functools.partial``, whose line its calls have


@dataclass(frozen=True, eq=False)
class Instance(Value):
    """An object of a library's class. ``made``: by its constructor here, so it is the object itself and no copy."""

    kind: type
    made: bool = False


@dataclass(frozen=True)
class Module(Value):
    """A module of the user's, by its name in imports."""

    name: str


@dataclass(eq=False)
class Class(Value):
    """A class of the user's."""

    module: str
    file: str
    node: ast.ClassDef
    qualname: str
    bases: list[Value] = field(default_factory=list)
    members: dict[str, Value] = field(default_factory=dict)
    attributes: dict[str, Value] = field(default_factory=dict)
    derived: list[Class] = field(default_factory=list)
    assigned: set[str] = field(default_factory=set)  # fields that got a value that is known

    def find(self, name: str) -> Value | None:
        """A member, here or in a base of the user's."""
        if name in self.members:
            return self.members[name]
        for base in self.bases:
            found = base.find(name) if isinstance(base, Class) else None
            if found is not None:
                return found
        return self.attributes.get(name)

    def assign(self, name: str, value: Value) -> None:
        """A field gets a value, one of several maybe."""
        if value == UNKNOWN:
            return
        before = self.attributes.get(name)
        self.attributes[name] = (
            value if name not in self.assigned and before == UNKNOWN else join(before, value)
        )
        self.assigned.add(name)

    def overriding(self, name: str) -> list[Value]:
        """What classes derived from it have under a name."""
        found = []
        for kind in self.derived:
            found += [kind.members[name]] if name in kind.members else kind.overriding(name)
        return found

    def ancestry(self) -> list[Class]:
        """Itself and the classes of the user's it is derived from, the nearest first."""
        found = [self]
        for base in self.bases:
            found += [
                kind for kind in (base.ancestry() if isinstance(base, Class) else ()) if kind not in found
            ]
        return found

    def library_bases(self) -> list[type]:
        """The classes of libraries it is derived from."""
        found: list[type] = []
        for base in self.bases:
            if isinstance(base, Class):
                found += base.library_bases()
            elif isinstance(base, Known) and isinstance(base.object, type):
                found.append(base.object)
        return found


@dataclass(frozen=True)
class Object(Value):
    """An object of a class of the user's."""

    kind: Class


@dataclass(eq=False)
class Function(Value):
    """A function of the user's, or a module's own code (``node`` is the module then)."""

    module: str
    file: str
    node: ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda | ast.Module
    qualname: str
    owner: Class | None = None
    decorators: list[Value] = field(default_factory=list)
    local: bool = False
    closure: dict[str, Value] = field(default_factory=dict)
    given: tuple[Value, ...] = ()  # arguments, where it is read for one call
    wraps: Function | None = None  # what a decorator of the user's was put around
    ahead: tuple[Value, ...] = ()  # what ``functools.partial`` put before the arguments
    bound: dict[str, Value] | None = None  # its parameters, where it is read for one kind of call
    origin: Function | None = None  # the function that this is a reading of

    @property
    def root(self) -> Function:
        """The function itself, whichever call it is read for."""
        return self.origin or self

    @property
    def name(self) -> str:
        """Its own name, without classes and functions around it."""
        return self.qualname.rpartition(".")[2]


UNKNOWN = Unknown()
PART = Outside(part=True)
PLAIN = Plain()
LAZY = Lazy()
PICKED = Picked()
NOTHING = Known(None)


def join(one: Value | None, other: Value) -> Value:
    """What something is that is either this or that."""
    if one is None or one is other:
        return other
    if isinstance(one, Known) and isinstance(other, Known) and one.object is other.object:
        return one
    if isinstance(one, Known) and one.object is None:
        return other
    if isinstance(other, Known) and other.object is None:
        return one
    if isinstance(one, Instance) and isinstance(other, Instance) and one.kind is other.kind:
        return Instance(one.kind, made=one.made and other.made)
    if isinstance(one, Container) and isinstance(other, Container) and one.kind == other.kind:
        of = one.of if other.of is None else join(one.of, other.of)
        if one.parts is None or other.parts is None or len(one.parts) != len(other.parts):
            return Container(one.kind, of)
        parts = tuple(map(join, one.parts, other.parts))
        return Container(one.kind, of, parts, len(parts))
    if _is_function(one) and _is_function(other):
        return Several(tuple(dict.fromkeys((*_options(one), *_options(other)))))
    if isinstance(one, Plain) and isinstance(other, Plain):
        return one if one == other else PLAIN
    if isinstance(one, Object) and isinstance(other, Object):
        shared = next((kind for kind in one.kind.ancestry() if kind in other.kind.ancestry()), None)
        return Object(shared) if shared is not None else UNKNOWN
    return one if one == other else UNKNOWN


def _is_function(value: Value) -> bool:
    return isinstance(value, Function | Several | Class) or (
        isinstance(value, Known) and callable(value.object)
    )


def _options(value: Value) -> tuple[Value, ...]:
    return value.options if isinstance(value, Several) else (value,)


def element(over: Value) -> Value:
    """What a turn of a loop over it gives."""
    if isinstance(over, Container):
        return PLAIN if over.kind in {"keys", "dict"} else over.of or UNKNOWN
    if isinstance(over, Lazy):
        return over.of
    if isinstance(over, Outside):
        return PART
    return PLAIN if isinstance(over, Plain) else UNKNOWN


def size_of(over: Value) -> int | None:
    """How many members it has, where the code says so."""
    return over.size if isinstance(over, Container) else None


def fresh(value: Value) -> Value:
    """The same, but another one: what a second call gives."""
    return replace(value) if isinstance(value, Outside | Instance) else value
