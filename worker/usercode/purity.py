"""Whether running a module's top level always gives the same unchangeable names.

May import: the standard library. Looks at the text only; any doubt counts as no.

Allowed: imports, functions with constant defaults, constants, and classes made of the same, with bases and decorators
from the lists below. The annotations of a class or function may not call anything.
"""

from __future__ import annotations

import ast
import builtins
from collections.abc import Callable
from dataclasses import dataclass, field

# Marks dotted names that lie in the project, whatever they look like.
_USERS = "user:"
_BASES = frozenset(
    {
        "builtins.object",
        "abc.ABC",
        "enum.Enum",
        "enum.IntEnum",
        "enum.StrEnum",
        "enum.Flag",
        "enum.IntFlag",
        "typing.NamedTuple",
        "typing.Protocol",
        "typing.TypedDict",
        *(
            f"builtins.{name}"
            for name, value in vars(builtins).items()
            if isinstance(value, type) and issubclass(value, BaseException)
        ),
    }
)
_ENUMS = frozenset(name for name in _BASES if name.startswith("enum."))
_CLASS_DECORATORS = frozenset({"dataclasses.dataclass", "enum.unique", "typing.final"})
_FUNCTION_DECORATORS = frozenset(
    {
        "builtins.staticmethod",
        "builtins.classmethod",
        "builtins.property",
        "abc.abstractmethod",
        "typing.overload",
        "typing.override",
        "typing.final",
        "autokitteh.activity",
        "autokitteh.inhibit_activities",
    }
)
_FACTORIES = frozenset(
    f"builtins.{name}" for name in ("list", "dict", "set", "tuple", "str", "int", "float", "bool")
)


@dataclass
class TopLevel:
    """What a module's top level was found to be."""

    is_pure: bool = True
    # Names whose modules must be shared as well: what an import statement named, relative ones resolved.
    imports: set[str] = field(default_factory=set)
    # Classes of other modules of the project that classes here inherit from, by dotted name.
    bases: set[str] = field(default_factory=set)
    # Every name bound, with the dotted name it comes from; own classes and constants as "own".
    names: dict[str, str] = field(default_factory=dict)


def examine(tree: ast.Module, name: str, *, is_package: bool, is_users: Callable[[str], bool]) -> TopLevel:
    """Look at one module.

    Args:
        tree: its text.
        name: the user's name for it, which relative imports start from.
        is_package: whether it is a package itself.
        is_users: whether an absolute module name means a module of the project.
    """
    checker = _Checker(name, is_package=is_package, is_users=is_users)
    found = checker.found
    found.is_pure = all(checker.statement(node, found.names) for node in tree.body)
    # A function that binds a module-level name makes it changeable.
    if any(isinstance(node, ast.Global) for node in ast.walk(tree)):
        found.is_pure = False
    return found


