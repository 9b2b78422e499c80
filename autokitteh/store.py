"""Values that all sessions of a project share: functions, and ``autokitteh.store[...]`` as a dictionary."""

from __future__ import annotations

import sys
import types
from collections.abc import Iterator
from enum import StrEnum
from typing import Any, TypeVar

from autokitteh import _runtime

T = TypeVar("T")
_MISSING = object()


class Op(StrEnum):
    """What ``mutate_value`` does."""

    SET = "set"
    GET = "get"
    DEL = "del"
    ADD = "add"
    CHECK_AND_SET = "check_and_set"


def set_value(key: str, value: Any) -> None:
    """Store a value.

    Args:
        key: its key; a project has at most 64.
        value: anything that pickles, of at most 64 KiB.

    Raises:
        AutoKittehError: there are too many values, or this one is too large.
    """
    _runtime.current().value(Op.SET, _key(key), value)


def get_value(key: str, default: Any = None) -> Any:
    """The value under a key, or the default."""
    found, value = _runtime.current().value(Op.GET, _key(key))
    return value if found else default


def del_value(key: str) -> None:
    """Delete a value; it is no error when there is none."""
    _runtime.current().value(Op.DEL, _key(key))


def add_values(key: str, value: T) -> T:
    """Add to a number or timedelta and return the sum, atomically; a missing value counts as nothing."""
    added: T = _runtime.current().value(Op.ADD, _key(key), value)
    return added


def check_and_set_value(key: str, expected_value: Any, new_value: Any) -> bool:
    """Store the new value if the present one equals the expected one, atomically.

    Args:
        key: the key.
        expected_value: None stands for a missing value.
        new_value: what to store.

    Returns:
        Whether it was stored.
    """
    return bool(_runtime.current().value(Op.CHECK_AND_SET, _key(key), expected_value, new_value))


def mutate_value(key: str, op: Op | str, *args: Any) -> Any:
    """Carry out one operation by its name; returns what the function of that operation returns."""
    operation = Op(op)
    result = _runtime.current().value(operation, _key(key), *args)
    if operation is Op.GET:
        return result[1] if result[0] else None
    return result


def list_values_keys() -> list[str]:
    """All keys of the project, sorted."""
    return _runtime.current().value_keys()


def publish_value(key: str) -> None:
    """Let anybody read the value, as JSON, at ``get_store_public_url()`` + ``/`` + key.

    Raises:
        AutoKittehError: there is no such value.
    """
    _runtime.current().publish(_key(key), published=True)


def unpublish_value(key: str) -> None:
    """Let nobody outside read the value any more."""
    _runtime.current().publish(_key(key), published=False)


def get_store_public_url() -> str:
    """Where published values are read."""
    return _runtime.current().store_public_url()


def _key(key: str) -> str:
    given: object = key
    if not isinstance(given, str) or not given:
        raise TypeError(f"a key is a text that is not empty, not {key!r}")
    return key


class Store(types.ModuleType):
    """The module itself is a dictionary: ``store["x"] = 1``, ``del store["x"]``, ``"x" in store``, ``len(store)``."""

    def __getitem__(self, key: str) -> Any:
        """The value under a key.

        Raises:
            KeyError: there is none.
        """
        found, value = _runtime.current().value(Op.GET, _key(key))
        if not found:
            raise KeyError(key)
        return value

    def __setitem__(self, key: str, value: Any) -> None:
        set_value(key, value)

    def __delitem__(self, key: str) -> None:
        self[key]
        del_value(key)

    def __contains__(self, key: object) -> bool:
        return key in list_values_keys()

    def __iter__(self) -> Iterator[str]:
        return iter(list_values_keys())

    def __len__(self) -> int:
        return len(list_values_keys())

    def get(self, key: str, default: Any = None) -> Any:
        """The value under a key, or the default."""
        return get_value(key, default)

    def keys(self) -> list[str]:
        """All keys."""
        return list_values_keys()

    def values(self) -> list[Any]:
        """All values, in the order of their keys."""
        return [self[key] for key in list_values_keys()]

    def items(self) -> list[tuple[str, Any]]:
        """All keys with their values."""
        return [(key, self[key]) for key in list_values_keys()]

    def pop(self, key: str, default: Any = _MISSING) -> Any:
        """Remove a value and return it.

        Raises:
            KeyError: there is none, and no default.
        """
        found, value = _runtime.current().value(Op.GET, _key(key))
        if not found:
            if default is _MISSING:
                raise KeyError(key)
            return default
        del_value(key)
        return value

    def setdefault(self, key: str, default: Any = None) -> Any:
        """The value under a key; the default is stored first when there is none."""
        check_and_set_value(key, None, default)
        return get_value(key)

    def update(self, *args: Any, **kwargs: Any) -> None:
        """Store several values, one after the other."""
        for key, value in dict(*args, **kwargs).items():
            set_value(key, value)


sys.modules[__name__].__class__ = Store
