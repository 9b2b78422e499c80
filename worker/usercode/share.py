"""Modules of the user that all sessions of a process can have in common.

May import: ``project``, ``purity``, the standard library.

Each session runs the user's modules afresh, and a module full of classes costs milliseconds and hundreds of KiB each
time. Most such modules cannot differ between sessions: their top level holds functions, constants and classes, and
nobody changes those later. They are run once.

Both halves are proved from the text, and any doubt means that the module is not shared:

1. The top level gives the same unchangeable names each time (``purity``), and so do the modules it imports.
2. Nothing in the *whole project* could change a module, class or function from elsewhere. An attribute may be set on
   ``self`` in a method, or on an object just made by one of the project's own classes. Any other attribute
   assignment (``cls.count += 1``, ``thing.x = 1`` for an unknown thing) and any use of reflection (``setattr``,
   ``globals()``, ``sys.modules``, mocks, …) ends sharing for all modules.
3. A package is shared only if all of its modules are, since they become its attributes; and if nothing in the project
   could see, by looking at the package, which of them other sessions have imported so far.

Not seen: a library that is handed a class or function of the user's and changes it.
"""

from __future__ import annotations

import ast
import builtins
import importlib.util
import threading
from collections.abc import Callable, Iterator, Mapping
from types import ModuleType
from typing import Any, Protocol

from worker.usercode.project import Project
from worker.usercode.purity import TopLevel, examine

_REFLECTION = frozenset(
    {
        *("setattr", "delattr", "vars", "globals", "exec", "eval", "reload", "modules", "mock", "register"),
        *("update_wrapper", "warn", "warnings", "gc", "ctypes", "__import__", "__dict__", "__setattr__"),
        *("__delattr__", "__subclasses__", "__init_subclass__", "__globals__", "__defaults__", "__code__"),
        *("__kwdefaults__", "__bases__", "__new__", "__set_name__", "__prepare__", "__mro_entries__"),
    }
)
# Bases outside the project whose subclasses make a new object at each call.
_SAFE_BASES = frozenset({"ABC", "Protocol", "NamedTuple", "TypedDict", "Generic", "Exception", "ValueError"})

# What reads attributes by names that the text does not say.
_READING = frozenset({"getattr", "hasattr", "dir", "getmembers", "attrgetter"})


# What finds modules by their names, or by what is in them.
_FINDING = frozenset({"importlib", "import_module", "pkgutil", "inspect", "getmodule", "runpy"})


class SharingHooks(Protocol):
    """The part of ``Hooks`` that shared modules use."""

    @property
    def builtins(self) -> Mapping[str, Any]:
        """Builtins that are replaced."""

    @property
    def current_namespace(self) -> Callable[[], Any]:
        """The namespace of the session that runs."""


class SharedModules:
    """The modules that the namespaces of a process have in common.

    Build one per process, and give it to every namespace that is made with the same hooks.
    """

    def __init__(self, project: Project, hooks: SharingHooks) -> None:
        self.names = shareable(project)
        self.modules: dict[str, ModuleType] = {}
        self.imports: dict[str, set[str]] = {}  # by module: the shared ones that its body imported
        self.lock = threading.RLock()
        self.loading = threading.local()
        self._hooks = hooks
        self.builtins = {**vars(builtins), **hooks.builtins, "__import__": self._import}

    def _import(self, name: str, *arguments: Any, **options: Any) -> Any:
        """``__import__`` of a shared module: what it imports belongs to the session that runs."""
        namespace = getattr(self.loading, "namespace", None) or self._hooks.current_namespace()
        if namespace is None:
            raise ImportError(f"cannot import {name!r}: no session runs on this thread", name=name)
        return namespace._import(name, *arguments, **options)


def shareable(project: Project) -> frozenset[str]:
    """The modules of the project, by the user's names, that may be run once per process."""
    trees: dict[str, ast.Module] = {}
    for name, module in project.modules.items():
        if module.file:
            try:
                content = project.path(module).read_bytes()
                trees[name] = ast.parse(importlib.util.decode_source(content))
            except (OSError, SyntaxError, ValueError, RecursionError):
                return frozenset()  # what cannot be read may do anything
    classes = _plain_classes(trees)
    if not all(_leaves_others_alone(tree, classes) for tree in trees.values()):
        return frozenset()
    found = {
        name: examine(
            tree,
            name,
            is_package=project.modules[name].is_package,
            is_users=lambda dotted: project.find(dotted) is not None,
        )
        for name, tree in trees.items()
    }
    pure = {name: top for name, top in found.items() if top.is_pure}
    looks = _Looks(trees)
    for name in [each for each in pure if project.modules[each].is_package]:
        if looks.may_see(project, found, name):
            del pure[name]
    return _closed(project, pure)


