"""Which module-level state of the user's a function can see.

An ``@activity`` function runs beside the session, on objects of its own. Module-level state that it reads must be the
session's, and what it changes must come back. Shipping all state with every call would be slow and would drown the
arguments in the history, so the code is read: the names a function loads, and those of every user function it can
reach from there.

Not state: functions, classes, modules, and everything of a library that the encoder does not know; a client at module
level stays the process's own.

What is still not seen: state reached only through ``getattr`` with a computed name, or through ``globals()``.
"""

from __future__ import annotations

import types
from collections.abc import Callable, Iterator, MutableMapping
from typing import Any

NEVER_STATE = (types.ModuleType, types.FunctionType, types.BuiltinFunctionType, types.MethodType, type)

Place = tuple[MutableMapping[str, Any], str]


def reachable_state(function: Any, is_user_module: Callable[[str], bool]) -> dict[str, Place]:
    """The state a function can see: path such as ``main:counter`` → where the value lives.

    Args:
        function: a function or method of the user's.
        is_user_module: whether a module's runtime name belongs to the project.
    """
    found: dict[str, Place] = {}
    seen: set[int] = set()
    waiting: list[Any] = [function]
    while waiting:
        item = waiting.pop()
        if id(item) in seen:
            continue
        seen.add(id(item))
        code, scope = code_and_scope(item)
        if isinstance(item, type):
            waiting.extend(
                member for member in vars(item).values() if callable(member) or is_descriptor(member)
            )
            continue
        if code is None or scope is None or not is_user_module(str(scope.get("__name__", ""))):
            continue
        for place in places(code, scope, is_user_module):
            value = place[0].get(place[1])
            if isinstance(value, types.FunctionType | type):
                if is_user_module(str(getattr(value, "__module__", ""))):
                    waiting.append(value)
            elif not isinstance(value, NEVER_STATE):
                found[f"{place[0]['__name__']}:{place[1]}"] = place
    return found


def code_and_scope(item: Any) -> tuple[types.CodeType | None, MutableMapping[str, Any] | None]:
    """The code of a function in any of its wrappings, and the module dictionary it runs in."""
    for _ in range(10):
        item = getattr(item, "fget", None) or getattr(item, "__func__", None) or item
        if isinstance(item, types.FunctionType):
            return item.__code__, item.__globals__
        inner = getattr(item, "__wrapped__", None)
        if inner is None:
            return None, None
        item = inner
    return None, None


def is_descriptor(member: Any) -> bool:
    """Whether a class member wraps a function: ``staticmethod``, ``classmethod``, ``property``."""
    return isinstance(member, staticmethod | classmethod | property)


def places(
    code: types.CodeType, scope: MutableMapping[str, Any], is_user_module: Callable[[str], bool]
) -> Iterator[Place]:
    """The global names a code object and those inside it mention, also as attributes of user modules."""
    names: set[str] = set()
    stack = [code]
    while stack:
        current = stack.pop()
        names.update(current.co_names)
        stack.extend(constant for constant in current.co_consts if isinstance(constant, types.CodeType))
    for name in sorted(names):
        if name.startswith("__") or name not in scope:
            continue
        value = scope[name]
        if isinstance(value, types.ModuleType):
            if is_user_module(value.__name__):
                members = vars(value)
                for member in sorted(names):
                    if member in members and not member.startswith("__"):
                        yield members, member
            continue
        yield scope, name
