"""YAML text as nodes that remember where they stand.

Scalars keep their literal text (``1.50`` stays ``1.50``, ``true`` stays ``true``), duplicate keys are kept to be
reported, anchors and merge keys work. The only file that knows the YAML library.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import yaml

from manifest.errors import Problem

_DEPTH = 50
_NODES = 50_000


@dataclass(frozen=True)
class Node:
    """A place in the text; line and column count from 1."""

    line: int
    column: int


@dataclass(frozen=True)
class Scalar(Node):
    """A text, number, boolean or nothing, as written."""

    text: str = ""
    is_null: bool = False
    style: str = ""  # "", "'", '"', "|" or ">"
    indent: int = 0  # of the lines of a literal ("|") scalar

    def place(self, line: int, column: int) -> tuple[int, int]:
        """Where a position inside the text stands in the file; exact for plain, quoted and literal scalars."""
        if self.style == "|":
            return self.line + line, self.indent + column
        if line > 1 or self.style == ">":
            return self.line, self.column
        return self.line, self.column + column - 1 + (1 if self.style in {"'", '"'} else 0)


@dataclass(frozen=True)
class Sequence(Node):
    """A list."""

    items: tuple[Node, ...] = ()


@dataclass(frozen=True)
class Mapping(Node):
    """Keys and values, duplicates included."""

    pairs: tuple[tuple[Scalar, Node], ...] = field(default=())

    def get(self, key: str) -> Node | None:
        """The value of a key; the first one when it is given twice."""
        return next((value for name, value in self.pairs if name.text == key), None)


def parse(text: str, path: str) -> tuple[Node | None, list[Problem]]:
    """The document as nodes, or what keeps it from being YAML."""
    try:
        root = yaml.compose(text, Loader=yaml.BaseLoader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line, column = (mark.line + 1, mark.column + 1) if mark is not None else (1, 1)
        context = f" ({error.context})" if error.context else ""
        return None, [Problem(path, line, column, f"this is not YAML: {error.problem}{context}", "AK2001")]
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        first = str(error).splitlines()[0] if str(error) else type(error).__name__
        return None, [Problem(path, 1, 1, f"this is not YAML: {first}", "AK2001")]
    if root is None:
        return None, [
            Problem(path, 1, 1, "the file is empty", "AK2001", hint="It begins with `version: v2`.")
        ]
    try:
        return _Converter(text).convert(root, 0), []
    except RecursionError:
        return None, [
            Problem(path, 1, 1, "this is not YAML: it contains itself or is nested too deeply", "AK2001")
        ]


class _Converter:
    """YAML's nodes as ours, with a bound on what aliases can unfold."""

    def __init__(self, text: str) -> None:
        self._lines = text.splitlines()
        self._count = 0

    def convert(self, node: yaml.Node, depth: int) -> Node:
        self._count += 1
        if depth > _DEPTH or self._count > _NODES:
            raise RecursionError
        line, column = node.start_mark.line + 1, node.start_mark.column + 1
        if isinstance(node, yaml.ScalarNode):
            null = node.style is None and node.value in {"", "~", "null", "Null", "NULL"}
            style = node.style or ""
            indent = self._indent(line, node.value) if style == "|" else 0
            return Scalar(line, column, "" if null else node.value, null, style, indent)
        if isinstance(node, yaml.SequenceNode):
            return Sequence(line, column, tuple(self.convert(item, depth + 1) for item in node.value))
        pairs: list[tuple[Scalar, Node]] = []
        merged: list[tuple[Scalar, Node]] = []
        for key, value in node.value:
            name = self.convert(key, depth + 1)
            item = self.convert(value, depth + 1)
            if not isinstance(name, Scalar):
                name = Scalar(name.line, name.column, "?")
            if name.text == "<<" and isinstance(item, Mapping | Sequence):
                sources = (
                    [item] if isinstance(item, Mapping) else [m for m in item.items if isinstance(m, Mapping)]
                )
                merged.extend(pair for source in sources for pair in source.pairs)
            else:
                pairs.append((name, item))
        own = {name.text for name, _ in pairs}
        seen: set[str] = set()
        for name, item in merged:
            if name.text not in own and name.text not in seen:
                seen.add(name.text)
                pairs.append((name, item))
        return Mapping(line, column, tuple(pairs))

    def _indent(self, header: int, value: str) -> int:
        """How far a literal scalar is indented in the file; its first line may begin with spaces of its own."""
        below = zip(self._lines[header:], value.splitlines(), strict=False)
        return next((len(line) - len(shown) for line, shown in below if shown.strip()), 0)
