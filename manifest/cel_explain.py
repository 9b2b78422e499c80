"""Evaluate an expression part by part: what each sub-expression was worth for one event, and why it had no value.

Rules:

1. Every part is evaluated, also one that an ``&&`` or ``||`` before it made needless: a person wants to see all of them.
   Of a condition ``a ? b : c`` only the branch that was taken is.
2. A path such as ``data.body.json.action`` is one part; a missing key says which keys there are instead.
3. Of a loop, the first elements are shown with what the body is for each, and the one that decided.
4. Parts without a variable inside, and a path seen before, are left out; the whole is always there.
   Of a great many parts the first are shown, and the term of an ``&&`` or ``||`` that decided; the whole says so.
5. Where types do not fit, they are told, and what to write instead: ``7`` and ``"7"`` look alike (``cel_remedies``).
6. The work is bounded: after some seconds the remaining parts stay without a value, and say so.
"""

from __future__ import annotations

import difflib
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from manifest import cel_ast as ast
from manifest import cel_remedies as remedies
from manifest.cel_budget import Budget
from manifest.cel_check import check_types
from manifest.cel_compile import FIRST_FREE_SLOT, VARIABLE_SLOTS, Compiler
from manifest.cel_text import spell, text_of
from manifest.cel_values import NUMBER_NAMES, EvaluationError, type_name

