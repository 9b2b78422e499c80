"""Rules of the house that no linter knows: length of files and functions, docstrings of modules, open ends.

A file over 400 lines or a function over 60 gives its reason in its docstring, on a line that begins with ``Length:``.
"""

from __future__ import annotations

import ast
import re
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
PLACES = ("autokitteh", "manifest", "worker", "scripts", "benchmarks", "tests")
NEED_DOCSTRING = ("autokitteh", "manifest", "worker")
NOT_OURS = ("tests/projects", "tests/manifests/project", "tests/replay/project", "tests/replay/libraries")
FILE_LINES = 400
FUNCTION_LINES = 60
OPEN_ENDS = re.compile(r"#.*\b(" + "|".join(("TO" + "DO", "FIX" + "ME", "X" + "XX")) + r")\b")


def problems_of(path: Path) -> list[str]:
    """What is wrong with one file."""
    name = path.relative_to(ROOT).as_posix()
    text = path.read_text()
    tree = ast.parse(text)
    docstring = ast.get_docstring(tree) or ""
    lines = text.splitlines()
    found = []
    if len(lines) > FILE_LINES and "Length:" not in docstring:
        found.append(
            f"{name}:1: {len(lines)} lines; say why on a line `Length:` in the docstring, or split it"
        )
    if name.startswith(NEED_DOCSTRING) and not docstring:
        found.append(f"{name}:1: the module has no docstring")
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            length = (node.end_lineno or node.lineno) - node.lineno + 1
            if length > FUNCTION_LINES and "Length:" not in (ast.get_docstring(node) or ""):
                found.append(f"{name}:{node.lineno}: {node.name} has {length} lines")
    found += [
        f"{name}:{number}: an open end" for number, line in enumerate(lines, 1) if OPEN_ENDS.search(line)
    ]
    return found


def main() -> int:
    """Check every source file; print what is wrong."""
    found: list[str] = []
    for place in PLACES:
        for path in sorted((ROOT / place).rglob("*.py")):
            if not path.relative_to(ROOT).as_posix().startswith(NOT_OURS):
                found += problems_of(path)
    print("\n".join(found) or "the house is in order")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
