"""A private set of the user's modules: each session executes them afresh, so module-level state is its own.

User code sees the project first, under any name (``slack.py``, ``worker.py``, ``calendar.py``); libraries never see it.
An import statement of user code ends in ``import_name``; everything that is not the project's goes to Python's import.

``sys.modules`` holds stand-ins for user modules (see ``standins``), because much of Python looks modules up there.

Circular and failed imports behave as in Python: a module is registered before it runs, forgotten if it fails, and other
threads wait for it. One difference: a submodule that is still running is set on its package as soon as somebody asks
for it there, because Python's own way around that leads through ``sys.modules``.

References: a function, class or module-level object of user code has a path, ``main:Report.render``, that means the
same in every namespace of the build.
"""

from __future__ import annotations

import builtins
import difflib
import functools
import importlib.machinery
import importlib.util
import threading
import types
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from worker.errors import UserCodeError
from worker.usercode.project import Project, UserModule
from worker.usercode.share import SharedModules
from worker.usercode.standins import StandIns

# Values, for which one is as good as an equal other one, and what has a name of its own elsewhere.
_NOT_REFERABLE = (
    int,
    float,
    complex,
    str,
    bytes,
    bool,
    type(None),
    tuple,
    frozenset,
    types.ModuleType,
    types.BuiltinFunctionType,
    types.MethodDescriptorType,
    types.ClassMethodDescriptorType,
    types.WrapperDescriptorType,
)
_DEPTH = 20


@dataclass(frozen=True)
class Hooks:
    """What user code meets instead of plain Python; one object per process for all session namespaces.

    Attributes:
        route: called with every callee and its site; returns what is called.
        ref: called with functions passed uncalled.
        class_: called with every class that a class statement has made; returns what is bound to its name.
        builtins: builtins that are replaced.
        loading: told when module bodies begin and end to run.
        current_namespace: the namespace of whoever runs now, for code that sessions share.
    """

    route: Callable[[Any, str], Any]
    ref: Callable[[Any, str], Any]
    class_: Callable[[Any], Any]
    builtins: Mapping[str, Any]
    loading: Callable[[bool], None]
    current_namespace: Callable[[], Any]


