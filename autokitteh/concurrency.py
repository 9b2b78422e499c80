"""Several calls at once, the simple way."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, TypeVar

from autokitteh import _runtime

T = TypeVar("T")
R = TypeVar("R")


def parallel(fn: Callable[[T], R], items: Iterable[T], *, limit: int | None = None) -> list[R]:
    """Call a function with each item, at the same time, and return the results in the items' order.

    Args:
        fn: called with one item; plain code, its calls to the outside run side by side.
        items: the items.
        limit: how many at once at most; None for all.

    Raises:
        ValueError: the limit is not positive.
        BaseException: what the first failed call, in the items' order, raised; all others have ended by then.
    """
    if limit is not None and limit < 1:
        raise ValueError(f"parallel(limit={limit}): a limit is 1 or more")
    calls: list[Callable[[], Any]] = [lambda item=item: fn(item) for item in items]  # type: ignore[misc]
    return _runtime.current().parallel(calls, limit or len(calls) or 1)
