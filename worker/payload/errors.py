"""Why a value cannot cross a boundary."""

from __future__ import annotations

from worker.errors import PayloadError


class SecretLeakError(PayloadError):
    """A secret value would stand in the history."""

    code = "AK1402"


class UnpicklableError(PayloadError):
    """A value, or something inside it, can neither be written as JSON nor be pickled."""

    code = "AK1403"


class TooLargeError(PayloadError):
    """A value is over the size limit."""

    code = "AK1404"
