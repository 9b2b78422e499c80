"""Hints for ids that do not exist: what comes nearest to them."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable

from worker.errors import NotFoundError

_SHOWN = 3
_ALIKE = 8  # characters, with the prefix


def hint(identifier: str, known: Iterable[str], otherwise: str) -> str:
    """``Nearest: evt_…, evt_…``; where nothing is near, what else to do."""
    names = list(known)
    alike = [name for name in names if len(identifier) >= _ALIKE and name.startswith(identifier[:_ALIKE])]
    near = alike or difflib.get_close_matches(identifier, names, _SHOWN, 0.7)
    return f"Nearest: {', '.join(near[:_SHOWN])}" if near else otherwise


def missing(check: Callable[[], None]) -> NotFoundError | None:
    """The error of a check that something exists; None where it does."""
    try:
        check()
    except NotFoundError as error:
        return error
    return None
