"""Problems as text, with the line they stand in and a caret, or as JSON."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from manifest.errors import Problem


def text(problems: Sequence[Problem], source: str = "") -> str:
    """All problems, each with its line of the source."""
    lines = source.splitlines()
    blocks = []
    for problem in problems:
        kind = "" if problem.severity == "error" else f"{problem.severity}: "
        block = f"{problem.path}:{problem.line}:{problem.column}: {kind}{problem.message} [{problem.code}]"
        if problem.path.endswith((".yaml", ".yml")) and 0 < problem.line <= len(lines):
            shown = lines[problem.line - 1].replace("\t", " ")
            block += f"\n    {shown}\n    {' ' * (problem.column - 1)}^"
        if problem.hint:
            block += f"\n    {problem.hint}"
        blocks.append(block)
    return "\n".join(blocks)


def as_json(problems: Sequence[Problem]) -> list[dict[str, Any]]:
    """All problems, machine-readable."""
    return [
        {
            "path": problem.path,
            "line": problem.line,
            "column": problem.column,
            "code": problem.code,
            "message": problem.message,
            "severity": problem.severity,
            "hint": problem.hint,
        }
        for problem in problems
    ]