class _Looks:
    """Which attributes of other objects the project's text reads.

    A session that imports ``pk.late`` in a function sets ``late`` on the package. Another one that asks for it without
    importing it must not find it because of that: it would not in the next process.
    """

    def __init__(self, trees: dict[str, ast.Module]) -> None:
        self._trees = trees
        self._read: set[str] = set()
        self._computed = False
        self._by_name = False
        by_name = {
            id(node.func): node.args[1].value
            for tree in trees.values()
            for node in ast.walk(tree)
            if isinstance(node, ast.Call) and len(node.args) > 1 and isinstance(node.args[1], ast.Constant)
        }
        for tree in trees.values():
            for node in ast.walk(tree):
                name = getattr(node, "id", getattr(node, "attr", ""))
                self._by_name |= name in _FINDING or bool(_FINDING & set(_imported(node)))
                if name in {"getattr", "hasattr"} and id(node) in by_name:
                    self._read.add(str(by_name[id(node)]))
                elif name in _READING:
                    self._computed = True
                elif isinstance(node, ast.Attribute):
                    self._read.add(name)

    def may_see(self, project: Project, found: dict[str, TopLevel], package: str) -> bool:
        """Whether somebody could find a submodule there that the package itself has not imported."""
        loaded = {package, *_parents(package)}
        waiting = list(loaded)
        while waiting:
            top = found.get(waiting.pop())
            new = {name for name in _users(project, top) if name in found} - loaded if top else set()
            new |= {parent for name in new for parent in _parents(name)} - loaded
            loaded |= new
            waiting += new
        late = {
            name.rpartition(".")[2]
            for name in project.modules
            if name.rpartition(".")[0] == package and name not in loaded
        }
        own = {node.id for node in ast.walk(self._trees[package]) if isinstance(node, ast.Name)}
        if not late or late & own:
            return bool(late)
        late -= self._first(package)
        return bool(late) and (self._computed or bool(late & self._read))

    def _first(self, package: str) -> set[str]:
        """Submodules that whoever gets hold of the package has imported before.

        A session comes to the package by a module that imports it, or something in it. Where each of them begins, at its
        top level, with ``import package.late``, no session without ``late`` has the package in its hands. Of modules
        inside of it, and of what finds modules by names, nothing is known.
        """
        if self._by_name:
            return set()
        found: set[str] | None = None
        for name, tree in self._trees.items():
            if any(_mentions_package(node, package) for node in ast.walk(tree)):
                if f"{name}.".startswith(f"{package}."):
                    return set()
                loaded = _loaded_first(tree, package)
                found = loaded if found is None else found & loaded
        return found or set()


def _imported(node: ast.AST) -> Iterator[str]:
    """The dotted names of modules that a statement imports, and what it takes out of them."""
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
    elif isinstance(node, ast.ImportFrom):
        yield node.module or ""
        yield from (f"{node.module}.{alias.name}" for alias in node.names)


def _mentions_package(node: ast.AST, package: str) -> bool:
    """Whether a statement imports the package or something in it; of a relative import that is not known."""
    relative = isinstance(node, ast.ImportFrom) and node.level > 0
    return relative or any(f"{name}.".startswith(f"{package}.") for name in _imported(node))


def _loaded_first(tree: ast.Module, package: str) -> set[str]:
    """Submodules that a module imports with the first of its statements that mention the package, at its top level."""
    loaded: set[str] = set()
    mentioned = False
    for statement in tree.body:
        plain = isinstance(statement, ast.Import | ast.ImportFrom)
        if mentioned and not plain:
            break
        mentioned = mentioned or any(_mentions_package(node, package) for node in ast.walk(statement))
        if mentioned and not plain:
            break
        if isinstance(statement, ast.Import) or (
            isinstance(statement, ast.ImportFrom) and not statement.level
        ):
            names = (
                [statement.module or ""] if isinstance(statement, ast.ImportFrom) else _imported(statement)
            )
            inside = [name[len(package) + 1 :] for name in names if name.startswith(f"{package}.")]
            loaded |= {name.partition(".")[0] for name in inside}
    return loaded


def _parents(name: str) -> Iterator[str]:
    while name := name.rpartition(".")[0]:
        yield name


def _closed(project: Project, candidates: dict[str, TopLevel]) -> frozenset[str]:
    """The candidates that depend on one another only."""
    kept = set(candidates)
    while True:
        dropped = {
            name
            for name in kept
            if any(used in project.modules and used not in kept for used in _users(project, candidates[name]))
            or any(not _is_class(candidates, kept, base) for base in candidates[name].bases)
            or any(inner.startswith(f"{name}.") and inner not in kept for inner in project.modules)
        }
        if not dropped:
            return frozenset(kept)
        kept -= dropped


def _is_class(candidates: dict[str, TopLevel], kept: set[str], dotted: str) -> bool:
    """Whether a base class is one that a shared module makes itself."""
    module, _, name = dotted.rpartition(".")
    return module in kept and candidates[module].names.get(name) == "own class"


