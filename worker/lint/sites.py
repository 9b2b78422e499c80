"""What a call site says of the parameters of the function it calls: the same function is read once for each kind of call.

Whether ``client.post(…)`` in a helper is a step depends on what its callers hand over, and the runtime asks the object
itself. So a helper that is called with a client and with a dict is read twice, and both readings are reported.
"""

from __future__ import annotations

import ast
from collections.abc import Hashable
from dataclasses import replace
from typing import Final

from worker.lint.values import (
    UNKNOWN,
    Class,
    Container,
    Function,
    Instance,
    Known,
    Lambda,
    Lazy,
    Object,
    Picked,
    Plain,
    Several,
    Value,
)

_READINGS: Final = (
    24  # of one function; whoever calls it in more ways is told what is known without arguments
)
_NESTED: Final = 3  # lists of lists of lists


def arguments_of(function: Function, owner: Value) -> list[Value]:
    """What Python puts before the arguments that are written: the object of a method, what ``partial`` holds."""
    names = {item.object for item in function.decorators if isinstance(item, Known) and _is_hashable(item)}
    if staticmethod in names:
        return list(function.ahead)
    if classmethod in names:
        kind = owner.kind if isinstance(owner, Object) else owner
        return [kind if isinstance(kind, Class) else UNKNOWN, *function.ahead]
    if not isinstance(owner, Object):
        return list(function.ahead)
    own = function.owner  # a class derived from the one that is known has another method under this name
    if own is not None and owner.kind is not own and owner.kind in own.ancestry():
        owner = Object(own)
    return [owner, *function.ahead]


def _is_hashable(value: Known) -> bool:
    return isinstance(value.object, Hashable) and callable(value.object)


def bind(function: Function, given: list[Value], named: dict[str, Value]) -> dict[str, Value]:
    """The parameters that a call gives a value, as Python does it; what does not fit is left out."""
    node = function.node
    if isinstance(node, ast.Module):
        return {}
    names = [item.arg for item in (*node.args.posonlyargs, *node.args.args)]
    found = {name: _as_argument(value) for name, value in zip(names, given, strict=False)}
    if node.args.vararg is not None:
        rest = tuple(map(_as_argument, given[len(names) :]))
        packed = Container("tuple")
        for value in rest:
            packed.put(value)
        packed.parts, packed.size = rest, len(rest)
        found[node.args.vararg.arg] = packed
    by_name = {item.arg for item in (*node.args.args, *node.args.kwonlyargs)}
    found |= {name: _as_argument(value) for name, value in named.items() if name in by_name}
    return found


def _as_argument(value: Value) -> Value:
    """The value without its number, so that a recursive function is not read for every number.

    Neither does it carry on a set's order: that is said of the call itself.
    """
    return Plain() if isinstance(value, Plain | Picked) else value


class Readings:
    """The functions as they are read for one kind of call each."""

    def __init__(self) -> None:
        self._made: dict[tuple[int, Hashable], Function] = {}
        self._count: dict[int, int] = {}

    def clear(self) -> None:
        """Forget all: names are read again."""
        self._made.clear()
        self._count.clear()

    def all(self) -> list[Function]:
        """Every reading that was asked for."""
        return list(self._made.values())

    def of(self, function: Function, bound: dict[str, Value]) -> Function:
        """The function for these parameters."""
        root = function.root
        key = (id(root), tuple((name, _key(value, 0)) for name, value in sorted(bound.items())))
        if key not in self._made:
            count = self._count.get(id(root.node), 0)
            if count >= _READINGS:
                return root
            self._count[id(root.node)] = count + 1
            self._made[key] = replace(root, bound=bound, origin=root, ahead=())
        return self._made[key]


def _key(value: Value, depth: int) -> Hashable:
    """The same for values that a function is read alike for."""
    name = type(value).__name__
    if isinstance(value, Known):
        return name, id(value.object)
    if isinstance(value, Instance):
        return name, value.kind, value.made
    if isinstance(value, Object):
        return name, id(value.kind)
    if isinstance(value, Function):
        return name, id(value)
    if isinstance(value, Class):
        return name, id(value)
    if isinstance(value, Lambda):
        return name, id(value.function)
    if isinstance(value, Several):
        return name, tuple(_key(item, depth + 1) for item in value.options)
    if depth >= _NESTED:
        return name
    if isinstance(value, Lazy):
        return name, _key(value.of, depth + 1)
    if isinstance(value, Container):
        of = _key(value.of, depth + 1) if value.of is not None else None
        parts = tuple(_key(item, depth + 1) for item in value.parts or ()) if value.parts else ()
        return name, value.kind, value.size, of, parts
    return value
