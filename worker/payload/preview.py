"""Short texts that tell a person what a value is. Never raise, never run the user's ``__repr__``."""

from __future__ import annotations

import reprlib
from collections.abc import Mapping, Sequence
from typing import Any

_PLAIN = (str, bytes, bytearray, int, float, complex, bool, type(None))
_CONTAINERS = (list, tuple, dict, set, frozenset)
_TRUSTED_MODULES = (
    "builtins",
    "datetime",
    "decimal",
    "uuid",
    "pathlib",
    "collections",
    "fractions",
    "ipaddress",
    "enum",
    "re",
)
_DEFAULT_CHARACTERS = 80
_TEXT_CHARACTERS = 60


class _Preview(reprlib.Repr):
    """``repr`` with limits, and only of types whose ``repr`` is known to be harmless."""

    def __init__(self) -> None:
        super().__init__()
        self.maxstring = self.maxother = _TEXT_CHARACTERS
        self.maxlevel = 3

    def repr1(self, x: Any, level: int) -> str:
        kind = type(x)
        if kind in _PLAIN or kind in _CONTAINERS:
            return super().repr1(x, level)
        if kind.__module__.partition(".")[0] in _TRUSTED_MODULES:
            return self.repr_instance(x, level)
        if isinstance(x, type):
            return x.__qualname__
        name = getattr(x, "__qualname__", None)
        if isinstance(name, str) and callable(x):
            return name
        return self._attributes(x, level)

    def _attributes(self, x: Any, level: int) -> str:
        kind = type(x)
        try:
            fields = object.__getattribute__(x, "__dict__")
        except AttributeError:
            fields = {}
        shown = [(name, value) for name, value in fields.items() if not name.startswith("_")][:4]
        if level <= 0 or (kind.__module__.partition(".")[0] != "main" and not _simple(shown)):
            return f"<{kind.__qualname__}>"
        return f"{kind.__qualname__}({', '.join(f'{n}={self.repr1(v, level - 1)}' for n, v in shown)})"


def _simple(fields: list[tuple[str, Any]]) -> bool:
    return bool(fields) and all(type(value) in _PLAIN for _, value in fields)


def preview(value: Any, limit: int = _DEFAULT_CHARACTERS) -> str:
    """What the value is, in at most ``limit`` characters."""
    try:
        text = _Preview().repr(value)
    except Exception:
        text = f"<{type(value).__qualname__}>"
    text = " ".join(text.split())
    return text if len(text) <= limit else text[: limit - 1] + "…"


def call_preview(name: str, args: Sequence[Any], kwargs: Mapping[str, Any], limit: int = 200) -> str:
    """``requests.get('https://…', timeout=3)``."""
    parts = [preview(value) for value in args] + [f"{key}={preview(value)}" for key, value in kwargs.items()]
    text = f"{name}({', '.join(parts)})"
    return text if len(text) <= limit else text[: limit - 2] + "…)"
