"""What a call is named in Temporal.

The name is a function of the callee alone, readable, and the same in every process: activities are found by it again
when a session replays. The user's modules and the standard library's are named in full, a library's by its top-level
package: where inside a package a class lives is nobody's business and changes with its versions.
"""

from __future__ import annotations

import sys
import types
from typing import Any, Final

from worker.usercode import callees

_ROUTE: Final = "__ak_route__"  # every module of the user's has this global
_NOISE: Final = frozenset({"<locals>"})


def activity_name(callee: Any) -> str:
    """Such as ``requests.get``, ``slack_sdk.WebClient.chat_postMessage``, ``main.fetch``, ``os.listdir``."""
    module, name, is_users = _spoken(callees.behind(callee))
    module = callees.canonical(module)
    top = module.partition(".")[0]
    if not is_users:
        module = module if top in sys.stdlib_module_names else top
        module = ".".join(part for part in module.split(".") if not part.startswith("_")) or module.strip("_")
    parts = [part.strip("<>") for part in name.split(".") if part not in _NOISE]
    return ".".join([module, *parts])


def _spoken(callee: Any) -> tuple[str, str, bool]:
    """Module and name as a person would say them, and whether the module is the user's."""
    if isinstance(callee, staticmethod):
        callee = callee.__func__
    if isinstance(callee, types.FunctionType):
        return callee.__module__ or "", callee.__qualname__, _ROUTE in callee.__globals__
    if isinstance(callee, type):
        return _of_class(callee, "")
    if isinstance(callee, types.MethodType):
        method = callees.place_of(callee.__func__).claimed.rpartition(".")[2]
        return _of_class(callees.class_of(callee.__self__), method)
    if isinstance(callee, types.BuiltinFunctionType):
        if callee.__self__ is None or isinstance(callee.__self__, types.ModuleType):
            place = callees.place_of_builtin(callee)
            return place.module, place.name, False
        return _of_class(callees.class_of(callee.__self__), callee.__name__)
    if isinstance(callee, types.MethodWrapperType):
        return _of_class(callees.class_of(callee.__self__), callee.__name__)
    if isinstance(callee, callees.SLOTS):
        return _of_class(callee.__objclass__, callee.__name__)
    module, name = callees.static(callee, "__module__"), callees.static(callee, "__qualname__")
    if isinstance(module, str) and isinstance(name, str):
        return module, name, False
    return _of_class(type(callee), "__call__")


def _of_class(kind: type, method: str) -> tuple[str, str, bool]:
    name = f"{kind.__qualname__}.{method}" if method else kind.__qualname__
    is_users = any(_ROUTE in function.__globals__ for function in callees.functions_of(kind))
    return callees.module_of_class(kind), name, is_users
