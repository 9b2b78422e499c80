"""Does this callable run where it is called, or as an activity?

A pure function of the callee: its marks, where its code lives, and the tables. First match wins:

1. Marks: ``@activity``, ``@inhibit_activities``.
2. The SDK's own functions: inline.
3. A deterministic stand-in exists: substitute.
4. The user's own function or class, by where its code lives, not by ``__module__``: inline. A wrapper that a library
   made around it (tenacity's ``@retry``) is the library's, so the whole retry loop is one activity.
5. Refused: what cannot be deterministic and is no single call either.
6. Methods of objects that live in this process only: local.
7. Known pure code: inline.
8. The constructor of somebody else's class: inline, unless the tables say that it reaches outside.
9. Anything else: activity.
"""

from __future__ import annotations

import builtins
import functools
import os
import pathlib
import sys
import types
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from worker.usercode import substitutes, tables

_SLOTS = (
    types.MethodWrapperType,
    types.WrapperDescriptorType,
    types.MethodDescriptorType,
    types.ClassMethodDescriptorType,
)
_ACTIVITY_MARK = "__ak_activity__"
_PARTIAL_DEPTH = 10


@dataclass(frozen=True)
class Decision:
    """How to make a call. ``kind``: inline, activity, local, substitute (``target`` names it) or refuse."""

    kind: str
    reason: str
    target: str = ""
    mark: Any = None


_SDK = Decision("inline", "a function of the SDK")
_OWN = Decision("inline", "the user's own code")
_CONSTRUCTOR = Decision("inline", "a constructor only makes an object")
_OPEN = Decision("local", "opens a file of the project", "open")
_OUTSIDE = Decision("activity", "not known to be pure")


class Policy:
    """The rules for one project."""

    def __init__(self, directory: Path) -> None:
        self._roots = tuple({f"{directory}{os.sep}", f"{os.path.realpath(directory)}{os.sep}"})

    def decide(self, callee: Any, site: str = "") -> Decision:
        """How to make a call to this callable; ``site`` says where it is written and decides nothing."""
        del site
        callee = strip_partial(callee)
        mark = getattr(callee, _ACTIVITY_MARK, None)
        if mark is False:
            return Decision("inline", "marked never to be an activity")
        if mark is not None and not isinstance(callee, types.MethodType | type):
            return Decision("activity", "marked @activity", mark=mark)
        if mark is not None and (isinstance(callee, type) or _ACTIVITY_MARK in vars(callee.__func__)):
            return Decision("activity", "marked @activity", mark=mark)
        if module_of(callee).partition(".")[0] == "autokitteh":
            return _SDK
        name = substitutes.lookup(callee)
        if name is not None:
            return Decision("substitute", "deterministic in a session", name)
        if callee is builtins.open:
            return _OPEN
        if self.is_own(callee):
            return _OWN
        return self._by_table(callee)

    def is_own(self, callee: Any) -> bool:
        """Whether the code of a callable stands in the project."""
        code = code_of(callee)
        if code is not None:
            return code.co_filename.startswith(self._roots)
        kind = callee if isinstance(callee, type) else None
        if kind is None and not isinstance(callee, (types.BuiltinFunctionType, *_SLOTS)):
            call = getattr(type(callee), "__call__", None)  # noqa: B004 - an instance that can be called
            return isinstance(call, types.FunctionType) and call.__code__.co_filename.startswith(self._roots)
        return kind is not None and self._is_own_class(kind)

    def _is_own_class(self, kind: type) -> bool:
        for member in vars(kind).values():
            code = code_of(member)
            if code is not None and code.co_filename.startswith(self._roots):
                return True
        return bool(getattr(kind, "__ak_user__", False)) or self._module_is_own(kind.__module__)

    def _module_is_own(self, module: str) -> bool:
        file = getattr(sys.modules.get(module), "__file__", None)
        return isinstance(file, str) and file.startswith(self._roots)

    def _by_table(self, callee: Any) -> Decision:
        names = names_of(callee)
        for name in names:
            if name in tables.REFUSED:
                return Decision("refuse", f"{name} is not possible in a session: {tables.REFUSED[name]}")
        if isinstance(callee, type):
            if any(name in tables.OUTSIDE_CONSTRUCTORS for name in names):
                return Decision("activity", tables.READS_FILES)
            return _CONSTRUCTOR
        owner = owner_of(callee)
        if owner is not None:
            for base in owner.__mro__:
                if qualified(base) in tables.LIVE_TYPES:
                    return Decision("local", tables.LIVE_TYPES[qualified(base)])
            if issubclass(owner, pathlib.PurePath):
                name = getattr(callee, "__name__", "")
                pure = name in tables.PURE_PATH_METHODS or not issubclass(owner, pathlib.Path)
                return Decision("inline", tables.PURE_MODULE) if pure else _OUTSIDE
        for name in names:
            found = longest(name)
            if found is not None:
                return found
        return _OUTSIDE


