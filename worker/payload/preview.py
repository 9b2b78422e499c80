"""Short texts that tell a person what a value is. Never raise, never run the user's ``__repr__``, never show an address."""

from __future__ import annotations

import collections
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

Mask = Callable[[str], str]


class _Preview(reprlib.Repr):
    """``repr`` with limits, and only of types whose ``repr`` runs nobody else's code.

    Secrets are hidden before a text is escaped or cut: afterwards they would not be recognised.
    """

    def __init__(self, mask: Mask) -> None:
        super().__init__()
        self.maxstring = self.maxother = _TEXT_CHARACTERS
        self.maxlevel = 3
        self._mask = mask

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
        if kind.__module__ == "builtins" and issubclass(kind, BaseException):
            return f"{kind.__name__}({', '.join(self.repr1(part, level - 1) for part in x.args[:4])})"
        return self._attributes(x, level)

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
        try:
            fields = object.__getattribute__(x, "__dict__")
        except AttributeError:
            fields = {}
        name = fields.get("__qualname__")
        if type(name) is str and callable(x):
            return name
        shown = [(name, value) for name, value in fields.items() if not name.startswith("_")][:4]
        if level <= 0 or (_root(kind) != "main" and not _simple(shown)):
            return f"<{kind.__qualname__}>"
        return f"{kind.__qualname__}({', '.join(f'{n}={self.repr1(v, level - 1)}' for n, v in shown)})"


def _root(kind: type) -> str:
    return str(kind.__module__).partition(".")[0]


def _zone(x: Any) -> type:
    """The type of a time's zone, whose ``repr`` is part of the time's; else the type itself."""
    zone = x.tzinfo if _root(type(x)) == "datetime" and hasattr(type(x), "tzinfo") else None
    return type(x) if zone is None else type(zone)


def _simple(fields: list[tuple[str, Any]]) -> bool:
    return bool(fields) and all(type(value) in _PLAIN for _, value in fields)


def preview(value: Any, limit: int = _DEFAULT_CHARACTERS, mask: Mask = str) -> str:
    """What the value is, in at most ``limit`` characters; ``mask`` hides secrets."""
    try:
        text = _Preview(mask).repr(value)
    except Exception:
        text = f"<{type(value).__qualname__}>"
    text = " ".join(text.split())
    return text if len(text) <= limit else text[: limit - 1] + "…"


def call_preview(
    name: str, args: Sequence[Any], kwargs: Mapping[str, Any], limit: int = 200, mask: Mask = str
) -> str:
    """``requests.get('https://…', timeout=3)``."""
    parts = [preview(value, mask=mask) for value in args]
    parts += [f"{key}={preview(value, mask=mask)}" for key, value in kwargs.items()]
    text = f"{name}({', '.join(parts)})"
    return text if len(text) <= limit else text[: limit - 2] + "…)"
