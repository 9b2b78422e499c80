"""Functions on lists, maps and sets."""

from __future__ import annotations

import operator
from collections.abc import Callable, Hashable, Iterable
from typing import Any

from manifest.cel_values import (
    EvaluationError,
    check_list_size,
    comparable,
    has_key,
    is_element,
    keys_of,
    type_name,
)


def _slice(values: list[Any], start: int, end: int) -> list[Any]:
    if not 0 <= start <= end <= len(values):
        raise EvaluationError(f"bad slice: {start} to {end} in a list of {len(values)} elements")
    return list(values[start:end])


def _flatten(values: list[Any], depth: int = 1) -> list[Any]:
    if depth < 0:
        raise EvaluationError("flatten needs a depth of 0 or more")
    flat = list(values)
    for _ in range(depth):
        if not any(isinstance(value, (list, tuple)) for value in flat):
            break
        flat = _flatten_once(flat)
    return flat


def _flatten_once(values: Iterable[Any]) -> list[Any]:
    flat: list[Any] = []
    for value in values:
        if isinstance(value, (list, tuple)):
            check_list_size(len(flat) + len(value))
            flat.extend(value)
        else:
            flat.append(value)
    return flat


def sort_by(values: list[Any], keys: list[Any]) -> list[Any]:
    """Sort values by their keys, which must all be comparable with each other; equal ones keep their order."""
    for key in keys:
        if not comparable(keys[0], key):
            raise EvaluationError(
                f"cannot sort {type_name(keys[0])} with {type_name(key)}: they have no order"
            )
    ordered = sorted(zip(keys, values, strict=True), key=operator.itemgetter(0))
    return [value for _, value in ordered]


def _sort(values: list[Any]) -> list[Any]:
    return sort_by(values, values)


def _distinct(values: list[Any]) -> list[Any]:
    found: dict[Hashable, Any] = {}
    for key, value in zip(keys_of(values), values, strict=True):
        found.setdefault(key, value)
    return list(found.values())


def _first(values: list[Any]) -> Any:
    if not values:
        raise EvaluationError("an empty list has no first element")
    return values[0]


def _last(values: list[Any]) -> Any:
    if not values:
        raise EvaluationError("an empty list has no last element")
    return values[-1]


def _range(count: int) -> list[int]:
    check_list_size(count)
    return list(range(count))


def _contains(values: list[Any], wanted: list[Any]) -> bool:
    return set(keys_of(wanted)) <= set(keys_of(values))


def _equivalent(left: list[Any], right: list[Any]) -> bool:
    return set(keys_of(left)) == set(keys_of(right))


def _intersects(left: list[Any], right: list[Any]) -> bool:
    return not set(keys_of(left)).isdisjoint(keys_of(right))


OVERLOADS: tuple[tuple[str, Callable[..., Any]], ...] = (
    ("in(dyn, list) -> bool", is_element),
    ("in(dyn, map) -> bool", lambda key, mapping: has_key(mapping, key)),
    ("size(list) -> int", len),
    ("size(map) -> int", len),
    ("list.size() -> int", len),
    ("map.size() -> int", len),
    ("list.slice(int, int) -> list", _slice),
    ("list.flatten() -> list", _flatten),
    ("list.flatten(int) -> list", _flatten),
    ("list.sort() -> list", _sort),
    ("list.distinct() -> list", _distinct),
    ("list.reverse() -> list", lambda values: list(reversed(values))),
    ("list.first() -> dyn", _first),
    ("list.last() -> dyn", _last),
    ("lists.range(int) -> list", _range),
    ("sets.contains(list, list) -> bool", _contains),
    ("sets.equivalent(list, list) -> bool", _equivalent),
    ("sets.intersects(list, list) -> bool", _intersects),
)
