"""Short texts that tell a person what a value is. Never raise, never run the user's ``__repr__``, never show an address."""

from __future__ import annotations

import collections
import contextlib
import reprlib
import types
from collections.abc import Callable, Mapping, Sequence
from typing import Any

_TEXTS = (str, bytes, bytearray)
_PLAIN = (*_TEXTS, int, float, complex, bool, type(None))
_CONTAINERS = (list, tuple, dict, set, frozenset, collections.deque)
_DICTIONARIES = (collections.OrderedDict, collections.defaultdict, collections.Counter)
_LEAVES = (range, type(...), type(NotImplemented))
_LEAF_MODULES = frozenset(
    {"datetime", "zoneinfo", "decimal", "uuid", "pathlib", "fractions", "ipaddress", "re", "enum"}
)
_NAMED = (
    types.FunctionType,
    types.BuiltinFunctionType,
    types.MethodType,
    types.MethodDescriptorType,
    types.ClassMethodDescriptorType,
    types.WrapperDescriptorType,
    types.MethodWrapperType,
)
_DEFAULT_CHARACTERS = 80
_TEXT_CHARACTERS = 60

_RESPONSES = ("status_code", "status")

Mask = Callable[[str], str]
Own = Callable[[str], bool]


def _main(module: str) -> bool:
    return module.partition(".")[0] == "main"


class _Preview(reprlib.Repr):
    """``repr`` with limits, and only of types whose ``repr`` runs nobody else's code.

    Secrets are hidden before a text is escaped or cut: afterwards they would not be recognised.
    """

    def __init__(self, mask: Mask, own: Own) -> None:
        super().__init__()
        self.maxstring = self.maxother = _TEXT_CHARACTERS
        self.maxlevel = 3
        self._mask = mask
        self._own = own

    def repr1(self, x: Any, level: int) -> str:
        kind = type(x)
        if kind in _PLAIN or kind in _CONTAINERS:
            return super().repr1(x, level)
        if kind in _DICTIONARIES:
            return f"{kind.__name__}({self.repr_dict(x, level)})"
        if kind in _LEAVES or (_root(kind) in _LEAF_MODULES and _root(_zone(x)) in _LEAF_MODULES):
            return self.repr_instance(x, level)
        if issubclass(kind, type):
            return str(type.__dict__["__qualname__"].__get__(x))
        if kind in _NAMED:
            return str(x.__qualname__)
        if issubclass(kind, BaseException):
            arguments = BaseException.args.__get__(x)  # type: ignore[attr-defined]
            return f"{kind.__name__}({', '.join(self.repr1(part, level - 1) for part in arguments[:4])})"
        inside = self._inside(x, kind, level)
        return self._attributes(x, level) if inside is None else inside

    def _inside(self, x: Any, kind: type, level: int) -> str | None:
        """What a subclass of a plain type holds, read past whatever it overrides; None for any other object."""
        if _root(kind) == "autokitteh" and issubclass(
            kind, dict
        ):  # an event's data: a dictionary for who reads it
            return super().repr1(dict(dict.items(x)), level)
        member = _fields(x).get("_name_")
        if type(member) is str and any(base.__module__ == "enum" for base in kind.__mro__):
            return f"{kind.__qualname__}.{member}"
        names = kind.__dict__.get("_fields")
        if issubclass(kind, tuple) and type(names) is tuple:
            pairs = zip(names[:6], tuple.__iter__(x), strict=False)
            inside = ", ".join(f"{name}={self.repr1(item, level - 1)}" for name, item in pairs)
            return f"{kind.__qualname__}({inside})"
        for base, plain in _PLAIN_OF.items():
            if issubclass(kind, base):
                return f"{kind.__qualname__}({self.repr1(plain(x), level)})"
        return None

    def repr_str(self, x: str, level: int) -> str:
        return super().repr_str(self._mask(x), level)

    def repr_bytes(self, x: bytes | bytearray, _level: int) -> str:
        text = bytes(x).decode("utf-8", "surrogateescape")
        masked = self._mask(text)
        return self._cut(f"b{masked!r}" if masked != text else repr(x[:_TEXT_CHARACTERS]))

    repr_bytearray = repr_bytes

    def repr_instance(self, x: Any, level: int) -> str:
        del level  # a leaf has no inside
        return self._cut(self._mask(repr(x)))

    def _cut(self, text: str) -> str:
        half = (self.maxother - len(self.fillvalue)) // 2
        return text if len(text) <= self.maxother else text[:half] + self.fillvalue + text[-half:]

    def _attributes(self, x: Any, level: int) -> str:
        kind = type(x)
        fields = _fields(x)
        name = fields.get("__qualname__")
        if type(name) is str and callable(x):
            return name
        shown = [(name, value) for name, value in fields.items() if not name.startswith("_")][:4]
        own = _root(kind) == "autokitteh" or self._own(str(kind.__module__))
        if level <= 0 or (not own and not _simple(shown)):
            status = next((fields[name] for name in _RESPONSES if type(fields.get(name)) is int), None)
            return f"<{kind.__qualname__}>" if status is None else f"<{kind.__qualname__} {status}>"
        return f"{kind.__qualname__}({', '.join(f'{n}={self.repr1(v, level - 1)}' for n, v in shown)})"


