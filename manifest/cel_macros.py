"""The loops: ``all``, ``exists``, ``exists_one``, ``filter``, ``map`` and ``sortBy``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

from manifest.cel_lists import sort_by
from manifest.cel_values import BudgetError, EvaluationError, type_name

_Frame: TypeAlias = list[Any]
_Evaluate: TypeAlias = Callable[[_Frame], Any]


def _elements(value: Any, macro: str) -> list[Any]:
    if isinstance(value, (list, dict, tuple)):
        return list(value)
    raise EvaluationError(f"no such overload: {macro} over a value of type {type_name(value)}")


def _is_true(value: Any, macro: str) -> bool:
    if value is True or value is False:
        return value
    raise EvaluationError(
        f"no such overload: the condition of {macro} is of type {type_name(value)}, not a bool"
    )


def _quantifier(name: str, *, decisive: bool) -> Callable[..., _Evaluate]:
    """Build ``all`` or ``exists``: one element that decides wins over the errors of all others."""

    def build(source: _Evaluate, slot: int, budget: int, condition: _Evaluate) -> _Evaluate:
        def run(frame: _Frame) -> bool:
            failure: EvaluationError | None = None
            for element in _elements(source(frame), name):
                frame[budget].step()
                frame[slot] = element
                try:
                    if _is_true(condition(frame), name) is decisive:
                        return decisive
                except BudgetError:
                    raise
                except EvaluationError as error:
                    failure = failure or error
            if failure is not None:
                raise failure
            return not decisive

        return run

    return build


def _exists_one(source: _Evaluate, slot: int, budget: int, condition: _Evaluate) -> _Evaluate:
    def run(frame: _Frame) -> bool:
        count = 0
        for element in _elements(source(frame), "exists_one"):
            frame[budget].step()
            frame[slot] = element
            count += _is_true(condition(frame), "exists_one")
        return count == 1

    return run


def _filter(source: _Evaluate, slot: int, budget: int, condition: _Evaluate) -> _Evaluate:
    def run(frame: _Frame) -> list[Any]:
        kept = []
        for element in _elements(source(frame), "filter"):
            frame[budget].step()
            frame[slot] = element
            if _is_true(condition(frame), "filter"):
                kept.append(element)
        return kept

    return run


def _map(source: _Evaluate, slot: int, budget: int, *bodies: _Evaluate) -> _Evaluate:
    *conditions, value = bodies

    def run(frame: _Frame) -> list[Any]:
        values = []
        for element in _elements(source(frame), "map"):
            frame[budget].step()
            frame[slot] = element
            if all(_is_true(condition(frame), "map") for condition in conditions):
                values.append(value(frame))
        return values

    return run


def _sort_by(source: _Evaluate, slot: int, budget: int, key: _Evaluate) -> _Evaluate:
    def run(frame: _Frame) -> list[Any]:
        values = source(frame)
        if not isinstance(values, (list, tuple)):
            raise EvaluationError(f"no such overload: sortBy over a value of type {type_name(values)}")
        keys = []
        for element in values:
            frame[budget].step()
            frame[slot] = element
            keys.append(key(frame))
        return sort_by(list(values), keys)

    return run


MACRO_LOOPS: dict[str, Callable[..., _Evaluate]] = {
    "all": _quantifier("all", decisive=False),
    "exists": _quantifier("exists", decisive=True),
    "exists_one": _exists_one,
    "filter": _filter,
    "map": _map,
    "sortBy": _sort_by,
}
