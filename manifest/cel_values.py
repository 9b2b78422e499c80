"""The values of the expression language: their type names, equality, order and limits."""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

INT64_MIN = -(2**63)
INT64_MAX = 2**63 - 1
UINT64_MAX = 2**64 - 1
DURATION_LIMIT = timedelta(microseconds=INT64_MAX // 1000)

MAX_TEXT_CHARACTERS = 4 * 1024 * 1024
MAX_LIST_ELEMENTS = 1_000_000
MAX_VISITED_VALUES = 500_000


class EvaluationError(Exception):
    """Evaluation stopped: the expression has no value for these data."""


class BudgetError(EvaluationError):
    """Evaluation costs too much; unlike other errors, ``&&`` and ``||`` never absorb it."""


class UInt(int):
    """An unsigned integer: a type of its own in the language, equal to the same ``int``."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class CelType:
    """A type as a value: what ``type(1)`` and the name ``int`` stand for."""

    name: str


_NAMES: dict[type, str] = {
    type(None): "null_type",
    bool: "bool",
    UInt: "uint",
    int: "int",
    float: "double",
    str: "string",
    bytes: "bytes",
    list: "list",
    tuple: "list",
    dict: "map",
    datetime: "google.protobuf.Timestamp",
    timedelta: "google.protobuf.Duration",
    CelType: "type",
}
TIMESTAMP = "google.protobuf.Timestamp"
DURATION = "google.protobuf.Duration"
TYPE_NAMES = frozenset(_NAMES.values())
NUMBER_NAMES = frozenset({"int", "uint", "double"})
_PLAIN = frozenset({type(None), bool, int, float, str, bytes})
_NUMBERS = frozenset({int, float, UInt})
_ORDERED = frozenset({"bool", "string", "bytes", TIMESTAMP, DURATION})


def type_name(value: Any) -> str:
    """Name the type of a value; a subclass counts as its base."""
    name = _NAMES.get(type(value))
    if name is not None:
        return name
    for python_type, base_name in _NAMES.items():
        if isinstance(value, python_type):
            return base_name
    raise EvaluationError(f"a value of the Python type {type(value).__name__} cannot be used in a filter")


class Fuel:
    """Bounds how many values one deep operation may visit."""

    __slots__ = ("left",)

    def __init__(self) -> None:
        self.left = MAX_VISITED_VALUES

    def spend(self, count: int) -> None:
        """Count visited values and stop when there were too many."""
        self.left -= count
        if self.left < 0:
            raise BudgetError(f"more than {MAX_VISITED_VALUES:,} values would have to be visited")


def equal(left: Any, right: Any) -> bool:
    """Compare by value: numbers across their types, other types never with each other."""
    left_type = type(left)
    right_type = type(right)
    if left_type is right_type and left_type in _PLAIN:
        return bool(left == right)
    if left_type in _NUMBERS and right_type in _NUMBERS:
        return bool(left == right)
    return _deep_equal(left, right, Fuel())


def _deep_equal(left: Any, right: Any, fuel: Fuel) -> bool:
    left_name = type_name(left)
    right_name = type_name(right)
    if left_name != right_name:
        return left_name in NUMBER_NAMES and right_name in NUMBER_NAMES and bool(left == right)
    if left_name not in {"list", "map"}:
        return bool(left == right)
    if len(left) != len(right):
        return False
    fuel.spend(len(left))
    pairs: Iterable[tuple[Any, Any]]
    if left_name == "list":
        pairs = zip(left, right, strict=True)
    elif all(has_key(right, key) for key in left):
        pairs = ((value, right[key]) for key, value in left.items())
    else:
        return False
    for a, b in pairs:
        if type(a) is type(b) and type(a) in _PLAIN:
            if a != b:
                return False
        elif not _deep_equal(a, b, fuel):
            return False
    return True


def has_key(mapping: dict[Any, Any], key: Any) -> bool:
    """Whether a map has this key; Python's ``True == 1`` does not hold here."""
    if type(key) is str:
        return key in mapping
    if type_name(key) not in {"bool", "int", "uint", "double", "string"}:
        raise EvaluationError(f"a value of type {type_name(key)} cannot be the key of a map")
    if key not in mapping:
        return False
    if key == 0 or key == 1:  # noqa: PLR1714 - the only keys which a bool and a number share
        is_bool = isinstance(key, bool)
        return any(found == key and isinstance(found, bool) == is_bool for found in mapping)
    return True


def is_element(value: Any, values: list[Any]) -> bool:
    """Whether a list holds an equal value."""
    if type(value) is str:
        return value in values
    return any(equal(value, candidate) for candidate in values)


def key_of(value: Any, fuel: Fuel) -> Hashable:
    """Give equal values equal hashable keys, so that sets of values need no pairwise comparison."""
    name = type_name(value)
    if name in NUMBER_NAMES:
        return ("number", value) if value == value else object()  # noqa: PLR0124 - NaN equals nothing
    if name == "list":
        fuel.spend(len(value))
        return (name, tuple(key_of(item, fuel) for item in value))
    if name == "map":
        fuel.spend(len(value))
        return (name, frozenset((key_of(key, fuel), key_of(item, fuel)) for key, item in value.items()))
    return (name, value)


def keys_of(values: list[Any]) -> list[Hashable]:
    """Give the key of each element of a list."""
    fuel = Fuel()
    return [key_of(value, fuel) for value in values]


def comparable(left: Any, right: Any) -> bool:
    """Whether ``<`` and its kin are defined between two values."""
    left_type = type(left)
    right_type = type(right)
    if left_type in _NUMBERS and right_type in _NUMBERS:
        return True
    if left_type is str and right_type is str:
        return True
    left_name = type_name(left)
    right_name = type_name(right)
    if left_name in NUMBER_NAMES:
        return right_name in NUMBER_NAMES
    return left_name == right_name and left_name in _ORDERED


def checked_int(value: int) -> int:
    """Let an integer of 64 bits pass and refuse any other."""
    if INT64_MIN <= value <= INT64_MAX:
        return value
    raise EvaluationError("integer overflow: the number does not fit in 64 bits")


def checked_uint(value: int) -> UInt:
    """Make an unsigned integer of 64 bits."""
    if 0 <= value <= UINT64_MAX:
        return UInt(value)
    raise EvaluationError("unsigned integer overflow: the number does not fit in 64 bits without a sign")


def checked_duration(value: timedelta) -> timedelta:
    """Let a duration of 64 bits of nanoseconds pass and refuse any other."""
    if abs(value) <= DURATION_LIMIT:
        return value
    raise EvaluationError("duration out of range: at most about 292 years")


def check_text_size(characters: int) -> None:
    """Refuse to build a string or byte string above the limit."""
    if characters > MAX_TEXT_CHARACTERS:
        raise BudgetError(f"a string of more than {MAX_TEXT_CHARACTERS:,} characters would be built")


def check_list_size(elements: int) -> None:
    """Refuse to build a list above the limit."""
    if elements > MAX_LIST_ELEMENTS:
        raise BudgetError(f"a list of more than {MAX_LIST_ELEMENTS:,} elements would be built")