MAX_ELEMENTS = 3
MAX_SEARCHED = 20_000  # elements of a loop among which the one that decided is looked for
SEARCH_SECONDS = 0.5  # for all loops of a filter together
MAX_KEYS = 20
MAX_BESIDE = 6  # keys beside one that is null; where there are more, the one is no choice among them
MAX_PARTS = 200
MORE_PARTS = 20  # for a term that decided and came too late
MAX_SECONDS = 4.0
_DECISIVE = {"exists": True, "all": False, "exists_one": True}
_ENOUGH = {"exists_one": 2}


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
    room: int = MAX_PARTS
    is_cut: bool = False
    searching: float = SEARCH_SECONDS

    def __post_init__(self) -> None:
        self.deadline = self.clock() + MAX_SECONDS

    def value(self, node: ast.Node, bound: Mapping[str, Any]) -> Any:
        """The node's value; raises EvaluationError like the filter itself."""
        return self.evaluator(node, bound)(bound)

    def evaluator(self, node: ast.Node, names: Iterable[str]) -> Callable[[Mapping[str, Any]], Any]:
        """The node compiled once, for any values of the variables of the loops around it."""
        names = list(names)
        scope = {**VARIABLE_SLOTS, **{name: FIRST_FREE_SLOT + at for at, name in enumerate(names)}}
        compiler = Compiler()
        compiler.frame_size += len(names)
        evaluate = compiler.compile(node, scope)

        def run(bound: Mapping[str, Any]) -> Any:
            if self.clock() > self.deadline:
                raise EvaluationError("not evaluated: explaining this filter takes too long")
            frame: list[Any] = [self.data, self.event_type, Budget(), *(bound[name] for name in names)]
            frame.extend([None] * (compiler.frame_size - len(frame)))
            try:
                return evaluate(frame)
            except EvaluationError:
                raise
            except RecursionError:
                raise EvaluationError("the data are nested too deeply") from None
            except Exception as error:  # data are the world's; the filter itself reports these the same way
                raise EvaluationError(f"cannot be evaluated: {type(error).__name__}: {error}") from None

        return run

    def walk(self, node: ast.Node, depth: int, bound: Mapping[str, Any], note: str = "") -> None:
        """Add the node's part and those inside it."""
        if not ast.has_variable(node, {*VARIABLE_SLOTS, *bound}):
            return
        if len(self.parts) >= self.room:
            self.is_cut = True
            return
        text = text_of(node)
        is_path = ast.is_path(node.operand if isinstance(node, ast.Has) else node)
        if is_path and not bound:
            if text in self.seen:
                return
            self.seen.add(text)
        try:
            value, failure = self.value(node, bound), ""
        except EvaluationError as error:
            value, failure = None, str(error)
        self.parts.append(
            Part(
                depth,
                text,
                value,
                failure,
                ", ".join(filter(None, (note, self.note(node, bound, value, failure)))),
            )
        )
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
        elif isinstance(node, ast.Logic):
            self.terms(node, depth, bound)
        else:
            for child in ast.children(node):
                self.walk(child, depth, bound)

    def terms(self, node: ast.Logic, depth: int, bound: Mapping[str, Any]) -> None:
        """The terms of an ``&&`` or ``||``; the one that decided also where there is no room for all of them."""
        for term in node.terms:
            self.walk(term, depth, bound)
        if not self.is_cut or self.room > MAX_PARTS:
            return
        whole = self.quietly(node, bound)
        if whole is not None and whole[0] is (node.symbol == "&&"):
            return  # all of them were needed
        found = (term for term in node.terms if self.quietly(term, bound) == whole)
        decided = next(found, None)
        shown = text_of(decided) if decided is not None else ""
        if decided is not None and all(part.text != shown or part.depth != depth for part in self.parts):
            self.room = len(self.parts) + MORE_PARTS
            self.walk(decided, depth, bound)
            self.room = len(self.parts)

    def loop(self, node: ast.Macro, depth: int, bound: Mapping[str, Any]) -> None:
        """The body of a loop for its first elements, and for the one that decided."""
        elements = self.elements(node, bound)
        for at in self.shown(node, elements, bound):
            for body in node.bodies:
                note = f"for {node.variable} = {spell(elements[at], 40)}"
                self.walk(body, depth, {**bound, node.variable: elements[at]}, note)

    def elements(self, node: ast.Macro, bound: Mapping[str, Any]) -> list[Any]:
        """What a loop goes over; nothing where it has no value, or is no list."""
        found = self.quietly(node.source, bound)
        return list(found[0]) if found is not None and isinstance(found[0], list | tuple | dict) else []

    def shown(self, node: ast.Macro, elements: list[Any], bound: Mapping[str, Any]) -> list[int]:
        """Which elements of a loop are shown: the first ones; those that decided take the last places."""
        first = list(range(min(len(elements), MAX_ELEMENTS)))
        if len(elements) <= MAX_ELEMENTS:
            return first
        decisive = self.decisive(node, elements, bound)
        kept = [at for at in first if at not in decisive][: MAX_ELEMENTS - len(decisive)]
        return sorted({*kept, *decisive})

    def decisive(self, node: ast.Macro, elements: list[Any], bound: Mapping[str, Any]) -> list[int]:
        """The elements that made a loop what it is: one, or the two that are too many for ``exists_one``."""
        wanted = _DECISIVE.get(node.name)
        failed = self.quietly(node, bound) is None
        if wanted is None and not failed:
            return []
        evaluate = self.evaluator(node.bodies[0], [*bound, node.variable])
        enough = _ENOUGH.get(node.name, 1) if not failed else 1
        found: list[int] = []
        end = self.clock() + self.searching
        for at, element in enumerate(elements[:MAX_SEARCHED]):
            try:
                value = evaluate({**bound, node.variable: element})
                is_decisive = value is wanted and not failed
            except EvaluationError:
                is_decisive = failed
            if is_decisive:
                found.append(at)
            if len(found) == enough or self.clock() > end:
                break
        self.searching = max(end - self.clock(), 0.0)
        return found

    def quietly(self, node: ast.Node, bound: Mapping[str, Any]) -> tuple[Any] | None:
        """The value in a tuple, or None."""
        try:
            return (self.value(node, bound),)
        except EvaluationError:
            return None

    def note(self, node: ast.Node, bound: Mapping[str, Any], value: Any, failure: str) -> str:
        """What else helps to understand a part."""
        if isinstance(node, ast.Macro):
            elements = self.elements(node, bound)
            more = len(elements) > MAX_ELEMENTS
            return f"{MAX_ELEMENTS} of {len(elements):,} elements are shown" if more else ""
        if failure or (isinstance(node, ast.Has) and value is False):
            return self.available(node, bound) or self.remedy(node, bound)
        if isinstance(node, ast.Call) and node.name in {"==", "!="}:
            return self.types(node, bound)
        if isinstance(node, ast.Call) and node.name == "in" and value is False:
            return self.other_elements(node, bound)
        return ""

    def works(self, node: ast.Node, bound: Mapping[str, Any]) -> bool:
        """Whether an expression is a right one, and has a value."""
        problems: list[tuple[int, str]] = []
        check_types(node, problems, bound)
        return not problems and self.quietly(node, bound) is not None

    def types(self, node: ast.Call, bound: Mapping[str, Any]) -> str:
        """That two values cannot be equal for their types; empty where they can, and for a comparison with null."""
        sides = [self.quietly(side, bound) for side in node.arguments]
        try:
            names = {type_name(side[0]) for side in sides if side is not None}
        except EvaluationError:
            return ""
        if len(names) < len(sides) or "null_type" in names or names <= NUMBER_NAMES:
            return ""
        values = [side[0] for side in sides if side is not None]
        left, right = map(_kind, values)
        better = remedies.for_comparison(node, values, lambda other: self.works(other, bound))
        return f"{left} and {right} are never equal" + _write(better)

    def other_elements(self, node: ast.Call, bound: Mapping[str, Any]) -> str:
        """That no element of a list has the type of what is looked for."""
        sides = [self.quietly(side, bound) for side in node.arguments]
        wanted, among = (side[0] if side is not None else None for side in sides)
        if wanted is None or not isinstance(among, list | tuple) or not among:
            return ""
        found = _kind(wanted)
        kinds = {_kind(element) for element in among[:MAX_SEARCHED]}
        if found in kinds or {found, *kinds} <= {f"{_article(name)} {name}" for name in NUMBER_NAMES}:
            return ""
        return f"{text_of(node.arguments[0])} is {found}, and no element of the list is"

    def remedy(self, node: ast.Node, bound: Mapping[str, Any]) -> str:
        """Which types do not fit where this part failed by itself, and what to write instead; empty elsewhere."""
        if isinstance(node, ast.Conditional):
            return self.condition(node.condition, bound)
        if isinstance(node, ast.Logic):
            told = [self.condition(term, bound) for term in node.terms]
            return next(filter(None, told), "")
        if not isinstance(node, ast.Call):
            return ""
        if node.name == "!":
            return self.condition(node.arguments[0], bound)
        sides = [self.quietly(side, bound) for side in node.arguments]
        values = [side[0] for side in sides if side is not None]
        if len(values) < len(sides):  # it failed further inside
            return ""
        told = [
            f"{text_of(side)} is {_kind(value)}"
            for side, value in zip(node.arguments, values, strict=True)
            if ast.has_variable(side, {*VARIABLE_SLOTS, *bound})
        ]
        return " and ".join(told) + _write(
            remedies.for_call(node, values, lambda other: self.works(other, bound))
        )

    def condition(self, node: ast.Node, bound: Mapping[str, Any]) -> str:
        """That a condition is no bool, and what to write instead; empty where it is one, or has no value."""
        found = self.quietly(node, bound)
        if found is None or isinstance(found[0], bool):
            return ""
        better = remedies.for_condition(node, found[0], lambda other: self.works(other, bound))
        return f"{text_of(node)} is {_kind(found[0])}, not a bool{_write(better)}"

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
            same = [key for key in keys if key.lower() == wanted.lower()]
            near = same or difflib.get_close_matches(wanted, keys[:1000], 1)
            return f"there are: {shown or 'none'}" + (f"; did you mean {near[0]}?" if near else "")
        if isinstance(found[0], list | tuple) and isinstance(node, ast.Index):
            return f"{text_of(operand)} is a list of {len(found[0]):,}"
        return f"{text_of(operand)} is {_kind(found[0])}{self.beside(operand, bound, found[0])}"

    def beside(self, node: ast.Node, bound: Mapping[str, Any], value: Any) -> str:
        """What there is beside a key whose value is null: of a body that is no JSON, its text or its form."""
        parent = self.quietly(node.operand, bound) if isinstance(node, ast.Select) else None
        if value is not None or parent is None or not isinstance(parent[0], dict):
            return ""
        keys = [str(key) for key, item in parent[0].items() if item is not None]
        if len(keys) > MAX_BESIDE:
            return ""
        where = text_of(node.operand) if isinstance(node, ast.Select) else ""
        return (
            f"; in {where} {', '.join(keys)} {'are' if len(keys) > 1 else 'is'} not null"
            if keys
            else (f"; all of {where} is null")
        )


