"""Turn a checked expression into closures, built once and called for each event.

A closure takes the frame: data, event type, budget, then one slot for each variable of a macro.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

from manifest import cel_ast as ast
from manifest.cel_functions import FUNCTIONS, Function
from manifest.cel_macros import MACRO_LOOPS
from manifest.cel_values import (
    BudgetError,
    CelType,
    EvaluationError,
    comparable,
    equal,
    has_key,
    type_name,
)

Frame: TypeAlias = list[Any]
Evaluate: TypeAlias = Callable[[Frame], Any]

DATA_SLOT, EVENT_TYPE_SLOT, BUDGET_SLOT, FIRST_FREE_SLOT = range(4)
VARIABLE_SLOTS = {"data": DATA_SLOT, "event_type": EVENT_TYPE_SLOT}
_MISSING = object()
_ORDER: dict[str, Callable[[Any, Any], Any]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


class Compiler:
    """Compiles one expression; afterwards ``frame_size`` says how many slots its frames need."""

    def __init__(self) -> None:
        self.frame_size = FIRST_FREE_SLOT

    def compile(self, node: ast.Node, scope: Mapping[str, int] = VARIABLE_SLOTS) -> Evaluate:
        """Build the closure of a node, which the checker must have accepted."""
        if isinstance(node, ast.Literal):
            return _constant(node.value)
        if isinstance(node, ast.Ident):
            slot = scope.get(node.name)
            return _constant(CelType(node.name)) if slot is None else operator.itemgetter(slot)
        if isinstance(node, ast.Select):
            return self._select(node, scope)
        if isinstance(node, ast.Has):
            return _has(self.compile(node.operand, scope), node.name)
        if isinstance(node, ast.Index):
            if isinstance(node.key, ast.Literal) and isinstance(node.key.value, str):
                return _select(
                    self.compile(node.operand, scope), node.key.value, ast.qualified_name(node.operand)
                )
            return _index(self.compile(node.operand, scope), self.compile(node.key, scope))
        if isinstance(node, ast.Call):
            return self._call(node, scope)
        if isinstance(node, ast.Logic):
            terms = tuple(self.compile(term, scope) for term in node.terms)
            return _logic(terms, node.symbol, absorbing=node.symbol == "||")
        if isinstance(node, ast.Conditional):
            parts = (self.compile(part, scope) for part in (node.condition, node.then, node.otherwise))
            return _conditional(*parts)
        if isinstance(node, ast.ListLiteral):
            elements = tuple(self.compile(element, scope) for element in node.elements)
            return lambda frame: [element(frame) for element in elements]
        if isinstance(node, ast.MapLiteral):
            return _map(
                tuple((self.compile(key, scope), self.compile(value, scope)) for key, value in node.entries)
            )
        if isinstance(node, ast.Macro):
            source = self.compile(node.source, scope)
            slot, inner = self._slot(node.variable, scope)
            bodies = tuple(self.compile(body, inner) for body in node.bodies)
            return MACRO_LOOPS[node.name](source, slot, BUDGET_SLOT, *bodies)
        return self._bind(node, scope)

    def _slot(self, variable: str, scope: Mapping[str, int]) -> tuple[int, Mapping[str, int]]:
        slot = self.frame_size
        self.frame_size += 1
        return slot, {**scope, variable: slot}

    def _bind(self, node: ast.Bind, scope: Mapping[str, int]) -> Evaluate:
        value = self.compile(node.value, scope)
        slot, inner = self._slot(node.variable, scope)
        body = self.compile(node.body, inner)

        def bind(frame: Frame) -> Any:
            frame[slot] = value(frame)
            return body(frame)

        return bind

    def _select(self, node: ast.Select, scope: Mapping[str, int]) -> Evaluate:
        path = ast.qualified_name(node)
        names = path.split(".")
        slot = scope.get(names[0]) if path else None
        if slot is None:
            return _select(self.compile(node.operand, scope), node.name, ast.qualified_name(node.operand))
        return _path(slot, tuple(names[1:]), path)

    def _call(self, node: ast.Call, scope: Mapping[str, int]) -> Evaluate:
        arguments = tuple(self.compile(argument, scope) for argument in node.arguments)
        if node.name in {"==", "!="}:
            return _equality(node, arguments)
        if node.name in _ORDER:
            return _order(node.name, *arguments)
        if node.name == "!":
            return _negation(arguments[0])
        if node.name == "in":
            texts = _constant_texts(node.arguments[1])
            if texts is not None:
                return _one_of(arguments[0], texts)
        return _function(FUNCTIONS[node.name, node.is_method], arguments)


def _constant(value: Any) -> Evaluate:
    return lambda _frame: value


def _no_such_key(key: Any, where: str) -> EvaluationError:
    return EvaluationError(f"no such key: {str(key)[:80]}" + (f" in {where}" if where else ""))


def _no_fields(value: Any, name: str) -> EvaluationError:
    return EvaluationError(f"no such overload: a value of type {type_name(value)} has no field '{name[:80]}'")


def _path(slot: int, names: tuple[str, ...], path: str) -> Evaluate:
    """Read ``data.a.b`` in one closure: most terms of filters are such paths."""

    def read(frame: Frame) -> Any:
        value = frame[slot]
        for name in names:
            if not isinstance(value, dict):
                raise _no_fields(value, name)
            value = value.get(name, _MISSING)
            if value is _MISSING:
                raise _no_such_key(*_first_missing(frame[slot], path))
        return value

    return read


def _first_missing(value: Any, path: str) -> tuple[str, str]:
    """Return the first key of a path that is not there, and the path up to it."""
    where, *names = path.split(".")
    for name in names[:-1]:
        if name not in value:
            return name, where
        value = value[name]
        where = f"{where}.{name}"
    return names[-1], where


def _select(operand: Evaluate, name: str, where: str) -> Evaluate:
    def select(frame: Frame) -> Any:
        value = operand(frame)
        if not isinstance(value, dict):
            raise _no_fields(value, name)
        found = value.get(name, _MISSING)
        if found is _MISSING:
            raise _no_such_key(name, where)
        return found

    return select


def _has(operand: Evaluate, name: str) -> Evaluate:
    def has(frame: Frame) -> bool:
        value = operand(frame)
        if isinstance(value, dict):
            return name in value
        raise _no_fields(value, name)

    return has


def _index(operand: Evaluate, key: Evaluate) -> Evaluate:
    def index(frame: Frame) -> Any:
        value, at = operand(frame), key(frame)
        if isinstance(value, dict):
            if has_key(value, at):
                return value[at]
            raise _no_such_key(at, "")
        is_number = isinstance(at, (int, float)) and not isinstance(at, bool)
        if not isinstance(value, (list, tuple)) or not is_number:
            raise EvaluationError(f"no such overload: {type_name(value)}[{type_name(at)}]")
        if at != at or not 0 <= at < len(value) or at != int(at):  # noqa: PLR0124 - NaN
            raise EvaluationError(f"index out of bounds: {str(at)[:40]} in a list of {len(value)} elements")
        return value[int(at)]

    return index


def _logic(terms: tuple[Evaluate, ...], symbol: str, *, absorbing: bool) -> Evaluate:
    """Evaluate ``&&`` or ``||``: one term that decides wins over the errors of all others."""
    neutral = not absorbing

    def logic(frame: Frame) -> bool:
        failure: EvaluationError | None = None
        for term in terms:
            try:
                value = term(frame)
            except BudgetError:
                raise
            except EvaluationError as error:
                failure = failure or error
                continue
            if value is absorbing:
                return not neutral
            if value is not neutral and failure is None:
                failure = EvaluationError(
                    f"no such overload: '{symbol}' of a value of type {type_name(value)}"
                )
        if failure is not None:
            raise failure
        return neutral

    return logic


def _negation(operand: Evaluate) -> Evaluate:
    def negation(frame: Frame) -> bool:
        value = operand(frame)
        if value is True:
            return False
        if value is False:
            return True
        raise EvaluationError(f"no such overload: !{type_name(value)}")

    return negation


def _conditional(condition: Evaluate, then: Evaluate, otherwise: Evaluate) -> Evaluate:
    def conditional(frame: Frame) -> Any:
        value = condition(frame)
        if value is True:
            return then(frame)
        if value is False:
            return otherwise(frame)
        raise EvaluationError(f"no such overload: a condition before '?' of type {type_name(value)}")

    return conditional


def _map(entries: tuple[tuple[Evaluate, Evaluate], ...]) -> Evaluate:
    def build(frame: Frame) -> dict[Any, Any]:
        result: dict[Any, Any] = {}
        for key, value in entries:
            name = key(frame)
            has_key(result, name)  # refuses what cannot be a key
            if name in result:
                raise EvaluationError(f"a map cannot have the key {str(name)[:80]} twice")
            result[name] = value(frame)
        return result

    return build


def _equality(node: ast.Call, arguments: tuple[Evaluate, ...]) -> Evaluate:
    """Compare with ``==`` or ``!=``; comparing with a constant string needs no look at types."""
    first, second = node.arguments
    left, right = arguments
    for constant, other in ((second, left), (first, right)):
        if isinstance(constant, ast.Literal) and type(constant.value) is str:
            return _equals_text(other, constant.value, is_equal=node.name == "==")
    if node.name == "==":
        return lambda frame: equal(left(frame), right(frame))
    return lambda frame: not equal(left(frame), right(frame))


def _equals_text(operand: Evaluate, text: str, *, is_equal: bool) -> Evaluate:
    if is_equal:
        return lambda frame: bool(operand(frame) == text)
    return lambda frame: bool(operand(frame) != text)


def _order(symbol: str, left: Evaluate, right: Evaluate) -> Evaluate:
    compare = _ORDER[symbol]

    def order(frame: Frame) -> bool:
        a, b = left(frame), right(frame)
        if not comparable(a, b):
            raise EvaluationError(f"no such overload: {type_name(a)} {symbol} {type_name(b)}")
        return bool(compare(a, b))

    return order


def _constant_texts(node: ast.Node) -> frozenset[str] | None:
    """Return the elements of a list of constant strings, or None for anything else."""
    if not isinstance(node, ast.ListLiteral):
        return None
    values = [element.value for element in node.elements if isinstance(element, ast.Literal)]
    texts = frozenset(value for value in values if isinstance(value, str))
    return texts if len(texts) == len(node.elements) else None


def _one_of(operand: Evaluate, texts: frozenset[str]) -> Evaluate:
    def one_of(frame: Frame) -> bool:
        value = operand(frame)
        return isinstance(value, str) and value in texts

    return one_of


def _function(function: Function, arguments: tuple[Evaluate, ...]) -> Evaluate:
    table = function.table
    if len(arguments) == 2:
        left, right = arguments

        def binary(frame: Frame) -> Any:
            a, b = left(frame), right(frame)
            call = table.get((type(a), type(b)))
            return (call or function.resolve((a, b)))(a, b)

        return binary

    def call(frame: Frame) -> Any:
        values = tuple([argument(frame) for argument in arguments])
        found = table.get(tuple(map(type, values)))
        return (found or function.resolve(values))(*values)

    return call
