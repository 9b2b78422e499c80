"""Evaluate an expression part by part: what each sub-expression was worth for one event, and why it had no value.

Rules:

1. Every part is evaluated, also one that an ``&&`` or ``||`` before it made needless: a person wants to see all of them.
   Of a condition ``a ? b : c`` only the branch that was taken is.
2. A path such as ``data.body.json.action`` is one part; a missing key says which keys there are instead.
3. Of a loop, the first elements are shown with what the body is for each.
4. Parts without a variable inside, and a path seen before, are left out; the whole is always there.
5. A comparison of values of two types says so: they are never equal, which ``7`` and ``"7"`` do not show at once.
6. The work is bounded: after some seconds the remaining parts stay without a value, and say so.
"""

from __future__ import annotations

import difflib
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from manifest import cel_ast as ast
from manifest.cel_budget import Budget
from manifest.cel_compile import FIRST_FREE_SLOT, VARIABLE_SLOTS, Compiler
from manifest.cel_text import spell, text_of
from manifest.cel_values import NUMBER_NAMES, EvaluationError, type_name

MAX_ELEMENTS = 3
MAX_KEYS = 20
MAX_PARTS = 200
MAX_SECONDS = 4.0


@dataclass(frozen=True)
class Part:
    """A sub-expression with its value, or with why it has none (``failure``), at its depth in the filter.

    ``note`` says what else helps: the keys there are, or the element of a loop that the part was evaluated for.
    """

    depth: int
    text: str
    value: Any = None
    failure: str = ""
    note: str = ""


@dataclass
class _Explainer:
    """One evaluation; ``bound`` holds the variables of loops around the current part."""

    data: Any
    event_type: str
    clock: Callable[[], float] = time.monotonic
    parts: list[Part] = field(default_factory=list)
    seen: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.deadline = self.clock() + MAX_SECONDS

    def value(self, node: ast.Node, bound: Mapping[str, Any]) -> Any:
        """The node's value; raises EvaluationError like the filter itself."""
        if self.clock() > self.deadline:
            raise EvaluationError("not evaluated: explaining this filter takes too long")
        scope = {**VARIABLE_SLOTS, **{name: FIRST_FREE_SLOT + at for at, name in enumerate(bound)}}
        compiler = Compiler()
        compiler.frame_size += len(bound)
        evaluate = compiler.compile(node, scope)
        frame: list[Any] = [self.data, self.event_type, Budget(), *bound.values()]
        frame.extend([None] * (compiler.frame_size - len(frame)))
        try:
            return evaluate(frame)
        except EvaluationError:
            raise
        except Exception as error:  # data are the world's; the filter itself reports these the same way
            raise EvaluationError(f"cannot be evaluated: {type(error).__name__}: {error}") from None

    def walk(self, node: ast.Node, depth: int, bound: Mapping[str, Any], note: str = "") -> None:
        """Add the node's part and those inside it."""
        if len(self.parts) >= MAX_PARTS or not _has_variable(node, {*VARIABLE_SLOTS, *bound}):
            return
        text = text_of(node)
        is_path = _is_path(node) or isinstance(node, ast.Has)
        if is_path and not bound:
            if text in self.seen:
                return
            self.seen.add(text)
        try:
            value, failure = self.value(node, bound), ""
        except EvaluationError as error:
            value, failure = None, str(error)
        if failure or (isinstance(node, ast.Has) and value is False):
            note = ", ".join(filter(None, (note, self.available(node, bound))))
        elif isinstance(node, ast.Call) and node.name in {"==", "!="}:
            note = ", ".join(filter(None, (note, self.types(node, bound))))
        self.parts.append(Part(depth, text, value, failure, note))
        if not is_path:
            self.inside(node, depth + 1, bound)

    def inside(self, node: ast.Node, depth: int, bound: Mapping[str, Any]) -> None:
        """The parts of a node."""
        if isinstance(node, ast.Macro):
            self.walk(node.source, depth, bound)
            self.loop(node, depth, bound)
        elif isinstance(node, ast.Bind):
            self.walk(node.value, depth, bound)
            found = self.quietly(node.value, bound)
            if found is not None:
                self.walk(node.body, depth, {**bound, node.variable: found[0]})
        elif isinstance(node, ast.Conditional):
            self.walk(node.condition, depth, bound)
            found = self.quietly(node.condition, bound)
            if found is not None and isinstance(found[0], bool):
                self.walk(node.then if found[0] else node.otherwise, depth, bound)
        else:
            for child in _children(node):
                self.walk(child, depth, bound)

    def loop(self, node: ast.Macro, depth: int, bound: Mapping[str, Any]) -> None:
        """The body of a loop for its first elements."""
        found = self.quietly(node.source, bound)
        if found is None or not isinstance(found[0], list | tuple | dict):
            return
        for at, element in enumerate(found[0]):
            if at >= MAX_ELEMENTS:
                break
            for body in node.bodies:
                self.walk(
                    body,
                    depth,
                    {**bound, node.variable: element},
                    f"for {node.variable} = {spell(element, 40)}",
                )

    def quietly(self, node: ast.Node, bound: Mapping[str, Any]) -> tuple[Any] | None:
        """The value in a tuple, or None."""
        try:
            return (self.value(node, bound),)
        except EvaluationError:
            return None

    def types(self, node: ast.Call, bound: Mapping[str, Any]) -> str:
        """That two values cannot be equal for their types; empty where they can, and for a comparison with null."""
        sides = [self.quietly(side, bound) for side in node.arguments]
        try:
            names = {type_name(side[0]) for side in sides if side is not None}
        except EvaluationError:
            return ""
        if len(names) < len(sides) or "null_type" in names or names <= NUMBER_NAMES:
            return ""
        left, right = (_kind(side[0]) for side in sides if side is not None)
        return f"{left} and {right} are never equal"

    def available(self, node: ast.Node, bound: Mapping[str, Any]) -> str:
        """What there is in place of a missing key: ``there are: action, number; did you mean action?``."""
        if isinstance(node, ast.Select | ast.Has):
            operand, wanted = node.operand, node.name
        elif (
            isinstance(node, ast.Index)
            and isinstance(node.key, ast.Literal)
            and isinstance(node.key.value, str)
        ):
            operand, wanted = node.operand, node.key.value
        else:
            return ""
        found = self.quietly(operand, bound)
        if found is None:
            return self.available(operand, bound)
        if isinstance(found[0], dict):
            keys = [str(key) for key in found[0]]
            if wanted in keys:
                return ""
            shown = ", ".join(keys[:MAX_KEYS]) + (
                f" and {len(keys) - MAX_KEYS} more" if keys[MAX_KEYS:] else ""
            )
            near = difflib.get_close_matches(wanted, keys[:1000], 1)
            return f"there are: {shown or 'none'}" + (f"; did you mean {near[0]}?" if near else "")
        return f"{text_of(operand)} is {_kind(found[0])}"