# How the content of a subclass is read without a line of its code.
_PLAIN_OF: dict[type, Callable[[Any], Any]] = {
    dict: lambda x: dict(dict.items(x)),
    list: lambda x: list(list.__iter__(x)),
    tuple: lambda x: tuple(tuple.__iter__(x)),
    set: lambda x: set(set.__iter__(x)),
    frozenset: lambda x: frozenset(frozenset.__iter__(x)),
    str: str.__str__,
    int: int.__pos__,
    float: float.__pos__,
    bytes: lambda x: bytes.__getitem__(x, slice(None)),
}


def _fields(x: Any) -> dict[str, Any]:
    """An object's attributes, from its dictionary and its slots, without running a property."""
    found: dict[str, Any] = {}
    kind = type(x)
    for base in reversed(type.__dict__["__mro__"].__get__(kind)):
        for name, slot in type.__dict__["__dict__"].__get__(base).items():
            if type(slot) is types.MemberDescriptorType:
                with contextlib.suppress(AttributeError):  # a slot that was not set
                    found[name] = slot.__get__(x, kind)
    with contextlib.suppress(AttributeError):
        found |= object.__getattribute__(x, "__dict__")
    return found


def _root(kind: type) -> str:
    return str(kind.__module__).partition(".")[0]


def _zone(x: Any) -> type:
    """The type of a time's zone, whose ``repr`` is part of the time's; else the type itself."""
    zone = x.tzinfo if _root(type(x)) == "datetime" and hasattr(type(x), "tzinfo") else None
    return type(x) if zone is None else type(zone)


def _simple(fields: list[tuple[str, Any]]) -> bool:
    return bool(fields) and all(type(value) in _PLAIN for _, value in fields)


def preview(value: Any, limit: int = _DEFAULT_CHARACTERS, mask: Mask = str, own: Own = _main) -> str:
    """What the value is, in at most ``limit`` characters.

    Args:
        value: anything.
        limit: the number of characters.
        mask: hides secrets.
        own: whether a module is the user's; objects of others are shown in whole only when they are plain.
    """
    try:
        text = _Preview(mask, own).repr(value)
    except Exception:
        text = f"<{type(value).__qualname__}>"
    text = " ".join(text.split())
    return text if len(text) <= limit else text[: limit - 1] + "…"


def call_preview(
    name: str,
    args: Sequence[Any],
    kwargs: Mapping[str, Any],
    limit: int = 200,
    mask: Mask = str,
    own: Own = _main,
) -> str:
    """``requests.get('https://…', timeout=3)``."""
    parts = [preview(value, mask=mask, own=own) for value in args]
    parts += [f"{key}={preview(value, mask=mask, own=own)}" for key, value in kwargs.items()]
    text = f"{name}({', '.join(parts)})"
    return text if len(text) <= limit else text[: limit - 2] + "…)"
