"""Find the equalities without which a filter cannot match, so that events are compared with few filters."""

from __future__ import annotations

from typing import TypeAlias

from manifest.cel_ast import Call, Ident, Index, Literal, Logic, Node, Select
from manifest.cel_values import UInt

Scalar: TypeAlias = str | int | float | bool | bytes | None
Equality: TypeAlias = tuple[tuple[str, ...], Scalar]


def equalities(node: Node | None) -> tuple[Equality, ...]:
    """List ``(path, literal)`` of each ``data.a.b == literal`` among the conjuncts at the top, in their order."""
    if node is None:
        return ()
    terms = node.terms if isinstance(node, Logic) and node.symbol == "&&" else (node,)
    found = (_equality(term) for term in terms)
    return tuple(equality for equality in found if equality is not None)


def _equality(node: Node) -> Equality | None:
    if not isinstance(node, Call) or node.name != "==":
        return None
    left, right = node.arguments
    if isinstance(left, Literal):
        left, right = right, left
    path = _path(left)
    if not path or not isinstance(right, Literal) or not isinstance(right.value, Scalar | None):
        return None
    return path, int(right.value) if isinstance(right.value, UInt) else right.value


def _path(node: Node) -> tuple[str, ...]:
    """Return the keys that lead to a value, from the variable on, or nothing."""
    keys: list[str] = []
    while not isinstance(node, Ident):
        if isinstance(node, Select):
            keys.append(node.name)
        elif isinstance(node, Index) and isinstance(node.key, Literal) and isinstance(node.key.value, str):
            keys.append(node.key.value)
        else:
            return ()
        node = node.operand
    if node.name == "data":
        return ("data", *reversed(keys)) if keys else ()
    return ("event_type",) if node.name == "event_type" and not keys else ()
