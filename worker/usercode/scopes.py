"""Which names a scope binds, so that the transform can tell a local name from a global one.

Only what lies in the tree is looked at; nothing is imported or run. Names of a class body count as bound in that
body, and are invisible to the functions inside it, as in Python.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

FunctionNode = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda
ComprehensionNode = ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp


@dataclass(frozen=True)
class Scope:
    """The names one function, lambda, comprehension or class body binds, and the scope around it."""

    names: frozenset[str] = frozenset()
    declared_global: frozenset[str] = frozenset()
    parent: Scope | None = None
    is_class: bool = False

    def binds(self, name: str) -> bool:
        """Whether ``name``, read in this scope, is bound by it or by a function around it."""
        scope: Scope | None = self
        while scope is not None:
            if name in scope.declared_global:
                return False
            if name in scope.names and (scope is self or not scope.is_class):
                return True
            scope = scope.parent
        return False


def function_scope(node: FunctionNode, parent: Scope) -> Scope:
    """The scope of a function's or lambda's body."""
    arguments = node.args
    names = {a.arg for a in (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs)}
    names |= {a.arg for a in (arguments.vararg, arguments.kwarg) if a is not None}
    body: Iterable[ast.AST] = [node.body] if isinstance(node, ast.Lambda) else node.body
    bound, declared = _collect(body)
    return Scope(frozenset((names | bound) - declared), frozenset(declared), parent)


def class_scope(node: ast.ClassDef, parent: Scope) -> Scope:
    """The scope of a class body."""
    bound, declared = _collect(node.body)
    return Scope(frozenset(bound - declared), frozenset(declared), parent, is_class=True)


def comprehension_scope(node: ComprehensionNode, parent: Scope) -> Scope:
    """The scope of a comprehension or generator expression: its loop variables."""
    names = {
        name.id
        for generator in node.generators
        for name in ast.walk(generator.target)
        if isinstance(name, ast.Name) and isinstance(name.ctx, ast.Store)
    }
    return Scope(frozenset(names), parent=parent)


def _collect(roots: Iterable[ast.AST]) -> tuple[set[str], set[str]]:
    """Names bound, and names declared global, by these statements themselves."""
    bound: set[str] = set()
    declared: set[str] = set()
    stack = list(roots)
    while stack:
        node = stack.pop()
        if isinstance(node, ast.Global):
            declared.update(node.names)
            continue
        bound.update(_bound_by(node))
        stack.extend(_same_scope(node))
    return bound, declared


def _bound_by(node: ast.AST) -> Iterator[str]:
    """The names this one node binds."""
    if isinstance(node, ast.Name):
        if not isinstance(node.ctx, ast.Load):
            yield node.id
    elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        yield node.name
    elif isinstance(node, ast.Import | ast.ImportFrom):
        for alias in node.names:
            yield alias.asname or alias.name.partition(".")[0]
    elif isinstance(node, ast.ExceptHandler | ast.MatchAs | ast.MatchStar):
        if node.name is not None:
            yield node.name
    elif isinstance(node, ast.MatchMapping) and node.rest is not None:
        yield node.rest


def _same_scope(node: ast.AST) -> Iterator[ast.AST]:
    """The children of a node that are evaluated in the node's own scope."""
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
        yield from node.decorator_list
        yield from defaults(node)
    elif isinstance(node, ast.Lambda):
        yield from defaults(node)
    elif isinstance(node, ast.ClassDef):
        yield from (*node.decorator_list, *node.bases, *(k.value for k in node.keywords))
    elif isinstance(node, ast.comprehension):
        # Loop variables stay inside, but `:=` in a comprehension binds in the function around it.
        yield from (node.iter, *node.ifs)
    else:
        yield from ast.iter_child_nodes(node)


def defaults(node: FunctionNode) -> Iterator[ast.expr]:
    """The default values of a function's parameters: they are evaluated where the function is defined."""
    yield from node.args.defaults
    yield from (value for value in node.args.kw_defaults if value is not None)
