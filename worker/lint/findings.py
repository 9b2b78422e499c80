"""A finding: what it is, where, and what to do.

Errors will fail when they run, warnings may, notes are worth knowing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from worker.lint.values import Function

ERROR: Final = "error"
WARNING: Final = "warning"
NOTE: Final = "note"

PAGE: Final = "docs/lint.md"
CODES: Final = frozenset(
    [
        "set-order",
        "identity-of-result",
        "module-level-io",
        "module-level-step",
        "hidden-io",
        "io-in-iterator",
        "io-in-with",
        "io-in-property",
        "unkeepable-result",
        "file-write",
        "changed-argument",
        "long-computation",
        "endless-history",
        "refused",
    ]
)

IN_ACTIVITY: Final = "put it into a function marked @autokitteh.activity"


@dataclass(frozen=True, order=True)
class Hazard:
    """One finding."""

    file: str
    line: int
    code: str
    severity: str
    message: str
    remedy: str

    @property
    def link(self) -> str:
        """Where it is explained."""
        return f"{PAGE}#{self.code}"


def hazard(function: Function, line: int, code: str, severity: str, message: str, remedy: str) -> Hazard:
    """A finding in a function."""
    assert code in CODES, code
    return Hazard(function.file, line, code, severity, message, remedy)
