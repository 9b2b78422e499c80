"""What ``sys.modules`` holds under the names of user modules.

Each session has its own set of the user's modules, but there is one ``sys.modules``, and much of Python looks modules
up there by ``cls.__module__``: dataclasses with string annotations, ``typing.get_type_hints``, pydantic's deferred
models, pickle, ``sys.modules[__name__]`` in the user's own code. Whichever session's module lay there, all others
would be given the wrong classes.

So what lies there is a stand-in. It passes every attribute read and write on to the module of the namespace that asks:
the one being loaded on this thread, else the session that runs on this thread, else the process's own (the permanent
one). Which session runs is asked only on threads that loaded one: activities beside it belong to the process. Stand-ins
are put in place while a namespace loads and taken away afterwards; once a namespace is permanent, they stay.

Still not covered: ``sys.modules[name] is module``, and a library that keeps a module object it found there.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterable
from types import ModuleType
from typing import Any, Protocol


class Modules(Protocol):
    """A namespace, as far as stand-ins know it."""

    @property
    def modules(self) -> dict[str, ModuleType]:
        """Its modules by the user's name."""


class StandIn(ModuleType):
    """Passes everything on to the module of whoever asks."""

    def __init__(self, runtime_name: str, find: Callable[[], ModuleType | None]) -> None:
        super().__init__(runtime_name)
        object.__setattr__(self, "__ak_find__", find)

    def __getattribute__(self, name: str) -> Any:
        if name == "__class__":
            return StandIn
        return getattr(target(self), name)

    def __setattr__(self, name: str, value: object) -> None:
        setattr(target(self), name, value)

    def __delattr__(self, name: str) -> None:
        delattr(target(self), name)

    def __dir__(self) -> Iterable[str]:
        return dir(target(self))

    def __repr__(self) -> str:
        return repr(target(self))


def target(stand_in: StandIn) -> ModuleType:
    """The module that stands behind ``stand_in`` right now."""
    module: ModuleType | None = object.__getattribute__(stand_in, "__ak_find__")()
    if module is None:
        name = ModuleType.__getattribute__(stand_in, "__name__")
        raise AttributeError(f"module {name!r} is not loaded here")
    return module


class StandIns:
    """The stand-ins of one project in this process."""

    def __init__(self, prefix: str) -> None:
        self._prefix = prefix
        self._mine: dict[str, ModuleType] = {}
        self._before: dict[str, ModuleType] = {}
        self._loading = threading.local()
        self._permanent: Modules | None = None
        self._loads = 0
        self._lock = threading.RLock()

    def begin(self, namespace: Modules, current: Callable[[], Modules | None]) -> None:
        """From here on ``namespace`` is being loaded on this thread."""
        with self._lock:
            self._loads += 1
            self._loading.current = current
            self._stack().append(namespace)

    def end(self) -> None:
        """The innermost load of this thread is over; the last one takes the stand-ins away, unless they stay."""
        with self._lock:
            self._stack().pop()
            self._loads -= 1
            if self._loads == 0 and self._permanent is None:
                self._remove()

    def keep(self, namespace: Modules) -> None:
        """Leave the stand-ins in place for good; where no other namespace is at work they mean this one."""
        self._permanent = namespace

    def put(self, runtime_name: str, user_name: str) -> None:
        """See that ``sys.modules`` has the stand-in for this module."""
        with self._lock:
            if runtime_name.startswith(f"{self._prefix}."):
                self._place(self._prefix, lambda: _parent(self._prefix))
            self._place(
                runtime_name,
                lambda: StandIn(runtime_name, lambda: self._find(user_name)),
            )

    def asking(self) -> Modules | None:
        """The namespace that code on this thread belongs to, None for the process's own."""
        stack = self._stack()
        if stack:
            return stack[-1]
        current: Callable[[], Modules | None] | None = getattr(self._loading, "current", None)
        return current() if current is not None else None

    def replaced(self, runtime_name: str) -> ModuleType | None:
        """The module the user's code itself put in place of its own, as Python's import honours it."""
        there = sys.modules.get(runtime_name)
        return None if there is self._mine.get(runtime_name) else there

    def _place(self, name: str, make: Callable[[], ModuleType]) -> None:
        there = sys.modules.get(name)
        mine = self._mine.get(name)
        if mine is None:
            mine = self._mine[name] = make()
        if there is not mine:
            if there is not None and name not in self._before:
                self._before[name] = there
            sys.modules[name] = mine

    def _remove(self) -> None:
        for name, mine in self._mine.items():
            if sys.modules.get(name) is mine:
                before = self._before.get(name)
                if before is None:
                    del sys.modules[name]
                else:
                    sys.modules[name] = before
        self._before.clear()

    def _find(self, user_name: str) -> ModuleType | None:
        for namespace in (self.asking(), self._permanent):
            if namespace is not None and user_name in namespace.modules:
                return namespace.modules[user_name]
        return None

    def _stack(self) -> list[Modules]:
        stack: list[Modules] | None = getattr(self._loading, "stack", None)
        if stack is None:
            stack = self._loading.stack = []
        return stack


def _parent(prefix: str) -> ModuleType:
    """The package of runtime names such as ``project.calendar``: empty, its submodules are in ``sys.modules``."""
    module = ModuleType(prefix, "Modules of the project whose own names mean something else outside it.")
    module.__path__ = []
    return module
