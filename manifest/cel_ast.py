"""The tree of an expression; ``offset`` is the place of the token that names the node."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, TypeAlias


@dataclass(frozen=True, slots=True)
class Literal:
    """A constant."""

    offset: int
    value: Any


@dataclass(frozen=True, slots=True)
class Ident:
    """A variable, or the name of a type."""

    offset: int
    name: str


@dataclass(frozen=True, slots=True)
class Select:
    """``operand.name``."""

    offset: int
    operand: Node
    name: str


@dataclass(frozen=True, slots=True)
class Has:
    """``has(operand.name)``."""

    offset: int
    operand: Node
    name: str


@dataclass(frozen=True, slots=True)
class Index:
    """``operand[key]``."""

    offset: int
    operand: Node
    key: Node


@dataclass(frozen=True, slots=True)
class Call:
    """A function, an operator (its name is the symbol) or, with a target, a method."""

    offset: int
    name: str
    arguments: tuple[Node, ...]
    is_method: bool = False


@dataclass(frozen=True, slots=True)
class Logic:
    """``&&`` or ``||`` over two or more terms."""

    offset: int
    symbol: str
    terms: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Conditional:
    """``condition ? then : otherwise``."""

    offset: int
    condition: Node
    then: Node
    otherwise: Node


@dataclass(frozen=True, slots=True)
class ListLiteral:
    """``[a, b]``."""

    offset: int
    elements: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class MapLiteral:
    """``{a: b}``."""

    offset: int
    entries: tuple[tuple[Node, Node], ...]


@dataclass(frozen=True, slots=True)
class Macro:
    """A loop over a list or a map's keys: ``all``, ``exists``, ``exists_one``, ``map``, ``filter``, ``sortBy``."""

    offset: int
    name: str
    source: Node
    variable: str
    bodies: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Bind:
    """``cel.bind(variable, value, body)``."""

    offset: int
    variable: str
    value: Node
    body: Node


Node: TypeAlias = (
    Literal
    | Ident
    | Select
    | Has
    | Index
    | Call
    | Logic
    | Conditional
    | ListLiteral
    | MapLiteral
    | Macro
    | Bind
)


def qualified_name(node: Node) -> str:
    """Return ``a.b.c`` for a chain of names, or an empty string for anything else."""
    names: list[str] = []
    while isinstance(node, Select):
        names.append(node.name)
        node = node.operand
    if not isinstance(node, Ident):
        return ""
    names.append(node.name)
    return ".".join(reversed(names))


def is_path(node: Node) -> bool:
    """Whether it is a name, with fields and constant keys: ``data.items[0].name``."""
    while isinstance(node, Select) or (isinstance(node, Index) and isinstance(node.key, Literal)):
        node = node.operand
    return isinstance(node, Ident)


def children(node: Node) -> Iterator[Node]:
    """The expressions inside one, in their order."""
    if isinstance(node, Select | Has):
        yield node.operand
    elif isinstance(node, Index):
        yield from (node.operand, node.key)
    elif isinstance(node, Call):
        yield from node.arguments
    elif isinstance(node, Logic):
        yield from node.terms
    elif isinstance(node, Conditional):
        yield from (node.condition, node.then, node.otherwise)
    elif isinstance(node, ListLiteral):
        yield from node.elements
    elif isinstance(node, MapLiteral):
        for pair in node.entries:
            yield from pair
    elif isinstance(node, Macro):
        yield from (node.source, *node.bodies)
    elif isinstance(node, Bind):
        yield from (node.value, node.body)


def has_variable(node: Node, names: set[str]) -> bool:
    """Whether one of the names stands in it."""
    if isinstance(node, Ident):
        return node.name in names
    return any(has_variable(child, names) for child in children(node))
