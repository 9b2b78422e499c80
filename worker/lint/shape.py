"""What the shape of the code says by itself: names as written, turns of loops, ways out of them."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import Any

from worker.lint.values import PLAIN, UNKNOWN, Function, Instance, Known, Outside, Plain, Unordered, Value

_LARGEST_BASE = 1024
_LARGEST_EXPONENT = 64


def of_annotation(kind: type) -> Value:
    if issubclass(kind, set | frozenset):
        return Unordered()
    return PLAIN if kind.__module__ == "builtins" else Instance(kind)


def element(over: Value) -> Value:
    return over if isinstance(over, Outside | Plain) else UNKNOWN


def decorator(node: ast.expr) -> ast.expr:
    return node.func if isinstance(node, ast.Call) else node


def is_property(function: Function) -> bool:
    return any(isinstance(item, Known) and item.object is property for item in function.decorators)


def own_nodes(node: ast.AST) -> Iterator[ast.AST]:
    """The nodes of a function's body without those of functions and classes in it."""
    for child in ast.iter_child_nodes(node):
        yield child
        if not isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda | ast.ClassDef):
            yield from own_nodes(child)


def is_generator(function: Function) -> bool:
    return any(isinstance(item, ast.Yield | ast.YieldFrom) for item in own_nodes(function.node))


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


def turns(node: ast.expr) -> int | None:
    """How many turns a loop takes, where the code says so in numbers."""
    if isinstance(node, ast.List | ast.Tuple | ast.Set):
        return len(node.elts)
    if not isinstance(node, ast.Call) or spoken(node.func) != "range":
        return None
    bounds: list[Any] = []
    for item in node.args:
        try:
            bounds.append(number(item))
        except ValueError:
            return None
    try:
        return len(range(*bounds))
    except (TypeError, ValueError, OverflowError):
        return None


def number(node: ast.expr) -> int:
    """The whole number a constant expression gives."""
    if isinstance(node, ast.Constant) and isinstance(node.value, int):
        return node.value
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        return -number(node.operand)
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mult):
        return number(node.left) * number(node.right)
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Pow):
        base, exponent = number(node.left), number(node.right)
        if 0 <= exponent <= _LARGEST_EXPONENT and abs(base) <= _LARGEST_BASE:
            return int(base**exponent)
    raise ValueError


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
