"""The runtime outside a session: a plain Python process, such as a unit test that calls a handler."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any


class LocalRuntime:
    """Everything runs where it is called; what the program registers is remembered and means nothing."""

    def __init__(self) -> None:
        self.never_activities: list[Any] = []

    def register_no_activity(self, items: Iterable[Any]) -> None:
        """Remember the functions and classes; nothing becomes an activity here anyway."""
        self.never_activities.extend(items)