def explain(node: ast.Node, data: Any, event_type: str) -> list[Part]:
    """The parts of a checked expression, in the order of its text."""
    explainer = _Explainer({} if data is None else data, event_type or "")
    explainer.walk(node, 0, {})
    if not explainer.parts:  # not even a variable in it: ``false``
        try:
            explainer.parts.append(Part(0, text_of(node), explainer.value(node, {})))
        except EvaluationError as error:
            explainer.parts.append(Part(0, text_of(node), failure=str(error)))
    return explainer.parts


def _kind(value: Any) -> str:
    try:
        name = type_name(value)
        return "null" if name == "null_type" else f"{'an' if name[0] in 'aeiou' else 'a'} {name}"
    except EvaluationError:
        return type(value).__name__


def _is_path(node: ast.Node) -> bool:
    while isinstance(node, ast.Select) or (isinstance(node, ast.Index) and isinstance(node.key, ast.Literal)):
        node = node.operand
    return isinstance(node, ast.Ident)


def _children(node: ast.Node) -> Iterator[ast.Node]:
    if isinstance(node, ast.Select | ast.Has):
        yield node.operand
    elif isinstance(node, ast.Index):
        yield from (node.operand, node.key)
    elif isinstance(node, ast.Call):
        yield from node.arguments
    elif isinstance(node, ast.Logic):
        yield from node.terms
    elif isinstance(node, ast.Conditional):
        yield from (node.condition, node.then, node.otherwise)
    elif isinstance(node, ast.ListLiteral):
        yield from node.elements
    elif isinstance(node, ast.MapLiteral):
        for pair in node.entries:
            yield from pair
    elif isinstance(node, ast.Macro):
        yield from (node.source, *node.bodies)
    elif isinstance(node, ast.Bind):
        yield from (node.value, node.body)


def _has_variable(node: ast.Node, names: set[str]) -> bool:
    if isinstance(node, ast.Ident):
        return node.name in names
    return any(_has_variable(child, names) for child in _children(node))
