"""The parts of a filter with their values, as text and as JSON."""

from __future__ import annotations

import json
import shutil
import textwrap
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from manifest.filters import FilterSyntaxError, Part

_VALUE_CHARACTERS = 60
_JSON_CHARACTERS = 2000
_COLUMNS = 80
_FEWEST_COLUMNS = 40
_FEWEST_CHARACTERS = 30  # in a line, however far it is indented


def lines_of(parts: Sequence[Part], indent: str = "", width: int = 0) -> list[str]:
    """The lines of each part; a failure is told where it arose, and called ``no value`` around it.

    What does not fit into the width (0: the terminal's, 80 in a pipe) goes on in further lines.
    """
    width = width or columns()
    return [line for at, part in enumerate(parts) for line in _lines(part, parts[at + 1 :], indent, width)]


def columns() -> int:
    """How wide text may be."""
    return max(shutil.get_terminal_size((_COLUMNS, 24)).columns, _FEWEST_COLUMNS)


def wrapped(text: str, width: int, indent: str = "", further: str = "") -> list[str]:
    """Text in lines of a width, cut at blanks only; ``further`` is the indent of all lines but the first."""
    return textwrap.wrap(
        text,
        max(width, len(further) + _FEWEST_CHARACTERS),
        initial_indent=indent,
        subsequent_indent=further,
        break_long_words=False,
        break_on_hyphens=False,
    )


def _lines(part: Part, later: Sequence[Part], indent: str, width: int) -> list[str]:
    from manifest.cel_text import spell

    head = indent + "  " * part.depth
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
    line = f"{head}{text}  → {value}"
    if len(line) <= width:
        lines = [line]
    else:
        lines = wrapped(text, width, head, head + "    ")
        if len(lines[-1]) + len(value) + 4 <= width:
            lines[-1] += f"  → {value}"
        else:
            lines += wrapped(f"→ {value}", width, head + "  ", head + "    ")
    return [*lines, *wrapped(f"({part.note})", width, head + "    ", head + "     ")] if part.note else lines


def documents_of(parts: Sequence[Part]) -> list[dict[str, Any]]:
    """The parts for programs; a value that is not JSON, or a large one, is text as a filter would spell it."""
    from manifest.cel_text import spell

    found = []
    for part in parts:
        try:
            text = json.dumps(part.value, allow_nan=False)
            value = part.value if len(text) <= _JSON_CHARACTERS else spell(part.value, _JSON_CHARACTERS)
        except (TypeError, ValueError, RecursionError):  # the last for data that are nested deeply
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
