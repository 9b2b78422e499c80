"""Values as plain JSON for whoever is not a session: other projects, HTTP clients, the command line."""

from __future__ import annotations

import base64
import datetime as dt
import math
from collections.abc import Callable, Mapping
from typing import Any

from worker.contracts import JSON


def to_plain(value: Any, depth: int = 100) -> JSON:
    """The value as JSON: times as text, sets and tuples as lists, bytes as base64.

    Raises:
        TypeError: it has no place in JSON.
    """
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str):
        return str(value)
    if isinstance(value, int):
        return int(value)
    if isinstance(value, float):
        if not math.isfinite(value):
            raise TypeError(f"{value} has no place in JSON")
        return float(value)
    if not depth:
        raise TypeError("the value is nested too deeply")
    if isinstance(value, Mapping):
        return {str(key): to_plain(item, depth - 1) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [to_plain(item, depth - 1) for item in value]
    if isinstance(value, set | frozenset):
        return [to_plain(item, depth - 1) for item in sorted(value, key=repr)]
    if isinstance(value, dt.datetime | dt.date | dt.time):
        return value.isoformat()
    if isinstance(value, dt.timedelta):
        return value.total_seconds()
    if isinstance(value, bytes | bytearray):
        return base64.b64encode(bytes(value)).decode("ascii")
    raise TypeError(f"a value of type {type(value).__name__} has no place in JSON")


def shown(value: Any, preview: str, mask: Callable[[str], str]) -> JSON:
    """The value as JSON with secrets hidden, or its preview where it has none."""
    try:
        return masked(to_plain(value), mask)
    except TypeError:
        return preview


def masked(tree: JSON, mask: Callable[[str], str]) -> JSON:
    """The same JSON with each text masked."""
    if isinstance(tree, str):
        return mask(tree)
    if isinstance(tree, list):
        return [masked(item, mask) for item in tree]
    if isinstance(tree, dict):
        return {mask(key): masked(item, mask) for key, item in tree.items()}
    return tree
