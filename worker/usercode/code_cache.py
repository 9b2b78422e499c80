"""Compiled user code, kept in memory per file and content.

A session executes its modules afresh, so the same file is needed as code again and again: it is parsed, transformed
and compiled once per content.
"""

from __future__ import annotations

import ast
import hashlib
import importlib.util
import sys
import threading
from pathlib import Path
from types import CodeType

from worker.errors import UserCodeError
from worker.usercode.transform import transform

# As deep as Python compiles from text. A tree made in Python is held to the interpreter's own limit (up to 3.11).
_TREE_DEPTH_LIMIT = 4000


class CodeCache:
    """Compiles files on demand; safe to use from several threads."""

    def __init__(self) -> None:
        self._entries: dict[tuple[str, str], tuple[bytes, CodeType]] = {}
        self._lock = threading.Lock()

    def get(self, path: Path, relative: str) -> CodeType:
        """The code of the file at ``path``, which the project calls ``relative``.

        The code's file name is the absolute path, so that ``inspect`` and ``linecache`` find the text.

        Raises:
            UserCodeError: the file cannot be read, decoded or compiled; says where and shows the line.
        """
        try:
            content = path.read_bytes()
        except OSError as error:
            raise UserCodeError(f"the file cannot be read: {error.strerror}", where=relative) from error
        digest = hashlib.sha256(content).digest()
        key = (str(path), relative)
        with self._lock:
            entry = self._entries.get(key)
            if entry is None or entry[0] != digest:
                entry = self._entries[key] = (digest, _compile(content, path, relative))
            return entry[1]


def _compile(content: bytes, path: Path, relative: str) -> CodeType:
    text = ""
    try:
        text = _decode(content)
        tree = transform(text, relative)
        try:
            return compile(tree, str(path.absolute()), "exec", dont_inherit=True)
        except RecursionError:
            return _compile_deep(tree, str(path.absolute()))
    except SyntaxError as error:
        raise _syntax_error(error, text, relative) from error
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise UserCodeError(
            f"the file is not valid {error.encoding} text: {error.reason}",
            where=f"{relative}:{line}",
            hint="Save the file as UTF-8, or name its encoding in its first line: # -*- coding: latin-1 -*-",
        ) from error
    except ValueError as error:  # null bytes, on Python 3.11
        raise UserCodeError(f"the file is not Python: {error}", where=relative) from error
    except (RecursionError, MemoryError) as error:
        raise UserCodeError(
            "the code is nested too deeply to be compiled", where=relative, hint="Break the expression up."
        ) from error


def _decode(content: bytes) -> str:
    try:
        return importlib.util.decode_source(content)
    except SyntaxError:
        # Python's message blames an encoding declaration even where there is none: say which byte it is.
        if b"coding" not in b"".join(content.splitlines()[:2]):
            content.decode()
        raise


def _compile_deep(tree: ast.Module, filename: str) -> CodeType:
    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(max(limit, _TREE_DEPTH_LIMIT))
    try:
        return compile(tree, filename, "exec", dont_inherit=True)
    finally:
        sys.setrecursionlimit(limit)


def _syntax_error(error: SyntaxError, text: str, relative: str) -> UserCodeError:
    """The same error as ours: place, message, offending line and a mark under the offending column."""
    message = f"{type(error).__name__}: {error.msg}"
    if error.lineno is None:
        return UserCodeError(message, where=relative)
    lines = text.split("\n")
    line = lines[error.lineno - 1] if 0 < error.lineno <= len(lines) else (error.text or "")
    shown = line.strip()
    if shown:
        message += f"\n    {shown}"
        indent = len(line) - len(line.lstrip())
        column = (error.offset or 0) - 1 - indent
        if 0 <= column <= len(shown):
            message += f"\n    {' ' * column}^"
    return UserCodeError(message, where=f"{relative}:{error.lineno}")
