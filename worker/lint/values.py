"""What an expression may be, as far as reading the code tells."""

from __future__ import annotations

import ast
from dataclasses import dataclass, field
from typing import Any


class Value:
    """Anything; its subclasses know more."""


@dataclass(frozen=True)
class Unknown(Value):
    """Nothing is known, not even where it is from."""


@dataclass(frozen=True)
class Outside(Value):
    """What a call to the outside gave, of unknown type."""


@dataclass(frozen=True)
class Plain(Value):
    """Numbers, text, lists, dicts: data whose methods compute."""


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


@dataclass(frozen=True, eq=False)
class Known(Value):
    """An object of a library, found by importing it."""

    object: Any


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

    def find(self, name: str) -> Value | None:
        """A member, here or in a base of the user's."""
        if name in self.members:
            return self.members[name]
        for base in self.bases:
            found = base.find(name) if isinstance(base, Class) else None
            if found is not None:
                return found
        return self.attributes.get(name)

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

    @property
    def name(self) -> str:
        """Its own name, without classes and functions around it."""
        return self.qualname.rpartition(".")[2]


UNKNOWN = Unknown()
OUTSIDE = Outside()
PLAIN = Plain()
LAZY = Lazy()