class Namespace:
    """The project's modules, private to one session or to the process's activities."""

    def __init__(
        self,
        project: Project,
        hooks: Hooks,
        *,
        shared: SharedModules | None = None,
        permanent: bool = False,
    ) -> None:
        self.project = project
        self.modules: dict[str, types.ModuleType] = {}
        self._hooks = hooks
        self._shared = shared
        self._stand_ins = stand_ins_of(project)
        self._running: set[str] = set()
        self._bodies: list[set[str]] = []  # what the shared modules that run now have imported so far
        self._lock = threading.RLock()
        self._loads = 0
        self._globals: dict[int, str] | None = None
        if permanent:
            self._stand_ins.keep(self)

    @functools.cached_property
    def _builtins(self) -> dict[str, Any]:
        """Made for a first module that is not shared: most sessions have none."""
        return {**vars(builtins), **self._hooks.builtins, "__import__": self._import}

    def load(self, file: str) -> types.ModuleType:
        """The module of a file, executed at its first use.

        Raises:
            UserCodeError: there is no such file in the project.
        """
        name = self.project.files.get(file)
        if name is None:
            raise UserCodeError(
                f"there is no {file} in the project", hint=did_you_mean(file, self.project.files)
            )
        return self.import_name(name)

    def handler(self, location: str) -> Any:
        """The object at ``main.py:on_event``.

        Raises:
            UserCodeError: no such file or no such name; says what there is.
        """
        file, colon, name = location.partition(":")
        if not colon or not name:
            raise UserCodeError(f"{location!r} is not file.py:function", hint="Example: main.py:on_event")
        found: Any = self.load(file)
        for part in name.split("."):
            if not hasattr(found, part):
                names = [
                    key for key, value in vars(found).items() if callable(value) and not key.startswith("_")
                ]
                raise UserCodeError(
                    f"there is no {name} in {file}", where=f"{file}:1", hint=did_you_mean(part, names)
                )
            found = getattr(found, part)
        if not callable(found):
            raise UserCodeError(
                f"{name} in {file} cannot be called: it is of type {type(found).__name__}", where=f"{file}:1"
            )
        return found

    def import_module(self, name: str, package: str | None = None) -> types.ModuleType:
        """What ``importlib.import_module`` does for user code."""
        if name.startswith("."):
            if not package:
                raise TypeError(
                    f"the 'package' argument is required to perform a relative import for {name!r}"
                )
            name = importlib.util.resolve_name(name, self._user_name(package))
        mine = self.project.find(name)
        return self.import_name(mine) if mine is not None else importlib.import_module(name)

    def import_name(self, name: str) -> types.ModuleType:
        """The user's module of that name with the packages it is in, executed at first use."""
        module = self.modules.get(name)
        if self._bodies:
            self._bodies[-1].add(name)
        if module is not None and not self._running:
            return module
        # Another thread may be running the module right now: wait for it, as Python does.
        with self._lock:
            return self._import_name(name)

    def _import_name(self, name: str) -> types.ModuleType:
        parent, _, child = name.rpartition(".")
        if parent:
            self._import_name(parent)
        module = self.modules.get(name)
        if module is None:
            info = self.project.modules.get(name)
            if info is None:
                text = f"No module named {name!r}"
                if parent and not self.project.modules[parent].is_package:
                    text += f"; {parent!r} is not a package"
                raise ModuleNotFoundError(text, name=name)
            module = self._obtain(info)
        elif not parent or child in vars(self.modules[parent]):
            return module
        if parent:
            setattr(self.modules[parent], child, module)
        return module

    def module(self, runtime_name: str) -> types.ModuleType:
        """The user's module by its ``__name__``."""
        return self.import_name(self._user_name(runtime_name))

    def is_user_module(self, runtime_name: str) -> bool:
        """Whether ``__name__`` or ``__module__`` says that something is the user's."""
        return runtime_name in self.project.by_runtime_name

    def reference(self, obj: Any) -> str | None:
        """The path of a function, class, module or module-level object of user code; None when it has none."""
        if isinstance(obj, types.ModuleType):
            name = getattr(obj, "__name__", "")
            return f"{name}:" if self.modules.get(self.project.by_runtime_name.get(name, "")) is obj else None
        if isinstance(obj, types.FunctionType | type | types.MethodType):
            module, name = getattr(obj, "__module__", None), getattr(obj, "__qualname__", "")
            if isinstance(module, str) and self.is_user_module(module):
                path = f"{module}:{name}"
                if "<" not in name and self._is_at(obj, path):
                    return path
                return self._global_path(obj)
            return None
        if isinstance(obj, _NOT_REFERABLE):
            return None
        return self._global_path(obj)

    def resolve(self, path: str) -> Any:
        """The object a reference means here.

        Raises:
            UserCodeError: this build has nothing there.
        """
        module, _, name = path.partition(":")
        if not self.is_user_module(module):
            raise UserCodeError(f"there is no module {module} in the project")
        found: Any = self.module(module)
        for part in name.split(".") if name else ():
            try:
                found = getattr(found, part)
            except AttributeError:
                raise UserCodeError(f"there is no {name} in {module}") from None
        return found

    def _is_at(self, obj: Any, path: str) -> bool:
        module, _, name = path.partition(":")
        found: Any = self.modules.get(self.project.by_runtime_name[module])
        for part in name.split("."):
            found = getattr(found, part, None)
        return found is obj or (isinstance(obj, types.MethodType) and found == obj)

    def _global_path(self, obj: Any) -> str | None:
        """The path of a module-level object, by identity; the index is made again when it misses."""
        path = (self._globals or {}).get(id(obj))
        if path is None or not self._is_at(obj, path):
            self._globals = self._index_globals()
            path = self._globals.get(id(obj))
        return path

    def _index_globals(self) -> dict[int, str]:
        found: dict[int, str] = {}
        for name in sorted(self.modules):
            module = self.modules[name]
            for key, value in list(vars(module).items()):
                if not key.startswith("__") and not isinstance(value, _NOT_REFERABLE):
                    found.setdefault(id(value), f"{module.__name__}:{key}")
        return found

    def _obtain(self, info: UserModule) -> types.ModuleType:
        """Run the module, or take the one that all namespaces of the process have in common."""
        shared = self._shared
        if shared is None or info.name not in shared.names:
            return self._execute(info, self._builtins)
        with shared.lock:
            module = shared.modules.get(info.name)
            if module is not None:
                # Its body does not run again: what that imported is here, too, or its classes would have no name.
                self.modules[info.name] = module
                for name in sorted(shared.imports[info.name] - self.modules.keys()):
                    self._import_name(name)
                return module
            self._bodies.append(set())
            try:
                module = self._execute(info, shared.builtins)
            finally:
                imported = self._bodies.pop()
            shared.imports[info.name] = {name for name in imported if name in shared.names}
            self.modules[info.name] = shared.modules[info.name] = module
        return module

    def _execute(self, info: UserModule, private: dict[str, Any]) -> types.ModuleType:
        module = self._new_module(info, private)
        if not info.file:
            self.modules[info.name] = module
            return module
        # Before the module is registered: what cannot be compiled must fail at the next import, too.
        code = self.project.code.get(self.project.path(info), info.file)
        spec: Any = module.__spec__
        self.modules[info.name] = module
        self._running.add(info.name)
        self._begin()
        try:
            self._stand_ins.put(info.runtime_name, info.name)
            spec._initializing = True  # Python's error for a circular import asks for it
            exec(code, vars(module))  # noqa: S102 - running the user's module is the purpose
            replaced = self._stand_ins.replaced(info.runtime_name)
            if replaced is not None:  # ``sys.modules[__name__] = something``
                self.modules[info.name] = module = replaced
        except BaseException:
            self.modules.pop(info.name, None)
            raise
        finally:
            spec._initializing = False
            self._running.discard(info.name)
            self._end()
        return module

    def _new_module(self, info: UserModule, private: dict[str, Any]) -> types.ModuleType:
        module = types.ModuleType(info.runtime_name)
        path = str(self.project.path(info))
        # The loader runs nothing; ``importlib.resources`` and ``pkgutil`` read the package's data through it.
        loader: Any = importlib.machinery.SourceFileLoader(info.runtime_name, path) if info.file else None
        spec = importlib.machinery.ModuleSpec(
            info.runtime_name, loader, origin=path if info.file else None, is_package=info.is_package
        )
        spec.has_location = bool(info.file)
        scope = vars(module)
        scope["__spec__"] = spec
        scope["__loader__"] = loader
        scope["__builtins__"] = private
        scope["__ak_route__"] = self._hooks.route
        scope["__ak_ref__"] = self._hooks.ref
        scope["__ak_class__"] = self._hooks.class_
        if info.file:
            scope["__file__"] = path
        if info.is_package:
            scope["__path__"] = spec.submodule_search_locations = [info.directory]
            scope["__package__"] = info.runtime_name
        else:
            scope["__package__"] = info.runtime_name.rpartition(".")[0] if "." in info.name else ""
        return module

    def _begin(self) -> None:
        self._stand_ins.begin(self, self._hooks.current_namespace)
        self._loads += 1
        if self._shared is not None:
            self._shared.loading.namespace = self
        if self._loads == 1:
            for name in self.modules:
                info = self.project.modules[name]
                self._stand_ins.put(info.runtime_name, name)
            self._hooks.loading(True)

    def _end(self) -> None:
        self._loads -= 1
        if self._loads == 0:
            if self._shared is not None:
                self._shared.loading.namespace = None
            self._hooks.loading(False)
        self._stand_ins.end()

    def _user_name(self, runtime_name: str) -> str:
        return self.project.by_runtime_name.get(runtime_name, runtime_name)

    def _import(
        self,
        name: str,
        globals: Mapping[str, Any] | None = None,  # noqa: A002 - the signature of __import__
        locals: Mapping[str, Any] | None = None,  # noqa: A002
        fromlist: Any = (),
        level: int = 0,
    ) -> Any:
        """``__import__`` of user code."""
        if level:
            package = self._user_name(str((globals or {}).get("__package__") or ""))
            if not package:
                raise ImportError("attempted relative import with no known parent package")
            mine: str | None = importlib.util.resolve_name(f"{'.' * level}{name}", package)
        else:
            mine = self.project.find(name)
        if mine is None:
            return builtins.__import__(name, globals, locals, fromlist, level)
        if mine not in self.project.modules and self.project.is_bare(mine.partition(".")[0]):
            # a bare directory beside a library
            return builtins.__import__(name, globals, locals, fromlist, level)
        module = self.import_name(mine)
        if not fromlist:
            # ``import a.b`` binds ``a``; counted from the end, since a directory may stand before it.
            rest = len(name) - len(name.partition(".")[0])
            return self.modules[mine[: len(mine) - rest]]
        self._load_submodules(module, mine, fromlist)
        return module

    def _load_submodules(self, module: types.ModuleType, name: str, fromlist: Any) -> None:
        wanted = list(fromlist)
        if "*" in wanted:
            wanted = [*wanted, *getattr(module, "__all__", ())]
        for item in wanted:
            if item != "*" and not hasattr(module, item) and f"{name}.{item}" in self.project.modules:
                self.import_name(f"{name}.{item}")


def stand_ins_of(project: Project) -> StandIns:
    """The stand-ins of a project, one set per project object."""
    existing: StandIns | None = vars(project).get("_stand_ins")
    if existing is None:
        existing = vars(project)["_stand_ins"] = StandIns(project.prefix)
    return existing


def did_you_mean(name: str, names: Any) -> str:
    """A hint: what is close, or what there is."""
    known = sorted(names)
    close = difflib.get_close_matches(name, known, 1)
    if close:
        return f"Did you mean {close[0]}?"
    return f"There is: {', '.join(known[:_DEPTH])}" if known else "There is nothing of that kind."


__all__ = ["Hooks", "Namespace", "Project", "SharedModules"]
