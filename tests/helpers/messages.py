"""Every message in the source that a user can meet: what is raised, refused, warned of or answered, as a pattern.

Read from the syntax trees, so that a new message is found the day it is written. What is put in at run time counts as
some text. A message that comes from elsewhere (a variable, another error's text) is found where its words are.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import autokitteh
import manifest
import worker

ROOT = Path(worker.__path__[0]).parent
PACKAGES = [Path(package.__path__[0]) for package in (autokitteh, manifest, worker)]

# Which argument of a call is the message, by the name of what is called.
_OURS = (
    "WorkerError UsageError NotFoundError ConfigError DeployError UserCodeError InUseError TemporalError "
    "ConnectionTestError StoreError LimitError StoreOutageError PayloadError TamperedError CallError ReplayError "
    "TaskError ForkError InternalError SecretLeakError UnpicklableError TooLargeError AutoKittehError WaitsForeverError "
    "EvaluationError BudgetError FilterError warn"
)
_AT: dict[str, int] = {
    **dict.fromkeys(_OURS.split(), 0),
    "Missing": 0,
    "SourceError": 1,
    "Rule": 1,
    "_report": 1,
    "_problem": 1,
    "_broken": 1,
    "EnvVarError": 1,
}
# A library's user meets Python's own errors of it as well.
_PYTHONS = dict.fromkeys(("ValueError", "TypeError", "ImportError", "NotImplementedError"), 0)
_MOST_PUT_IN = 400  # characters
_ENOUGH = 7  # letters of its own that a pattern needs to mean one message


@dataclass(frozen=True)
class Message:
    """One place that makes a message."""

    place: str  # file and function
    line: int
    parts: tuple[str, ...]  # what stands in it; what is put in at run time is between them

    @property
    def shown(self) -> str:
        """As it stands in the source, ``…`` for what is put in."""
        return "…".join(self.parts)

    def stands_in(self, page: str) -> bool:
        """Whether a text, whose lines were joined by ``joined``, has its parts one after the other, not far apart."""
        first, *rest = (joined(part) for part in self.parts if part.strip())
        begin = page.find(first)
        while begin >= 0:
            at = begin + len(first)
            for part in rest:
                found = page.find(part, at, at + _MOST_PUT_IN + len(part))
                at = found + len(part)
                if found < 0:
                    break
            else:
                return True
            begin = page.find(first, begin + 1)
        return False

    @property
    def is_its_own(self) -> bool:
        """Whether it says something, besides what it passes on."""
        return sum(character.isalpha() for part in self.parts for character in part) >= _ENOUGH


def joined(text: str) -> str:
    """A text on one line, since what is printed may be broken and indented."""
    return re.sub(r"\s+", " ", text)


def collect() -> list[Message]:
    """All of them, in the order of the files."""
    found: list[Message] = []
    for package in PACKAGES:
        for path in sorted(package.rglob("*.py")):
            found += of_file(path)
    return found


def of_file(path: Path) -> Iterator[Message]:
    """The messages of one file."""
    name = str(path.relative_to(ROOT))
    tree = ast.parse(path.read_text())
    if path.name == "refusals.py":
        for node in ast.walk(tree):
            if isinstance(node, ast.Dict):
                for value in node.values:
                    if isinstance(value, ast.Constant) and isinstance(value.value, str):
                        yield Message(f"{name}::TEXTS", value.lineno, (value.value,))
    constants = _assigned(tree.body)
    for scope, function in _functions(tree):
        known = constants | _assigned(ast.walk(function) if function is not tree else [])
        for node in _own(function):
            for expression in _messages(node, name, function):
                for parts in _texts(expression, known, 0):
                    message = Message(f"{name}::{scope}", node.lineno, parts)
                    if message.is_its_own:
                        yield message


def _functions(tree: ast.Module) -> Iterator[tuple[str, ast.AST]]:
    waiting: list[tuple[str, ast.AST]] = [("", tree)]
    while waiting:
        scope, node = waiting.pop(0)
        if not isinstance(node, ast.ClassDef):
            yield scope, node
        for inner in _below(node):
            if isinstance(inner, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
                waiting.append((f"{scope}.{inner.name}".lstrip("."), inner))


def _below(node: ast.AST) -> Iterator[ast.AST]:
    """What stands in a scope, up to the beginnings of those in it."""
    for child in ast.iter_child_nodes(node):
        yield child
        if not isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield from _below(child)


def _own(function: ast.AST) -> Iterator[ast.expr | ast.stmt]:
    for node in _below(function):
        if isinstance(node, ast.Call | ast.Return):
            yield node


def _messages(node: ast.AST, name: str, function: ast.AST) -> Iterator[ast.expr]:
    """The expressions that are messages, if this is a place that makes one."""
    if isinstance(node, ast.Return):
        if name.startswith("manifest/") and getattr(function, "name", "").endswith("_problem"):
            yield (
                node.value.elts[-1] if isinstance(node.value, ast.Tuple) else node.value or ast.Constant(None)
            )
        return
    assert isinstance(node, ast.Call)
    called = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
    at = {**_AT, **(_PYTHONS if name.startswith("autokitteh/") else {})}.get(called)
    if called == "Problem":
        at = 3 if name.startswith("manifest/") else 1
    elif called == "PlainTextResponse" and len(node.args) > 1:
        at = 0
    elif called == "add" and node.args and getattr(node.args[0], "id", "") == "LINE_WARNING":
        at = 1
    elif called == "add" and len(node.args) > 1 and getattr(node.args[1], "id", "") == "LINE_WARNING":
        at = 2
    elif called == "Rule" and not (isinstance(node.args[0], ast.Constant) and node.args[0].value == "refuse"):
        at = None
    elif called == "append" and name.startswith("manifest/cel_") and isinstance(node.args[0], ast.Tuple):
        yield node.args[0].elts[-1]
    elif called == "__init__" and name == "autokitteh/errors.py":
        at = 0
    if at is not None and len(node.args) > at:
        yield node.args[at]


def _assigned(nodes: object) -> dict[str, list[ast.expr]]:
    """What names stand for, by the assignments to them."""
    found: dict[str, list[ast.expr]] = {}
    for node in nodes:  # type: ignore[attr-defined]
        targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
        for target in targets:
            if isinstance(node, ast.Assign | ast.AnnAssign) and isinstance(target, ast.Name) and node.value:
                found.setdefault(target.id, []).append(node.value)
    return found


def _texts(node: ast.expr, known: dict[str, list[ast.expr]], depth: int) -> Iterator[tuple[str, ...]]:
    """The literal texts an expression may be, each as its parts."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield (node.value,)
    elif isinstance(node, ast.JoinedStr):
        yield tuple(_parts(node, known))
    elif isinstance(node, ast.IfExp):
        yield from _texts(node.body, known, depth)
        yield from _texts(node.orelse, known, depth)
    elif isinstance(node, ast.BoolOp):
        for value in node.values:
            yield from _texts(value, known, depth)
    elif isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        left = next(_texts(node.left, known, depth), ("", ""))
        right = next(_texts(node.right, known, depth), ("", ""))
        yield (*left[:-1], left[-1] + right[0], *right[1:])
    elif isinstance(node, ast.Name) and depth < 3:
        for value in known.get(node.id, []):
            yield from _texts(value, known, depth + 1)
    elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "strip":
        yield from _texts(node.func.value, known, depth)


def _parts(node: ast.JoinedStr, known: dict[str, list[ast.expr]]) -> list[str]:
    parts = [""]
    for value in node.values:
        if isinstance(value, ast.Constant):
            parts[-1] += str(value.value)
            continue
        assert isinstance(value, ast.FormattedValue)
        inner = value.value
        values = known.get(inner.id, []) if isinstance(inner, ast.Name) else []
        constant = values[0] if len(values) == 1 and isinstance(values[0], ast.Constant) else None
        if constant is not None and isinstance(constant.value, str):
            parts[-1] += constant.value
        else:
            parts.append("")
    return parts