@functools.lru_cache(maxsize=4096)
def longest(name: str) -> Decision | None:
    """The rule with the longest prefix of a dotted name; None when no table knows it."""
    parts = name.split(".")
    for length in range(len(parts), 0, -1):
        prefix = ".".join(parts[:length])
        if prefix in tables.OUTSIDE:
            return Decision("activity", tables.OUTSIDE[prefix])
        if prefix in tables.PURE_FUNCTIONS:
            return Decision("inline", tables.PURE_FUNCTIONS[prefix])
        if prefix in tables.PURE_MODULES:
            return Decision("inline", tables.PURE_MODULES[prefix])
        if length == 1 and prefix in tables.PURE_LIBRARIES:
            return Decision("inline", tables.PURE_LIBRARIES[prefix])
    return None


def strip_partial(callee: Any) -> Any:
    """The function behind ``functools.partial``."""
    for _ in range(_PARTIAL_DEPTH):
        if not isinstance(callee, functools.partial):
            break
        callee = callee.func
    return callee


def code_of(callee: Any) -> types.CodeType | None:
    """The code object of a function or method, unwrapped from what holds it; never from ``__wrapped__``."""
    function = getattr(callee, "__func__", callee)
    if isinstance(function, property):
        function = function.fget
    return function.__code__ if isinstance(function, types.FunctionType) else None


def owner_of(callee: Any) -> type | None:
    """The type a method belongs to, or the type of an instance that is called; None for plain functions."""
    if isinstance(callee, type | types.FunctionType):
        return None
    owner = getattr(callee, "__self__", None)
    if isinstance(owner, types.ModuleType):
        return None
    if owner is not None:
        return owner if isinstance(owner, type) else type(owner)
    objclass = getattr(callee, "__objclass__", None)
    if isinstance(objclass, type):
        return objclass
    return None if isinstance(callee, types.BuiltinFunctionType) else type(callee)


def module_of(callee: Any) -> str:
    """The module a callable says it is from."""
    function = getattr(callee, "__func__", callee)
    module = getattr(function, "__module__", None)
    if not isinstance(module, str):
        owner = getattr(callee, "__self__", None)
        if isinstance(owner, types.ModuleType):
            return owner.__name__
        kind = owner_of(callee)
        module = kind.__module__ if kind is not None else "builtins"
    return str(module)


def names_of(callee: Any) -> list[str]:
    """The dotted names a callable goes by, the most specific first."""
    module = module_of(callee)
    name = getattr(callee, "__qualname__", None)
    found = []
    code = code_of(callee)
    if code is not None:
        found.append(f"{getattr(callee, '__func__', callee).__module__}.{name}")
        return found
    owner = owner_of(callee)
    if owner is not None:
        method = getattr(callee, "__name__", "__call__")
        # A method of a type of C: where it is defined decides, be it inherited by whomever.
        for base in owner.__mro__:
            if method in vars(base):
                found.append(f"{base.__module__}.{base.__qualname__}.{method}")
                break
        return found or [f"{qualified(owner)}.{method}"]
    # The functions of ``os`` call themselves ``posix``.
    return [f"{'os' if module == 'posix' else module}.{name}"] if name else [qualified(type(callee))]


def qualified(kind: type) -> str:
    """``module.Name`` of a type."""
    return f"{kind.__module__}.{kind.__qualname__}"


def activity_name(callee: Any) -> str:
    """What the call is named in Temporal: ``requests.get``, ``slack_sdk.WebClient.chat_postMessage``, ``main.fetch``."""
    callee = strip_partial(getattr(callee, "__ak_routed__", callee))
    owner = owner_of(callee) if not isinstance(callee, type) else None
    if owner is not None:
        method = getattr(callee, "__name__", "__call__")
        module, name = owner.__module__, f"{owner.__qualname__}.{method}"
    else:
        module = module_of(callee)
        name = getattr(callee, "__qualname__", None) or type(callee).__qualname__
    parts = [part for part in name.split(".") if part != "<locals>"]
    clean = ".".join(part.strip("<>") for part in parts)
    top = module.partition(".")[0]
    return f"{top.lstrip('_') or module}.{clean}"
