"""Findings that a project does not want to hear: one line's by a comment, a kind of them in pyproject.toml.

for name in names:  # ak: ignore[set-order]

[tool.autokitteh.lint]
ignore = ["file-write"]
"""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any, Final

from worker.errors import UserCodeError
from worker.lint.code import Code
from worker.lint.findings import CODES, Hazard
from worker.usercode.extension import FILE

_COMMENT: Final = re.compile(r"#\s*ak:\s*ignore(?:\[(?P<codes>[\w\-,\s]*)\])?")
_HINT: Final = "The codes stand in docs/lint.md."


def heard(code: Code, found: list[Hazard]) -> list[Hazard]:
    """The findings that nobody has silenced.

    Raises:
        UserCodeError: what pyproject.toml says is no list of codes.
    """
    ignored = _ignored(code.project.directory)
    return [item for item in found if item.code not in ignored and not _by_comment(code, item)]


def _by_comment(code: Code, item: Hazard) -> bool:
    source = code.by_file(item.file)
    found = _COMMENT.search(source.line(item.line)) if source is not None else None
    if found is None:
        return False
    codes = found["codes"]
    return codes is None or item.code in {name.strip() for name in codes.split(",")}


def _ignored(directory: Path) -> frozenset[str]:
    try:
        text = (directory / FILE).read_text(encoding="utf-8")
    except FileNotFoundError:
        return frozenset()
    table: Any = tomllib.loads(text).get("tool", {})  # that it is TOML is known by now
    for name in ("autokitteh", "lint"):
        table = table.get(name, {}) if isinstance(table, dict) else {}
    given: Any = table.get("ignore", []) if isinstance(table, dict) else table
    if not isinstance(given, list) or not all(isinstance(item, str) for item in given):
        raise _wrong(text, "ignore", 'ignore is a list of codes of findings, such as ["file-write"]')
    for item in given:
        if item not in CODES:
            raise _wrong(text, item, f"{item} is no finding of ak lint")
    return frozenset(given)


def _wrong(text: str, found: str, message: str) -> UserCodeError:
    lines = text.splitlines()
    begin = next((n for n, line in enumerate(lines) if "autokitteh.lint" in line), 0)
    number = next((n for n in range(begin, len(lines)) if found in lines[n]), begin)
    return UserCodeError(message, where=f"{FILE}:{number + 1}", hint=_HINT)
