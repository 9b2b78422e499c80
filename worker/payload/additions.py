"""Attributes that a class adds to one that says itself what of it travels.

``requests.Session`` and its adapters list what a pickle holds of them. A class derived from one, with a base address or
a time limit of its own, is not asked, and would arrive without them. What such a class has added travels as well, where
it can; what the library's own code names is the library's, and stays behind as it wants.
"""

from __future__ import annotations

import functools
import inspect
import types
from collections.abc import Callable
from typing import Any


def added(value: Any, state: dict[str, Any]) -> list[str]:
    """The attributes of an object that its state leaves out although the class that wrote it knows nothing of them."""
    fields = getattr(value, "__dict__", None)
    kind: Any = type(value)
    known = _known(kind)
    if known is None or type(fields) is not dict:
        return []
    return [name for name in fields if name not in state and name not in known]


def reduced(value: Any, travels: Callable[[Any], bool]) -> Any:
    """How an object with additions is pickled; None when it has none, and goes as it always does."""
    kind: Any = type(value)
    if _known(kind) is None:
        return None
    made = value.__reduce_ex__(5)
    if not isinstance(made, tuple) or len(made) < 3 or type(made[2]) is not dict:
        return None
    fields = vars(value)
    own = {name: fields[name] for name in added(value, made[2]) if travels(fields[name])}
    return (*made[:2], (made[2], own), *(*made[3:], None, None)[:2], put_back) if own else None


def put_back(value: Any, states: tuple[dict[str, Any], dict[str, Any]]) -> None:
    """Give an object its state, and then what was added."""
    state, own = states
    if hasattr(value, "__setstate__"):
        value.__setstate__(state)
    else:
        value.__dict__.update(state)
    value.__dict__.update(own)


@functools.lru_cache(maxsize=1000)
def _known(kind: Any) -> frozenset[str] | None:
    """What the class that says what travels names in its code; None where no other class derives from such a one."""
    if kind.__reduce_ex__ is not object.__reduce_ex__ or kind.__reduce__ is not object.__reduce__:
        return None
    line = kind.__mro__
    place = next((at for at, item in enumerate(line) if "__getstate__" in vars(item)), 0)
    asked = line[place]
    home = _home(asked)
    if not place or asked is object or all(_home(item) == home for item in line[:place]):
        return None
    names: set[str] = set()
    for item in line:
        if _home(item) == home or item in asked.__mro__:
            for member in vars(item).values():
                names.update(_names(member))
    return frozenset(names)


def _home(kind: type) -> str:
    return str(kind.__module__).partition(".")[0]


def _names(member: Any) -> tuple[str, ...]:
    """The names in a function's code, whatever stands around it."""
    if isinstance(member, property):
        return tuple(name for part in (member.fget, member.fset, member.fdel) for name in _names(part))
    function = inspect.unwrap(getattr(member, "__func__", member)) if callable(member) else member
    function = getattr(function, "__func__", function)
    return function.__code__.co_names if isinstance(function, types.FunctionType) else ()
