"""The parts of a filter with their values, as text and as JSON."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from manifest.filters import FilterSyntaxError, Part

_VALUE_CHARACTERS = 60
_JSON_CHARACTERS = 2000


def lines_of(parts: Sequence[Part], indent: str = "") -> list[str]:
    """One line for each part; a failure is told where it arose, and called ``no value`` around it."""
    return [indent + line for at, part in enumerate(parts) for line in _line(part, parts[at + 1 :])]


def _line(part: Part, later: Sequence[Part]) -> list[str]:
    from manifest.cel_text import spell

    head = "  " * part.depth
    text = part.text if part.depth or "\n" not in part.text else " ".join(part.text.split())
    if part.failure:
        inner = []
        for other in later:
            if other.depth <= part.depth:
                break
            inner.append(other.failure)
        value = "no value" if part.failure in inner else part.failure
    else:
        value = spell(part.value, _VALUE_CHARACTERS)
    lines = [f"{head}{text}  → {value}"]
    if part.note:
        lines.append(f"{head}    ({part.note})")
    return lines


def documents_of(parts: Sequence[Part]) -> list[dict[str, Any]]:
    """The parts for programs; a value that is not JSON, or a large one, is text as a filter would spell it."""
    from manifest.cel_text import spell

    found = []
    for part in parts:
        try:
            text = json.dumps(part.value, allow_nan=False)
            value = part.value if len(text) <= _JSON_CHARACTERS else spell(part.value, _JSON_CHARACTERS)
        except (TypeError, ValueError):
            value = spell(part.value, _JSON_CHARACTERS)
        found.append(
            {
                "depth": part.depth,
                "text": part.text,
                "value": value,
                "error": part.failure or None,
                "note": part.note or None,
            }
        )
    return found


def syntax_text(error: FilterSyntaxError) -> str:
    """Each problem under its line of the filter, with a caret."""
    lines = error.expression.splitlines() or [""]
    blocks = []
    for line, column, message in error.problems:
        shown = lines[min(line, len(lines)) - 1].replace("\t", " ")
        blocks.append(f"{line}:{column}: {message}\n    {shown}\n    {' ' * (column - 1)}^")
    return "\n".join(blocks)
