"""What a callable is, without running any of it: its mark, where its code stands, and what it is called.

User code calls anything: functions, methods, slots of C types, partial objects, proxies that invent an attribute for
every name that is asked for. So nothing here asks an object of unknown type for an attribute; it looks into its
``__dict__`` and into its type. An answer never depends on what a process has imported or remembers.
"""

from __future__ import annotations

import functools
import sys
import types
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from autokitteh.activities import ACTIVITY_MARK

SLOTS: Final = (
    types.MethodWrapperType,
    types.WrapperDescriptorType,
    types.MethodDescriptorType,
    types.ClassMethodDescriptorType,
)
_ALIASES: Final = {
    "posix": "os",
    "nt": "os",
    "posixpath": "os.path",
    "ntpath": "os.path",
    "genericpath": "os.path",
    "_thread": "threading",
    "_py_warnings": "warnings",
    "_zstd": "compression.zstd",
}
_OUR_PACKAGES: Final = frozenset({"autokitteh", "worker"})
_ROUTED: Final = "__ak_routed__"  # under this name our stand-ins keep what they stand for


@dataclass(frozen=True)
class Place:
    """Where the code of a callable stands.

    Attributes:
        module: the module its code is in, canonical.
        name: its name there, such as ``Session.get``.
        claimed: the dotted name it goes by, which a wrapper may have taken over from what it wraps.
        code: its code object, or None for C.
        scope: the globals of its code.
        owner: the class of the object, or the class, it is a method of.
    """

    module: str
    name: str
    claimed: str
    code: types.CodeType | None = None
    scope: dict[str, Any] | None = None
    owner: type | None = None

    @property
    def full_name(self) -> str:
        """Module and name."""
        return f"{self.module}.{self.name}"


def place_of(callee: Any, owner: type | None = None) -> Place:
    """Where the code of this callable stands; of an object, where its ``__call__`` stands."""
    if isinstance(callee, types.FunctionType):
        return _place_of_function(callee, owner)
    if isinstance(callee, types.MethodType):
        return place_of(callee.__func__, owner or class_of(callee.__self__))
    if isinstance(callee, staticmethod):
        return place_of(callee.__func__, owner)
    if isinstance(callee, type):
        return _place_in_class(callee, "")
    if isinstance(callee, types.BuiltinFunctionType):
        return place_of_builtin(callee)
    if isinstance(callee, SLOTS):
        return _place_in_class(callee.__objclass__, callee.__name__)
    kind = type(callee)
    call = find(kind, "__call__")
    if isinstance(call, types.FunctionType):
        return _place_of_function(call, kind)
    module, name = static(callee, "__module__"), static(callee, "__qualname__")
    if isinstance(module, str) and isinstance(name, str):
        # A function that a compiler made: it has the names of a function and a type that says nothing.
        said = f"{canonical(module)}.{name}"
        if kind.__name__ == "cython_function_or_method":
            return Place(canonical(module), name, said, owner=owner)
        return Place(canonical(kind.__module__), f"{kind.__qualname__}.__call__", said, owner=kind)
    return _place_in_class(kind, "__call__")


def _place_of_function(function: types.FunctionType, owner: type | None) -> Place:
    scope = function.__globals__
    code = function.__code__
    module = str(function.__module__ or "")  # None is possible, whatever its type says
    claimed = f"{canonical(module)}.{function.__qualname__}"
    if code.co_filename.startswith("<"):  # made from text: only what it claims says anything
        return Place(canonical(module), function.__qualname__, claimed, code, scope, owner)
    home = str(scope.get("__name__") or module)
    return Place(canonical(home), code.co_qualname, claimed, code, scope, owner)


def place_of_builtin(builtin: types.BuiltinFunctionType) -> Place:
    """Where a function of C belongs: to a module, or to the class that defines it."""
    owner = builtin.__self__
    if owner is None or isinstance(owner, types.ModuleType):
        module = builtin.__module__ or (owner.__name__ if owner is not None else "builtins")
        name = builtin.__qualname__
        return Place(canonical(module), name, f"{canonical(module)}.{name}")
    kind = class_of(owner)
    for base in kind.__mro__:
        member = vars(base).get(builtin.__name__)
        if member is not None and not isinstance(member, types.FunctionType | property | classmethod):
            return _place_in_class(base, builtin.__name__, kind)
    return _place_in_class(kind, builtin.__name__)


