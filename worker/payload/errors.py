"""Why a value cannot cross a boundary."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from worker.errors import PayloadError


class SecretLeakError(PayloadError):
    """A secret value would stand in the history."""

    code = "AK1402"


class UnpicklableError(PayloadError):
    """A value, or something inside it, can neither be written as JSON nor be pickled.

    Which part it is, is looked for when somebody asks for the message: most often the caller goes another way, and
    looking through a large client takes seconds.
    """

    code = "AK1403"

    def __init__(self, message: str, *, finding: Callable[[], str | None] | None = None) -> None:
        """Take the reason, and how to find a better one."""
        self._said = message
        super().__init__(message)
        self._finding = finding

    @property
    def message(self) -> str:
        """What cannot be pickled, and which part of it."""
        if self._finding is not None:
            finding, self._finding = self._finding, None
            self._said = finding() or self._said
        return self._said

    @message.setter
    def message(self, text: str) -> None:
        self._said, self._finding = text, None

    def __reduce__(self) -> tuple[Any, ...]:
        """The message instead of the way to find it."""
        return type(self), (self.message,), {"where": self.where, "hint": self.hint, "code": self.code}


class TooLargeError(PayloadError):
    """A value is over the size limit."""

    code = "AK1404"
