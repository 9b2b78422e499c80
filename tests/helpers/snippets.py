"""The programs in the documentation, with how to run them and what they print."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

DOCS = Path(__file__).parents[2] / "docs"
_SNIPPET = re.compile(
    r"<!-- test: (?P<how>\{.*?\}) -->\n```python\n(?P<code>.*?)```\n(?:\n```text\n(?P<output>.*?)```)?",
    re.DOTALL,
)


@dataclass(frozen=True)
class Snippet:
    """One program: what runs it stands in the comment before it, what it prints in the block after it."""

    number: int
    code: str
    lines: list[str]
    handler: str
    data: dict[str, Any]
    event_type: str | None = None
    then: list[list[Any]] = field(default_factory=list)
    started: list[str] = field(default_factory=list)
    outcome: dict[str, Any] | None = None


def snippets(*pages: str) -> list[Snippet]:
    """The programs of some pages."""
    text = "\n".join((DOCS / page).read_text() for page in pages)
    return [
        Snippet(number, found["code"], (found["output"] or "").splitlines(), **json.loads(found["how"]))
        for number, found in enumerate(_SNIPPET.finditer(text))
    ]