def explain(node: ast.Node, data: Any, event_type: str) -> list[Part]:
    """The parts of a checked expression, in the order of its text."""
    explainer = _Explainer({} if data is None else data, event_type or "")
    explainer.walk(node, 0, {})
    if explainer.is_cut:
        first = explainer.parts[0]
        told = f"not all parts are shown, only the first {MAX_PARTS} and the one that decided"
        explainer.parts[0] = replace(first, note=", ".join(filter(None, (first.note, told))))
    if explainer.parts and not explainer.parts[0].failure:
        first = explainer.parts[0]
        told = explainer.condition(node, {})
        explainer.parts[0] = replace(first, note=", ".join(filter(None, (first.note, told))))
    if not explainer.parts:  # not even a variable in it: ``false``
        try:
            explainer.parts.append(Part(0, text_of(node), explainer.value(node, {})))
        except EvaluationError as error:
            explainer.parts.append(Part(0, text_of(node), failure=str(error)))
    return explainer.parts


def _write(better: ast.Node | None) -> str:
    return f": write {text_of(better)}" if better is not None else ""


def _kind(value: Any) -> str:
    try:
        name = type_name(value)
        return "null" if name == "null_type" else f"{_article(name)} {name}"
    except EvaluationError:
        return type(value).__name__


def _article(name: str) -> str:
    return "an" if name == "int" else "a"
