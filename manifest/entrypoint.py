"""``main.py:on_event``: parsed, and looked up in the project without running it."""

from __future__ import annotations

import ast
import difflib
import itertools
import re
from dataclasses import dataclass
from pathlib import Path

from manifest.schema import CALL_PATTERN


@dataclass(frozen=True)
class EntryPoint:
    """A file of the project and a name in it."""

    path: str
    name: str

    def __str__(self) -> str:
        """As it is written."""
        return f"{self.path}:{self.name}"


def parse(text: str) -> EntryPoint | None:
    """The entry point; None when the text is none. A space instead of the colon is understood."""
    if not re.fullmatch(CALL_PATTERN, text):
        return None
    separator = max(
        text.rfind(":"), text.rfind(" ")
    )  # the file's name may hold spaces, the function's cannot
    return EntryPoint(text[:separator], text[separator + 1 :])


@dataclass(frozen=True)
class Missing:
    """Why an entry point does not exist. ``line`` is set when the file itself is broken."""

    message: str
    hint: str = ""
    line: int = 0
    column: int = 0


def find(entry: EntryPoint, directory: Path) -> Missing | None:
    """Look the entry point up; None when it exists."""
    file = directory / entry.path
    if not file.is_file() or directory.resolve() not in file.resolve().parents:
        if file.is_dir():
            return Missing(f"{entry.path} is a directory, not a file of Python")
        found = (path for path in sorted(directory.rglob("*.py")) if path.is_file())
        known = [path.relative_to(directory).as_posix() for path in itertools.islice(found, 500)]
        return Missing(f"there is no {entry.path} in the project", _close(entry.path, known))
    try:
        tree = ast.parse(file.read_bytes(), filename=entry.path)
    except SyntaxError as error:
        return Missing(error.msg, "", error.lineno or 1, error.offset or 1)
    except ValueError as error:
        return Missing(str(error), "", 1, 1)
    except (RecursionError, MemoryError):
        return Missing("the code is nested too deeply to be compiled", "", 1, 1)
    names, open_ended = names_in(tree.body)
    first = entry.name.partition(".")[0]
    if first in names or open_ended:
        return None
    return Missing(f"there is no {first} in {entry.path}", _close(first, sorted(names)))


def names_in(body: list[ast.stmt]) -> tuple[set[str], bool]:
    """The names a module's top level binds, and whether a star import may bind more."""
    names: set[str] = set()
    open_ended = False
    for statement in body:
        for node in ast.walk(statement) if not _is_scope(statement) else [statement]:
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
                names.add(node.name)
            elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
                names.add(node.id)
            elif isinstance(node, ast.ImportFrom) and node.module == "__future__":
                continue
            elif isinstance(node, ast.Import | ast.ImportFrom):
                open_ended = open_ended or any(alias.name == "*" for alias in node.names)
                names.update((alias.asname or alias.name).partition(".")[0] for alias in node.names)
    return names, open_ended


def _is_scope(statement: ast.stmt) -> bool:
    return isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)


def _close(name: str, known: list[str]) -> str:
    found = difflib.get_close_matches(name, known, 1)
    if found:
        return f"did you mean {found[0]}?"
    return f"there is: {', '.join(known[:10])}" if known else ""
