"""Read the statements of one function, one after the other.

A function inside a function is read where it stands, with the names around it as they are there.
"""

from __future__ import annotations

import ast
import collections.abc
import functools
import typing
from typing import Any, Final

from worker.lint import results, shape
from worker.lint.calls import is_activity
from worker.lint.expressions import Expressions
from worker.lint.names import Loop
from worker.lint.values import UNKNOWN, Class, Container, Function, Known, Lazy, Object, Value, element, join

_LISTS: Final[tuple[Any, ...]] = (list, collections.abc.Sequence, collections.abc.Iterable, collections.deque)
_MAPPINGS: Final[tuple[Any, ...]] = (dict, collections.abc.Mapping, collections.defaultdict)


class Walker(Expressions, ast.NodeVisitor):
    """Reads one function."""

    def generic_visit(self, node: ast.AST) -> None:
        """Expressions are read as values, statements one after the other."""
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.expr):
                self.value(child)
            else:
                self.visit(child)

    def visit_Assign(self, node: ast.Assign) -> None:
        found = self.value(node.value)
        for target in node.targets:
            self.bind(target, found)

    def visit_AnnAssign(self, node: ast.AnnAssign) -> None:
        found = self.value(node.value) if node.value is not None else self.annotated(node.annotation)
        self.bind(node.target, found)

    def visit_AugAssign(self, node: ast.AugAssign) -> None:
        given = self.value(node.value)
        target = node.target
        if isinstance(target, ast.Name):
            before = self.lookup(target.id)
            if isinstance(before, Container):
                before.put(element(given))
            else:
                self._names[target.id] = shape.anything(results.of_operator(node.op, before, given))
        elif isinstance(target, ast.Subscript):
            self.value(target)
            owner = self.value_quietly(target.value)
            self.on_store(owner, "__setitem__", target)
            self.implied(owner, "__setitem__", target)

    def visit_Delete(self, node: ast.Delete) -> None:
        for target in node.targets:
            if isinstance(target, ast.Subscript):
                owner = self.value(target.value)
                self.on_store(owner, "__delitem__", target)
                self.implied(owner, "__delitem__", target)

    def visit_Return(self, node: ast.Return) -> None:
        if node.value is not None:
            self.summary.returned.append((node.lineno, self.value(node.value)))

    def visit_For(self, node: ast.For | ast.AsyncFor) -> None:
        over = self.turns(self.value(node.iter), node)
        self.bind(node.target, element(over))
        self._inside(self._loop(node.iter, over, node), node.body)
        for statement in node.orelse:
            self.visit(statement)

    def visit_AsyncFor(self, node: ast.AsyncFor) -> None:
        self.visit_For(node)

    def visit_While(self, node: ast.While) -> None:
        forever = (
            isinstance(node.test, ast.Constant) and bool(node.test.value) and not shape.leaves(node.body)
        )
        loop = Loop(node.lineno, None, UNKNOWN, forever=forever, restarts=shape.restarts(node))
        self._loops.append(loop)
        self.value(node.test)
        self._loops.pop()
        self._inside(loop, node.body)

    def _inside(self, loop: Loop, body: list[ast.stmt]) -> None:
        self.summary.loops.append(loop)
        self._loops.append(loop)
        for statement in body:
            self.visit(statement)
        self._loops.pop()

    def visit_With(self, node: ast.With | ast.AsyncWith) -> None:
        for item in node.items:
            found = self.value(item.context_expr)
            self.summary.entered.append((item.context_expr.lineno, found, item.context_expr))
            if isinstance(found, Object):
                kind = found.kind
                enter = kind.find("__enter__") or kind.find("__aenter__")
                entered = self.implied(found, "__enter__ __aenter__", node)
                self.implied(found, "__exit__ __aexit__", node)
                found = entered if enter else found
            elif isinstance(found, Lazy):
                found = found.of  # a function marked @contextmanager
            if item.optional_vars is not None:
                self.bind(item.optional_vars, found)
        for statement in node.body:
            self.visit(statement)

    def visit_AsyncWith(self, node: ast.AsyncWith) -> None:
        self.visit_With(node)

    def visit_Import(self, node: ast.Import) -> None:
        for alias in node.names:
            name = alias.name if alias.asname else alias.name.partition(".")[0]
            self._code.import_(alias.name)
            self._names[alias.asname or name] = self._code.import_(name)

    def visit_ImportFrom(self, node: ast.ImportFrom) -> None:
        for alias in node.names:
            found = self._code.import_from(self._source, node.module or "", node.level, alias.name)
            self._names[alias.asname or alias.name] = found

    def visit_FunctionDef(self, node: ast.FunctionDef) -> None:
        self.define_function(node)

    def visit_AsyncFunctionDef(self, node: ast.AsyncFunctionDef) -> None:
        self.define_function(node)

    def visit_ClassDef(self, node: ast.ClassDef) -> None:
        self.define_class(node)

    def define_function(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> None:
        """A function inside this one."""
        outer = self.summary.function.qualname
        name = node.name if isinstance(self.summary.function.node, ast.Module) else f"{outer}.{node.name}"
        function = Function(self._source.name, self._source.file, node, name, local=True)
        function.decorators = self.decorators(node)
        self.summary.inner.append(function)
        function.closure = self._names | {node.name: function}
        self._names[node.name] = self.decorated(function)
        function.closure = dict(self._names)

    def decorators(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> list[Value]:
        """The decorators of a function, without their arguments."""
        return [self.value_quietly(item) for item in map(shape.decorator, node.decorator_list)]

    def decorated(self, function: Function) -> Value:
        """What a function's name holds: the function, or what decorators of the user's made of it."""
        node = function.node
        found: Value = function
        if is_activity(function) or not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            return found
        for item, value in zip(reversed(node.decorator_list), reversed(function.decorators), strict=True):
            outer: Value = value
            if isinstance(item, ast.Call) and isinstance(value, Function):
                outer = self._follower.applied(value, [self.value_quietly(given) for given in item.args])
            if isinstance(outer, Function):
                made = self._follower.applied(outer, [found])
                if isinstance(made, Function) and made is not function:
                    made.wraps = function
                    found = made
        return found

    def define_class(self, node: ast.ClassDef) -> None:
        """A class inside this function: not followed."""
        self._names[node.name] = UNKNOWN

    def annotated(self, node: ast.expr | None) -> Value:
        """What an annotation promises."""
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            try:
                node = ast.parse(node.value, mode="eval").body
            except (SyntaxError, ValueError, RecursionError):
                return UNKNOWN
        if node is None or isinstance(node, ast.Constant):
            return UNKNOWN
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.BitOr):
            return self._either([node.left, node.right])
        if isinstance(node, ast.Subscript):
            return self._parametrized(node)
        found = self.value_quietly(node)
        if isinstance(found, Class):
            return Object(found)
        if isinstance(found, Known) and isinstance(found.object, type):
            return shape.of_annotation(found.object)
        return UNKNOWN

    def _either(self, options: list[ast.expr]) -> Value:
        found: Value | None = None
        for option in options:
            if not (isinstance(option, ast.Constant) and option.value is None):
                found = join(found, self.annotated(option))
        return found or UNKNOWN

    def _parametrized(self, node: ast.Subscript) -> Value:
        """What ``list[Path]``, ``Optional[Client]`` and the like promise."""
        origin = self.value_quietly(node.value)
        within = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
        outer = origin.object if isinstance(origin, Known) else None
        if outer is typing.Optional or outer is typing.Union:
            return self._either(within)
        if outer is typing.Annotated:
            return self.annotated(within[0])
        outer = typing.get_origin(outer) or outer
        if outer in _MAPPINGS:
            return Container("dict", self.annotated(within[-1]))
        if outer in _LISTS:
            return Container("list", self.annotated(within[0]))
        if outer is tuple and not any(isinstance(item, ast.Constant) for item in within):
            parts = tuple(map(self.annotated, within))
            return Container("tuple", functools.reduce(join, parts), parts)
        return shape.of_annotation(outer) if outer in {set, frozenset, tuple} else UNKNOWN
