"""Rewrite a module of the user so that each of its calls passes through the router.

May import: the standard library and ``scopes``. Pure: text in, tree out.

``f(x)`` becomes ``__ak_route__(f, "main.py:41:8")(x)``: the *callee* is routed, not the call. The router looks at
``f`` and gives back what is to be called instead, usually ``f`` itself. Replacing the call (``call(f, site, x)``) does
not work as well: it repacks the arguments, puts a frame of ours under each call of the user, and breaks whatever
looks at its caller's frame (``super()``, ``locals()``, ``namedtuple``).

A function that is handed over uncalled (``map(requests.get, urls)``) is never a callee in the user's text. So an
argument that is an attribute, or a name no enclosing function binds, becomes ``__ak_ref__(x, site)``, and the router
may answer with something that is routed when it is called. Local names are left alone: whatever a local holds passed
through a routed place before, or was made by a library.

A class is handed over to ``__ak_class__``, its last decorator (see ``hashes``).

The site is ``path:line:column`` of the callee's last name, counted from 1 in characters as editors do, so that the
links of a chain ``a().b()`` have different sites.

Line numbers must be those of plain Python. CPython reports the error of a multi-line method call in the line of the
method's name, but only where it compiles the fast method call, which it cannot do here; ``_reported_location`` does
the same by hand. Annotations, type aliases, patterns and undecorated names stay as they are. Not covered: code in
strings (``exec``, ``eval``, string annotations).
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

from worker.usercode.scopes import (
    Scope,
    class_scope,
    comprehension_scope,
    defaults,
    function_scope,
)

ROUTE = "__ak_route__"
REF = "__ak_ref__"
CLASS = "__ak_class__"
OWN_PREFIX = "__ak_"

# CPython keeps no more than this many values on the stack for a call it compiles as a fast method call.
_FAST_CALL_VALUES = 30
# The second exists from Python 3.12 on.
_SKIPPED: tuple[type[ast.AST], ...] = (ast.pattern, getattr(ast, "TypeAlias", ast.pattern))


def transform(source: str, path: str) -> ast.Module:
    """Parse ``source`` and route its calls; ``path`` is the project's relative name for the file.

    Raises:
        SyntaxError: as Python's own parser does.
    """
    tree = ast.parse(source, filename=path)
    _Rewriter(source, path).rewrite(tree)
    return tree


class _Rewriter:
    """One pass over one tree, in place.

    A stack of its own instead of recursion: a sum of a thousand terms is a tree a thousand levels deep, which
    Python compiles without complaint.
    """

    def __init__(self, source: str, path: str) -> None:
        self._lines = source.split("\n")
        self._path = path
        self._imports: frozenset[str] = frozenset()

    def rewrite(self, tree: ast.Module) -> None:
        self._imports = _module_imports(tree)
        stack: list[tuple[ast.AST, Scope]] = [(tree, Scope())]
        while stack:
            node, scope = stack.pop()
            stack.extend(_children(node, scope))
            if isinstance(node, ast.Call) and not _is_own(node):
                self._route(node, scope)
            elif isinstance(node, ast.ClassDef):
                # In the line where the statement begins, as Python counts it.
                first = node.decorator_list[0] if node.decorator_list else node
                place = {"lineno": first.lineno, "col_offset": first.col_offset}
                node.decorator_list.insert(0, ast.Name(id=CLASS, ctx=ast.Load(), **place))

    def _route(self, call: ast.Call, scope: Scope) -> None:
        callee = call.func
        line, column = _anchor(callee)
        site = self._site(line, column)
        reported = self._reported_location(call)
        for index, value in enumerate(call.args):
            call.args[index] = self._referenced(value, scope)
        for keyword in call.keywords:
            if keyword.arg is not None:
                keyword.value = self._referenced(keyword.value, scope)
        routed = _call(ROUTE, callee, site)
        if line != callee.lineno:
            # The router's own errors belong to the line of the method's name too.
            routed.lineno, routed.col_offset = line, column
        call.func = routed
        if reported is not None:
            call.lineno, call.col_offset = reported

    def _referenced(self, value: ast.expr, scope: Scope) -> ast.expr:
        if isinstance(value, ast.Name):
            if scope.binds(value.id) or value.id.startswith(OWN_PREFIX):
                return value
        elif not isinstance(value, ast.Attribute):
            return value
        return _call(REF, value, self._site(*_anchor(value)))

    def _site(self, line: int, column: int) -> str:
        text = self._lines[line - 1] if line <= len(self._lines) else ""
        if not text.isascii():
            column = len(text.encode()[:column].decode(errors="replace"))
        return f"{self._path}:{line}:{column + 1}"

    def _reported_location(self, call: ast.Call) -> tuple[int, int] | None:
        """Where CPython says this call is, if not where it starts (see the module's head)."""
        callee = call.func
        if not isinstance(callee, ast.Attribute) or call.lineno == callee.end_lineno:
            return None
        values = len(call.args) + len(call.keywords) + bool(call.keywords)
        if values >= _FAST_CALL_VALUES:
            return None
        if any(isinstance(value, ast.Starred) for value in call.args):
            return None
        if any(keyword.arg is None for keyword in call.keywords):
            return None
        if isinstance(callee.value, ast.Name) and callee.value.id in self._imports:
            return None  # functions of imported modules are no methods
        return _anchor(callee)


def _children(node: ast.AST, scope: Scope) -> Iterator[tuple[ast.AST, Scope]]:
    """The children to look at, each with the scope it is evaluated in; annotations are not among them."""
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
        inner = function_scope(node, scope)
        decorators = [] if isinstance(node, ast.Lambda) else node.decorator_list
        yield from ((child, scope) for child in (*decorators, *defaults(node)))
        body = [node.body] if isinstance(node, ast.Lambda) else node.body
        yield from ((child, inner) for child in body)
    elif isinstance(node, ast.ClassDef):
        inner = class_scope(node, scope)
        yield from ((child, scope) for child in (*node.decorator_list, *node.bases, *node.keywords))
        yield from ((child, inner) for child in node.body)
    elif isinstance(node, ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp):
        inner = comprehension_scope(node, scope)
        first = node.generators[0]
        yield first.iter, scope
        yield from ((child, inner) for child in (first.target, *first.ifs))
        rest = (child for child in ast.iter_child_nodes(node) if child is not first)
        yield from ((child, inner) for child in rest)
    elif isinstance(node, ast.AnnAssign):
        yield node.target, scope
        if node.value is not None:
            yield node.value, scope
    elif not isinstance(node, _SKIPPED):
        yield from ((child, scope) for child in ast.iter_child_nodes(node))


def _module_imports(tree: ast.Module) -> frozenset[str]:
    """Names that some import statement at module level binds, also under ``if`` and ``try``."""
    names: set[str] = set()
    stack: list[ast.AST] = list(tree.body)
    while stack:
        node = stack.pop()
        if isinstance(node, ast.Import | ast.ImportFrom):
            names.update(alias.asname or alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.stmt) and not isinstance(
            node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef
        ):
            stack.extend(ast.iter_child_nodes(node))
        elif isinstance(node, ast.ExceptHandler | ast.match_case):
            stack.extend(node.body)
    return frozenset(names)


def _is_own(call: ast.Call) -> bool:
    return isinstance(call.func, ast.Name) and call.func.id.startswith(OWN_PREFIX)


def _anchor(callee: ast.expr) -> tuple[int, int]:
    """Line and byte column of the callee's last name; of its end, where it does not end in a name."""
    if isinstance(callee, ast.Name):
        return callee.lineno, callee.col_offset
    line, end = callee.end_lineno or callee.lineno, _end_column(callee)
    if isinstance(callee, ast.Attribute):
        return line, max(0, end - len(callee.attr.encode()))
    return line, end


def _end_column(node: ast.expr) -> int:
    return node.col_offset if node.end_col_offset is None else node.end_col_offset


def _call(function: str, value: ast.expr, site: str) -> ast.Call:
    """``function(value, site)``, located where the value is."""
    name = ast.copy_location(ast.Name(id=function, ctx=ast.Load()), value)
    place = ast.copy_location(ast.Constant(value=site), value)
    return ast.copy_location(ast.Call(func=name, args=[value, place], keywords=[]), value)
