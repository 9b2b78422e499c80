"""Every error has a code of its own, and every code is explained."""

from __future__ import annotations

from pathlib import Path

from manifest.errors import CODES
from worker import errors
from worker.payload import errors as payload_errors

DOCUMENT = Path(__file__).parents[1] / "docs" / "errors.md"


def classes() -> list[type[errors.WorkerError]]:
    """All error classes of the worker."""
    assert payload_errors
    found, waiting = [], [errors.WorkerError]
    while waiting:
        kind = waiting.pop()
        found.append(kind)
        waiting += kind.__subclasses__()
    return found


def test_codes_are_unique():
    """No two error classes share a code."""
    codes = [kind.code for kind in classes()]
    assert sorted(set(codes)) == sorted(codes)


def test_codes_are_documented():
    """Each code stands in the table of errors."""
    text = DOCUMENT.read_text()
    assert [code for code in [*(kind.code for kind in classes()), *CODES] if code not in text] == []
