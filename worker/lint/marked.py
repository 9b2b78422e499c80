"""Findings in functions marked ``@activity``: what they change and what they return."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import Final

from worker.lint.expressions import Summary
from worker.lint.findings import ERROR, NOTE, Hazard, hazard
from worker.lint.shape import own_nodes
from worker.lint.values import Function, Instance, Lambda

_MUTATORS: Final = frozenset(
    [
        "append",
        "extend",
        "insert",
        "remove",
        "pop",
        "clear",
        "sort",
        "reverse",
        "add",
        "discard",
        "update",
        "setdefault",
        "popitem",
        "appendleft",
        "popleft",
    ]
)
_LIVE: Final = frozenset(["sqlite3.Connection", "sqlite3.Cursor", "socket.socket", "subprocess.Popen"])


def changed_arguments(function: Function) -> Iterator[Hazard]:
    """The first change of an argument."""
    node = function.node
    if isinstance(node, ast.Module | ast.Lambda):
        return
    arguments = node.args
    names = {item.arg for item in (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs)} - {"self"}
    for item in own_nodes(node):
        name = _changed_name(item)
        if name in names:
            yield hazard(
                function,
                getattr(item, "lineno", node.lineno),
                "changed-argument",
                NOTE,
                f"the activity {function.qualname} changes its argument {name}",
                "the change is carried back when the call ends; returning the new value says it better",
            )
            return


def _changed_name(node: ast.AST) -> str:
    """The name whose object a node changes; empty when it changes none."""
    targets: list[ast.expr] = []
    if isinstance(node, ast.Assign | ast.Delete):
        targets = list(node.targets)
    elif isinstance(node, ast.AugAssign):
        targets = [node.target]
    elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in _MUTATORS:
        return node.func.value.id if isinstance(node.func.value, ast.Name) else ""
    for target in targets:
        if isinstance(target, ast.Subscript | ast.Attribute) and isinstance(target.value, ast.Name):
            return target.value.id
    return ""


def unkeepable_results(function: Function, summary: Summary) -> Iterator[Hazard]:
    """Results that no history can hold."""
    for line, value in summary.returned:
        what = ""
        if isinstance(value, Lambda) or (isinstance(value, Function) and value.local):
            what = "a function without a place of its own"
        elif (
            isinstance(value, Instance)
            and value.made
            and value.kind.__module__ in {"_io", "threading", "_thread"}
        ):
            what = f"a {value.kind.__qualname__.lstrip('_')}"
        elif isinstance(value, Instance) and f"{value.kind.__module__}.{value.kind.__qualname__}" in _LIVE:
            what = f"a {value.kind.__qualname__}"
        if what:
            yield hazard(
                function,
                line,
                "unkeepable-result",
                ERROR,
                f"the activity {function.qualname} returns {what}, which cannot be kept",
                "return data made from it",
            )
