"""Name the function a call is made to, so that the activity side finds the same one.

By path, never by value: a user's function by its place in the build, a library's by its import path, a method by
its name on its object, which travels as the first argument.
"""

from __future__ import annotations

import sys
import types
from typing import Any

from worker.contracts import UserValue


def describe(
    session: Any, function: Any, args: tuple[UserValue, ...]
) -> tuple[dict[str, UserValue], tuple[UserValue, ...]]:
    """What to call, and the arguments with the object of a method in front."""
    reference = session.namespace.reference(function)
    if reference is not None and not isinstance(function, types.MethodType):
        return {"user": reference}, args
    owner = getattr(function, "__self__", None)
    if owner is not None and not isinstance(owner, types.ModuleType):
        name = getattr(function, "__name__", "")
        if name and getattr(owner, name, None) == function:
            return {"method": name}, (owner, *args)
    path = library_path(function)
    if path is not None:
        return {"library": path}, args
    return {"value": function}, args


def library_path(function: Any) -> str | None:
    """``requests.api:get`` when importing that gives this very function."""
    module = sys.modules.get(getattr(function, "__module__", None) or "")
    name = getattr(function, "__qualname__", "")
    found: Any = module
    for part in name.split(".") if name else ():
        found = getattr(found, part, None)
    return f"{function.__module__}:{name}" if name and found is function else None