def _plain_classes(trees: dict[str, ast.Module]) -> frozenset[str]:
    """Names of the project's classes whose call makes a new object; that of an enumeration does not."""
    found = {
        node.name: {getattr(base, "id", getattr(base, "attr", "")) for base in node.bases}
        for tree in trees.values()
        for node in ast.walk(tree)
        if isinstance(node, ast.ClassDef) and not node.keywords
    }
    while True:
        odd = {
            name
            for name, bases in found.items()
            if any(
                base.endswith(("Enum", "Flag", "Meta", "type"))
                or (base[:1].isupper() and base not in found and base not in _SAFE_BASES)
                for base in bases
            )
        }
        if not odd:
            return frozenset(found)
        for name in odd:
            del found[name]


def _users(project: Project, top: TopLevel) -> Iterator[str]:
    """Modules of the project among the names a module imports."""
    for name in top.imports:
        found = project.find(name) if name else None
        if found is not None:
            yield found


def _leaves_others_alone(tree: ast.Module, classes: frozenset[str]) -> bool:
    """Rule 2, for one module."""
    own = set(_own_targets(tree, classes))
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and node.id in _REFLECTION:
            return False
        if isinstance(node, ast.Attribute):
            if node.attr in _REFLECTION:
                return False
            if not isinstance(node.ctx, ast.Load) and id(node) not in own:
                return False
        if isinstance(node, ast.ImportFrom | ast.Import):
            parts = {part for alias in node.names for part in alias.name.split(".")}
            parts |= set((getattr(node, "module", None) or "").split("."))
            if parts & _REFLECTION:
                return False
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name in _REFLECTION:
            return False
    return True


def _own_targets(tree: ast.Module, classes: frozenset[str]) -> Iterator[int]:
    """Attribute assignments that can only hit an object of the code's own, by the node's identity."""
    for owner in ast.walk(tree):
        if isinstance(owner, ast.ClassDef) and not _is_metaclass(owner):
            for method in owner.body:
                if isinstance(method, ast.FunctionDef | ast.AsyncFunctionDef):
                    yield from _set_on(method, _self_name(method))
        elif isinstance(owner, ast.FunctionDef | ast.AsyncFunctionDef):
            for name in _fresh(owner, classes):
                yield from _set_on(owner, name)


def _set_on(function: ast.AST, name: str) -> Iterator[int]:
    if not name:
        return
    for node in ast.walk(function):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == name:
            yield id(node)


def _is_metaclass(node: ast.ClassDef) -> bool:
    names = [base.id if isinstance(base, ast.Name) else getattr(base, "attr", "") for base in node.bases]
    return any(name == "type" or name.endswith(("Meta", "Type")) for name in names)


def _self_name(method: ast.FunctionDef | ast.AsyncFunctionDef) -> str:
    """The name of a plain method's first parameter, if nothing binds it anew."""
    arguments = [*method.args.posonlyargs, *method.args.args]
    if not arguments or _mentions(method.decorator_list, {"classmethod", "staticmethod"}):
        return ""
    name = arguments[0].arg
    return "" if _binds(method, name, skip=arguments[0]) else name


def _fresh(function: ast.FunctionDef | ast.AsyncFunctionDef, classes: frozenset[str]) -> set[str]:
    """Local names bound once, to a new object of one of the project's classes."""
    made: dict[str, ast.AST] = {}
    for node in ast.walk(function):
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Call) and len(node.targets) == 1:
            target, callee = node.targets[0], node.value.func
            if isinstance(target, ast.Name) and isinstance(callee, ast.Name) and callee.id in classes:
                made[target.id] = target
    return {name for name, target in made.items() if not _binds(function, name, skip=target)}


def _binds(function: ast.AST, name: str, *, skip: ast.AST) -> bool:
    """Whether something else in the function, or in one inside it, binds that name."""
    for node in ast.walk(function):
        if node is skip:
            continue
        bound = (
            (isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load) and node.id == name)
            or (isinstance(node, ast.arg) and node.arg == name)
            or (isinstance(node, ast.alias) and (node.asname or node.name.partition(".")[0]) == name)
            or (isinstance(node, ast.ExceptHandler | ast.MatchAs | ast.MatchStar) and node.name == name)
            or (isinstance(node, ast.MatchMapping) and node.rest == name)
            or (isinstance(node, ast.Global | ast.Nonlocal) and name in node.names)
            or (
                isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
                and node is not function
                and node.name == name
            )
        )
        if bound:
            return True
    return False


def _mentions(nodes: list[ast.expr], names: set[str]) -> bool:
    return any(
        (isinstance(inner, ast.Name) and inner.id in names)
        or (isinstance(inner, ast.Attribute) and inner.attr in names)
        for node in nodes
        for inner in ast.walk(node)
    )
