"""The project's modules, parsed: what their names mean, without running them."""

from __future__ import annotations

import ast
import importlib
import io
import tokenize
import warnings
from dataclasses import dataclass, field
from pathlib import Path

from worker.errors import UserCodeError
from worker.lint.values import UNKNOWN, Class, Function, Known, Module, Value
from worker.usercode.project import Project


@dataclass(eq=False)
class Source:
    """One file."""

    name: str
    file: str
    tree: ast.Module
    lines: list[str]
    is_package: bool
    names: dict[str, Value] = field(default_factory=dict)

    def line(self, number: int) -> str:
        """The text of a line, stripped."""
        return self.lines[number - 1].strip() if 0 < number <= len(self.lines) else ""


class Code:
    """All modules of a project by the name in imports."""

    def __init__(self, directory: Path) -> None:
        self.project = Project(directory)
        self.sources: dict[str, Source] = {}
        for name, module in self.project.modules.items():
            if not module.file:
                continue
            written = (self.project.directory / module.file).read_bytes()
            try:
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore")
                    tree = ast.parse(written, filename=module.file)
            except (SyntaxError, ValueError) as error:
                line = getattr(error, "lineno", None) or 1
                message = error.msg if isinstance(error, SyntaxError) else str(error)
                raise UserCodeError(message, where=f"{module.file}:{line}") from None
            except (RecursionError, MemoryError):
                message = "the code is nested too deeply to be compiled"
                raise UserCodeError(
                    message, where=f"{module.file}:1", hint="Break the expression up."
                ) from None
            text = written.decode(_encoding(written), errors="replace")
            self.sources[name] = Source(name, module.file, tree, text.splitlines(), module.is_package)
        self._imported: dict[str, Value] = {}

    def by_file(self, file: str) -> Source | None:
        """The module in a file."""
        return next((source for source in self.sources.values() if source.file == file), None)

    def import_(self, name: str) -> Value:
        """What ``import name`` gives: a module of the user's, or a library's."""
        own = self.project.find(name)
        if own is not None and (own in self.sources or own in self.project.modules):
            return Module(own)
        if name not in self._imported:
            self._imported[name] = _library(name)
        return self._imported[name]

    def import_from(self, source: Source, module: str, level: int, name: str) -> Value:
        """What ``from module import name`` gives in a file."""
        if level:
            parts = source.name.split(".")
            base = parts[: len(parts) - level + (1 if source.is_package else 0)]
            module = ".".join([*base, *([module] if module else [])])
        found = self.import_(module) if module else UNKNOWN
        member = self.attribute_of_module(found, name)
        if member is not None:
            return member
        return self.import_(f"{module}.{name}") if module else UNKNOWN

    def attribute_of_module(self, value: Value, name: str) -> Value | None:
        """A name of a module; None when it has no such name."""
        if isinstance(value, Module):
            source = self.sources.get(value.name)
            if source is not None and name in source.names:
                return source.names[name]
            below = f"{value.name}.{name}"
            return Module(below) if below in self.project.modules else None
        if isinstance(value, Known):
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                try:
                    return Known(getattr(value.object, name))
                except Exception:
                    return None
        return None


def _library(name: str) -> Value:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return Known(importlib.import_module(name))
        except BaseException as error:
            if isinstance(error, KeyboardInterrupt):
                raise
            return UNKNOWN  # not installed here, or it does not like to be imported: nothing is known of it


def _encoding(written: bytes) -> str:
    """How a file that Python has read is written: it may say so in its first lines."""
    return tokenize.detect_encoding(io.BytesIO(written).readline)[0]


def is_main_guard(node: ast.stmt) -> bool:
    """Whether this is ``if __name__ == "__main__":``, which never runs in a session."""
    return (
        isinstance(node, ast.If)
        and isinstance(node.test, ast.Compare)
        and isinstance(node.test.left, ast.Name)
        and node.test.left.id == "__name__"
    )


__all__ = ["Class", "Code", "Function", "Source", "is_main_guard"]
