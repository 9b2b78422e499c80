"""A hash for objects that Python hashes by their address, so that sets of them have an order that a replay repeats.

``for job in {a, b}`` goes by hashes. Those of strings, numbers and values made of them are the same in every process
(``PYTHONHASHSEED`` is fixed); those of plain objects are their addresses. So in sessions an object of a class of the
user's that defines no hash of its own has a number instead: which object of the session it was that was hashed first,
second, and so on.

The number is not kept in the object, where ``vars()`` would show it, and the class gets its method only when all
decorators are through with it: ``@dataclass`` asks whether a class has a hash of its own.

Left to their addresses: functions, classes, objects of libraries' own classes, those that have ``__slots__`` without
``__weakref__``, and ``None`` up to Python 3.11.
"""

from __future__ import annotations

import itertools
import weakref
from collections.abc import Callable, Iterator
from typing import Any

_BY_ADDRESS: Any = object.__hash__
_ELSEWHERE = (
    1 << 40
)  # outside of sessions numbers begin here: none is as good as an address, and none is a session's


def by_number(numbers: Callable[[], Iterator[int] | None]) -> Callable[[Any], Any]:
    """The last decorator of every class of the user's.

    Args:
        numbers: the count of the session that runs; None where none does.
    """
    known: dict[int, tuple[weakref.ref[Any], int]] = {}
    elsewhere = itertools.count(_ELSEWHERE)

    def __hash__(self: Any) -> int:  # noqa: N807 - it becomes a method
        key = id(self)
        entry = known.get(key)
        if entry is not None:
            return entry[1]
        try:
            reference = weakref.ref(self, lambda _: known.pop(key, None))
        except TypeError:
            return int(_BY_ADDRESS(self))
        mine = numbers()
        number = next(elsewhere if mine is None else mine)
        known[key] = (reference, number)
        return number

    def decorate(made: Any) -> Any:
        if isinstance(made, type) and made.__hash__ is _BY_ADDRESS:
            type.__setattr__(made, "__hash__", __hash__)
        return made

    return decorate
