"""What calls, operators and subscripts give: the parts of Python whose results are made of what they are given."""

from __future__ import annotations

import ast
import collections
import datetime as dt
import decimal
import functools
import io
import itertools
import pathlib
import random
from typing import Any, Final

from worker.lint.values import (
    PART,
    PICKED,
    PLAIN,
    UNKNOWN,
    Container,
    Instance,
    Outside,
    Picked,
    Plain,
    Unordered,
    Value,
    element,
    join,
    size_of,
)

_SET_METHODS: Final = frozenset(
    {"union", "intersection", "difference", "symmetric_difference", "copy", "__or__", "__and__", "__sub__"}
)
_IN_THEIR_ORDER: Final[tuple[Any, ...]] = (
    *(list, tuple, enumerate, reversed, iter, map, filter, zip, dict, dict.fromkeys, collections.deque),
    *(collections.OrderedDict, collections.Counter, itertools.chain, itertools.islice, itertools.cycle),
    *(itertools.product, itertools.combinations, itertools.permutations, itertools.filterfalse),
)
_SAME_MEMBERS: Final[tuple[Any, ...]] = (list, tuple, iter, reversed, collections.deque, sorted)
_ONE_MEMBER: Final[tuple[Any, ...]] = (max, min, next, random.choice)
_UNSAID: Final[tuple[Any, ...]] = (type, eval, exec, vars, globals, locals, __import__, sum, filter, dict)
_PUTS: Final = {"append": 0, "add": 0, "appendleft": 0, "insert": 1, "setdefault": 1}
_TAKES: Final = frozenset({"pop", "popleft", "get", "setdefault"})
_KEPT_BY_OPERATORS: Final = (dt.date, dt.timedelta, decimal.Decimal, pathlib.PurePath)


def _is_one_of(callee: Any, those: tuple[Any, ...]) -> bool:
    return any(callee is item or (callable(item) and callee == item) for item in those)


def of_known(callee: Any, arguments: list[Value]) -> Value | None:
    """What a function of Python's gives that hands on what it was given; None for all others."""
    first = arguments[0] if arguments else None
    try:
        in_order = _is_one_of(callee, _IN_THEIR_ORDER)
    except Exception:
        return None
    unordered = next((item for item in arguments if isinstance(item, Unordered)), None)
    if in_order and unordered is not None:
        return unordered
    if callee is set or callee is frozenset:
        return Unordered(stable=(isinstance(first, Unordered) and first.stable) or _are_numbers(first))
    if callee is functools.partial and first is not None:
        return first
    if callee is range:
        return Container("list", PLAIN, size=_turns(arguments))
    if first is None:
        return None
    if callee is enumerate:
        return Container("list", Container("tuple", None, (PLAIN, element(first))), size=size_of(first))
    if callee is zip:
        sizes = [size_of(item) for item in arguments]
        size = min((item for item in sizes if item is not None), default=None) if None not in sizes else None
        return Container("list", Container("tuple", None, tuple(map(element, arguments))), size=size)
    if callee is map:
        return Container("list", UNKNOWN, size=size_of(arguments[1]) if len(arguments) > 1 else None)
    if _is_one_of(callee, _SAME_MEMBERS):
        return Container("list", element(first), size=size_of(first))
    if _is_one_of(callee, _ONE_MEMBER):
        if unordered is not None and callee in {next, random.choice}:
            return PLAIN if unordered.stable else PICKED
        return element(first)
    return UNKNOWN if _is_one_of(callee, _UNSAID) else None


def of_open(made: Value, node: ast.Call) -> Value | None:
    """What ``open`` gives for this mode; None when no file is opened, or a text is read."""
    if not isinstance(made, Instance) or made.kind is not io.TextIOWrapper:
        return None
    given = [item.value for item in node.keywords if item.arg == "mode"] or node.args[-1:]
    mode = given[0].value if given and isinstance(given[0], ast.Constant) else ""
    if not isinstance(mode, str) or not set(mode) <= set("rwaxbt+"):
        return None
    if set(mode) & set("wax+"):
        return Instance(io.BufferedWriter, made=True)
    return Instance(io.BufferedReader, made=True) if "b" in mode else None


def _are_numbers(value: Value | None) -> bool:
    return (
        isinstance(value, Container)
        and bool(value.parts)
        and all(isinstance(item, Plain) and item.number is not None for item in value.parts or ())
    )


