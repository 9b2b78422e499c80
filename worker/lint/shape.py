"""What the shape of the code says by itself: names as written, turns of loops, ways out of them."""

from __future__ import annotations

import ast
import collections
import functools
import pathlib
from collections.abc import Callable, Iterator
from typing import Final

from worker.lint.values import PLAIN, UNKNOWN, Container, Function, Instance, Known, Plain, Unordered, Value

_PROPERTIES = (property, functools.cached_property)
# The methods that operators call.
METHODS: Final[dict[type[ast.AST], str]] = {
    ast.Add: "add",
    ast.Sub: "sub",
    ast.Mult: "mul",
    ast.Div: "truediv",
    ast.FloorDiv: "floordiv",
    ast.Mod: "mod",
    ast.Pow: "pow",
    ast.MatMult: "matmul",
    ast.LShift: "lshift",
    ast.RShift: "rshift",
    ast.BitOr: "or",
    ast.BitAnd: "and",
    ast.BitXor: "xor",
    ast.Eq: "eq",
    ast.NotEq: "ne",
    ast.Lt: "lt",
    ast.LtE: "le",
    ast.Gt: "gt",
    ast.GtE: "ge",
}
# The methods that functions of Python's call, the first of them there is.
ASKING: Final[tuple[tuple[Callable[..., object], str], ...]] = (
    *((len, "__len__"), (bool, "__bool__ __len__"), (str, "__str__ __repr__"), (repr, "__repr__")),
    *((hash, "__hash__"), (int, "__int__"), (float, "__float__"), (abs, "__abs__"), (next, "__next__")),
    *((format, "__format__ __str__"), (reversed, "__reversed__"), (print, "__str__ __repr__")),
)
MEASURING: Final[tuple[Callable[..., object], ...]] = (list, tuple, sorted)  # ask for the length as well
ITERATING: Final[tuple[Callable[..., object], ...]] = (
    *(list, tuple, set, frozenset, sorted, sum, min, max, any, all, dict, enumerate, zip, iter),
    collections.deque,
)


def of_annotation(kind: type) -> Value:
    """What an annotation with a class promises; nothing where it may be an object of any class."""
    if kind is object or kind.__module__ == "typing" or getattr(kind, "_is_protocol", False):
        return UNKNOWN
    if issubclass(kind, set | frozenset):
        return Unordered()
    kind = type(pathlib.Path()) if kind is pathlib.Path else kind
    return PLAIN if kind.__module__ == "builtins" else Instance(kind)


def decorator(node: ast.expr) -> ast.expr:
    return node.func if isinstance(node, ast.Call) else node


def is_property(function: Function) -> bool:
    return any(isinstance(item, Known) and item.object in _PROPERTIES for item in function.decorators)


def own_nodes(node: ast.AST) -> Iterator[ast.AST]:
    """The nodes of a function's body without those of functions and classes in it."""
    for child in ast.iter_child_nodes(node):
        yield child
        if not isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda | ast.ClassDef):
            yield from own_nodes(child)


def leaves(body: list[ast.stmt]) -> bool:
    """Whether a loop's body can leave it."""
    return any(
        isinstance(item, ast.Break | ast.Return | ast.Raise | ast.Yield | ast.YieldFrom)
        for statement in body
        for item in (statement, *own_nodes(statement))
    )


def restarts(node: ast.AST) -> bool:
    return any(
        isinstance(item, ast.Call) and spoken(item.func).rpartition(".")[2] == "restart"
        for item in own_nodes(node)
    )


def is_count(node: ast.expr) -> bool:
    return isinstance(node, ast.Call) and spoken(node.func) in {"itertools.count", "count"}


def bound_again(node: ast.AST) -> frozenset[str]:
    """Names that a function binds more than once, or in a loop: what they hold at a place is not sure."""
    found: set[str] = set()
    again: set[str] = set()
    for item in own_nodes(node):
        names = item.names if isinstance(item, ast.Global | ast.Nonlocal) else []
        again.update(names)
        if isinstance(item, ast.Name) and isinstance(item.ctx, ast.Store):
            (again if item.id in found else found).add(item.id)
        elif isinstance(item, ast.AugAssign) and isinstance(item.target, ast.Name):
            again.add(item.target.id)
    return frozenset(again)


def anything(value: Value) -> Value:
    """The value without its number or size."""
    if isinstance(value, Plain):
        return PLAIN
    return Container(value.kind, value.of) if isinstance(value, Container) else value


def is_number(node: ast.expr) -> bool:
    """Whether this is a constant whose hash, and so its place in a set, is the same everywhere."""
    return isinstance(node, ast.Constant) and isinstance(node.value, int | float | None)


def spoken(node: ast.expr) -> str:
    """A callee as the code names it."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        inner = spoken(node.value)
        return f"{inner}.{node.attr}" if inner else f"….{node.attr}"
    if isinstance(node, ast.Call):
        inner = spoken(node.func)
        return f"{inner}()" if inner else ""
    return ""