def _place_in_class(kind: type, method: str, owner: type | None = None) -> Place:
    module = canonical(module_of_class(kind))
    name = f"{kind.__qualname__}.{method}" if method else kind.__qualname__
    return Place(module, name, f"{module}.{name}", owner=owner or (kind if method else None))


def mark_of(callee: Any) -> Any:
    """The value of ``@activity``'s mark on a callable; None when it has none."""
    if isinstance(callee, types.FunctionType):
        return callee.__dict__.get(ACTIVITY_MARK)
    if isinstance(callee, types.MethodType | staticmethod):
        return mark_of(callee.__func__)
    if isinstance(callee, type):
        return find(callee, ACTIVITY_MARK)
    if isinstance(callee, (types.BuiltinFunctionType, *SLOTS)):
        return None
    mark = own_dict(callee).get(ACTIVITY_MARK)
    if mark is None:
        mark = find(type(callee), ACTIVITY_MARK)
    if mark is None:
        call = find(type(callee), "__call__")
        mark = mark_of(call) if isinstance(call, types.FunctionType) else None
    return mark


def is_ours(callee: Any) -> bool:
    """Whether it is one of our stand-ins, which know what to do when they are called."""
    return module_of_class(type(callee)).partition(".")[0] == "worker"


def behind(callee: Any) -> Any:
    """The function behind ``functools.partial`` and our own stand-ins."""
    while True:
        if isinstance(callee, functools.partial):
            callee = callee.func
        elif is_ours(callee):
            try:
                callee = object.__getattribute__(callee, _ROUTED)
            except AttributeError:
                return callee
        else:
            return callee


def is_of_our_packages(place: Place) -> bool:
    """Whether the code is the SDK's or the worker's own."""
    return place.module.partition(".")[0] in _OUR_PACKAGES


def wrapped_by(callee: Any) -> Any:
    """What ``functools.wraps`` says this is a wrapper of, or None."""
    if isinstance(callee, types.MethodType | staticmethod):
        return wrapped_by(callee.__func__)
    if isinstance(callee, (type, types.BuiltinFunctionType, *SLOTS)):
        return None
    return own_dict(callee).get("__wrapped__")


def functions_of(kind: type) -> Iterator[types.FunctionType]:
    """The functions a class itself defines, in any wrapping."""
    for member in vars(kind).values():
        if isinstance(member, property):
            member = member.fget  # noqa: PLW2901 - the same member, unwrapped
        elif isinstance(member, staticmethod | classmethod):
            member = member.__func__  # noqa: PLW2901
        if isinstance(member, types.FunctionType):
            yield member


def find(kind: type, name: str) -> Any:
    """A member of a class or of its bases, as it is stored there."""
    for base in kind.__mro__:
        if name in vars(base):
            return vars(base)[name]
    return None


def own_dict(value: Any) -> dict[str, Any]:
    """The attributes an object itself holds."""
    try:
        found = object.__getattribute__(value, "__dict__")
    except AttributeError:
        return {}
    return found if isinstance(found, dict) else {}


def static(value: Any, name: str) -> Any:
    """An attribute, unless the object's type makes up attributes; then only what it holds."""
    kind = type(value)
    if (
        find(kind, "__getattr__") is None
        and find(kind, "__getattribute__") is object.__dict__["__getattribute__"]
    ):
        return getattr(value, name, None)
    return own_dict(value).get(name)


def module_of_class(kind: type) -> str:
    """The module a class says it is from."""
    module: object = kind.__module__
    return module if isinstance(module, str) else "builtins"


@functools.lru_cache(maxsize=4096)
def canonical(module: str) -> str:
    """A module's public name: ``posix`` is ``os``, ``_socket`` is ``socket``, ``pathlib._local`` is ``pathlib``."""
    if module in _ALIASES:
        return _ALIASES[module]
    top, *rest = module.split(".")
    if top not in sys.stdlib_module_names:
        return module
    public = top.lstrip("_")
    top = public if public in sys.stdlib_module_names else top
    # Below the top, private parts are kept where their names are rules (``concurrent.futures._base``).
    if top == "pathlib":
        rest = [part for part in rest if not part.startswith("_")]
    return ".".join([top, *rest])


def class_of(owner: Any) -> type:
    """The class a method's ``__self__`` stands for: itself, of a class method."""
    return owner if isinstance(owner, type) else type(owner)