def _turns(arguments: list[Value]) -> int | None:
    bounds = [item.number for item in arguments if isinstance(item, Plain) and item.number is not None]
    if len(bounds) != len(arguments):
        return None
    try:
        return len(range(*bounds))
    except (TypeError, ValueError, OverflowError):
        return None


def of_method(owner: Value, method: str, arguments: list[Value]) -> Value | None:
    """What a method of a container gives, and what it does to it; None for other objects."""
    if isinstance(owner, Unordered):
        if method in _SET_METHODS:
            return Unordered()
        return (PLAIN if owner.stable else PICKED) if method == "pop" else PLAIN
    if isinstance(owner, Plain):
        if any(isinstance(item, Picked | Unordered) for item in arguments):
            return PLAIN
        return Container("keys", PLAIN) if method == "keys" else None
    if isinstance(owner, Outside):
        return PART
    if not isinstance(owner, Container):
        return None
    if method in _PUTS and len(arguments) > _PUTS[method]:
        owner.put(arguments[_PUTS[method]])
    elif method in {"extend", "update"}:
        owner.put(owner_of(arguments[0]) if arguments else UNKNOWN)
    elif method in {"remove", "clear", "popitem", "discard", "popleft", "pop"}:
        owner.parts = owner.size = None
    if method in _TAKES:
        default = arguments[1] if len(arguments) > 1 else None
        return join(default, owner.of or UNKNOWN)
    if method == "keys":
        return Container("keys", PLAIN, size=owner.size)
    if method == "values":
        return Container("list", owner.of, size=owner.size)
    if method == "items":
        return Container("items", Container("tuple", None, (PLAIN, owner.of or UNKNOWN)), size=owner.size)
    return owner if method == "copy" else PLAIN


def owner_of(value: Value) -> Value:
    """The members that ``extend`` or ``update`` puts in."""
    if isinstance(value, Container) and value.kind == "dict":
        return value.of or UNKNOWN
    return element(value)


def of_subscript(owner: Value, index: ast.expr) -> Value:
    """A member of something."""
    if isinstance(owner, Unordered):
        return owner if isinstance(index, ast.Slice) or owner.stable else PICKED  # a list made of a set
    if isinstance(owner, Container):
        if isinstance(index, ast.Slice):
            return Container(owner.kind, owner.of)
        place = index.value if isinstance(index, ast.Constant) else None
        if owner.parts is not None and isinstance(place, int) and 0 <= place < len(owner.parts):
            return owner.parts[place]
        return owner.of or UNKNOWN
    if isinstance(owner, Outside):
        return PART
    return PLAIN if isinstance(owner, Plain) else UNKNOWN


def of_operator(operator: ast.operator, left: Value, right: Value) -> Value:
    """What an operator gives."""
    if isinstance(left, Unordered) or isinstance(right, Unordered):
        stable = all(not isinstance(item, Unordered) or item.stable for item in (left, right))
        return Unordered(stable=stable)
    views = isinstance(left, Container) and left.kind in {"keys", "items"}
    if views and isinstance(operator, ast.Sub | ast.BitAnd | ast.BitOr | ast.BitXor):
        return Unordered()
    if isinstance(left, Picked) or isinstance(right, Picked):
        return PICKED
    if isinstance(left, Instance) and issubclass(left.kind, _KEPT_BY_OPERATORS):
        return left
    if isinstance(left, Container) and isinstance(right, Container):
        sizes = left.size, right.size
        size = sizes[0] + sizes[1] if sizes[0] is not None and sizes[1] is not None else None
        return Container(left.kind, join(left.of, right.of or UNKNOWN), size=size)
    if isinstance(left, Container) or isinstance(right, Container):
        return UNKNOWN
    if isinstance(left, Plain) and isinstance(right, Plain):
        return Plain(_number(operator, left.number, right.number))
    return PLAIN if isinstance(left, Plain) else UNKNOWN


_LARGEST_EXPONENT: Final = 64
_LARGEST_BASE: Final = 1024


def _number(operator: ast.operator, left: int | None, right: int | None) -> int | None:
    if left is None or right is None:
        return None
    if isinstance(operator, ast.Add):
        return left + right
    if isinstance(operator, ast.Sub):
        return left - right
    if isinstance(operator, ast.Mult):
        return left * right
    if isinstance(operator, ast.FloorDiv) and right:
        return left // right
    small = 0 <= right <= _LARGEST_EXPONENT and abs(left) <= _LARGEST_BASE
    return left**right if isinstance(operator, ast.Pow) and small else None