class _Checker:
    """One pass over the statements of a module, in order."""

    def __init__(self, name: str, *, is_package: bool, is_users: Callable[[str], bool]) -> None:
        self.found = TopLevel()
        self._is_users = is_users
        self._package = name if is_package else name.rpartition(".")[0]

    def statement(self, node: ast.stmt, names: dict[str, str]) -> bool:
        if isinstance(node, ast.Pass):
            return True
        if isinstance(node, ast.Expr):
            return isinstance(node.value, ast.Constant)
        if isinstance(node, ast.Import | ast.ImportFrom):
            return self._import(node, names)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            return self._function(node, names)
        if isinstance(node, ast.ClassDef):
            return self._class(node, names)
        if isinstance(node, ast.Assign):
            targets = node.targets
            return self._constant(node.value, names) and self._bind(targets, names)
        if isinstance(node, ast.AnnAssign):
            value = node.value
            if _calls(node.annotation) or not isinstance(node.target, ast.Name):
                return False
            if value is None:
                return True
            fine = self._constant(value, names) or self._field(value, names)
            return fine and self._bind([node.target], names)
        if isinstance(node, ast.If) and not node.orelse:
            return self._dotted(node.test, names) == "typing.TYPE_CHECKING"  # its body never runs
        return False

    def _bind(self, targets: list[ast.expr], names: dict[str, str]) -> bool:
        for target in targets:
            if not isinstance(target, ast.Name):
                return False
            names[target.id] = "own"
        return True

    def _import(self, node: ast.Import | ast.ImportFrom, names: dict[str, str]) -> bool:
        if isinstance(node, ast.Import):
            for alias in node.names:
                bound = alias.name if alias.asname else alias.name.partition(".")[0]
                names[alias.asname or bound] = self._origin(bound)
                self.found.imports |= {alias.name, bound}
            return True
        base = node.module or ""
        if node.level:
            parts = self._package.split(".") if self._package else []
            if node.level > len(parts):
                return False
            base = ".".join([*parts[: len(parts) - node.level + 1], *([node.module] if node.module else [])])
        self.found.imports.add(base)
        for alias in node.names:
            if alias.name == "*":
                return False
            names[alias.asname or alias.name] = self._origin(f"{base}.{alias.name}")
            self.found.imports.add(f"{base}.{alias.name}")
        return True

    def _origin(self, dotted: str) -> str:
        return f"{_USERS}{dotted}" if self._is_users(dotted) else dotted

    def _function(self, node: ast.FunctionDef | ast.AsyncFunctionDef, names: dict[str, str]) -> bool:
        arguments = node.args
        defaults = [*arguments.defaults, *(d for d in arguments.kw_defaults if d is not None)]
        everything = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]
        everything += [a for a in (arguments.vararg, arguments.kwarg) if a is not None]
        annotations = [a.annotation for a in everything] + [node.returns]
        fine = (
            all(self._decorator(d, names, _FUNCTION_DECORATORS) for d in node.decorator_list)
            and all(self._constant(d, names) for d in defaults)
            and not any(a is not None and _calls(a) for a in annotations)
        )
        names[node.name] = "own function"
        return fine

    def _class(self, node: ast.ClassDef, names: dict[str, str]) -> bool:
        bases = [self._dotted(base, names) for base in node.bases]
        if not all(b in _BASES or b in {"own class", "own enum"} or b.startswith(_USERS) for b in bases):
            return False
        elsewhere = {b.removeprefix(_USERS) for b in bases if b.startswith(_USERS)}
        self.found.bases |= elsewhere
        if any(k.arg != "total" or not isinstance(k.value, ast.Constant) for k in node.keywords):
            return False
        if not all(self._decorator(d, names, _CLASS_DECORATORS) for d in node.decorator_list):
            return False
        is_enum = any(b in _ENUMS or b == "own enum" for b in bases)
        if is_enum and _sets_attributes(node):
            return False  # members of an enumeration are shared objects
        inner = dict(names)
        fine = all(self.statement(child, inner) for child in node.body)
        names[node.name] = "own enum" if is_enum else "own class"
        return fine

    def _decorator(self, node: ast.expr, names: dict[str, str], allowed: frozenset[str]) -> bool:
        if isinstance(node, ast.Call):
            if node.args or not all(k.arg and isinstance(k.value, ast.Constant) for k in node.keywords):
                return False
            node = node.func
        if isinstance(node, ast.Attribute) and node.attr in {"setter", "deleter", "getter"}:
            return isinstance(node.value, ast.Name) and names.get(node.value.id) == "own function"
        return self._dotted(node, names) in allowed

    def _dotted(self, node: ast.expr, names: dict[str, str]) -> str:
        """The dotted name an expression means, as far as the module's imports tell."""
        if isinstance(node, ast.Subscript):
            node = node.value  # Protocol[T]
            return "" if not isinstance(node, ast.Name | ast.Attribute) else self._dotted(node, names)
        if isinstance(node, ast.Attribute):
            base = self._dotted(node.value, names)
            return f"{base}.{node.attr}" if base else ""
        if isinstance(node, ast.Name):
            return names.get(node.id, f"builtins.{node.id}")
        return ""

    def _constant(self, node: ast.expr, names: dict[str, str]) -> bool:
        if isinstance(node, ast.Constant):
            return True
        if isinstance(node, ast.Name):
            return names.get(node.id) == "own"
        if isinstance(node, ast.Tuple):
            return all(self._constant(item, names) for item in node.elts)
        if isinstance(node, ast.UnaryOp):
            return self._constant(node.operand, names)
        if isinstance(node, ast.BinOp):
            return self._constant(node.left, names) and self._constant(node.right, names)
        if isinstance(node, ast.Call) and not node.keywords:
            called = self._dotted(node.func, names)
            if called == "enum.auto":
                return not node.args
            items = node.args[0] if len(node.args) == 1 else None
            return (
                called == "builtins.frozenset"
                and isinstance(items, ast.Tuple | ast.List | ast.Set)
                and all(self._constant(item, names) for item in items.elts)
            )
        return False

    def _field(self, node: ast.expr, names: dict[str, str]) -> bool:
        """``field(default_factory=list)`` and the like."""
        if (
            not isinstance(node, ast.Call)
            or node.args
            or self._dotted(node.func, names) != "dataclasses.field"
        ):
            return False
        return all(
            self._dotted(keyword.value, names) in _FACTORIES
            if keyword.arg == "default_factory"
            else keyword.arg is not None and self._constant(keyword.value, names)
            for keyword in node.keywords
        )


def _calls(annotation: ast.expr) -> bool:
    return any(isinstance(node, ast.Call | ast.NamedExpr | ast.Await) for node in ast.walk(annotation))


def _sets_attributes(node: ast.ClassDef) -> bool:
    return any(
        isinstance(inner, ast.Attribute) and not isinstance(inner.ctx, ast.Load) for inner in ast.walk(node)
    )
