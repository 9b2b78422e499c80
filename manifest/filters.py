"""Filters: CEL expressions over an event, compiled once, checked before any event is there.

1. A filter sees ``data`` (a map) and ``event_type`` (a string), nothing else.
2. An empty filter, and ``.``, match every event.
3. A filter has a value, true or false, or fails with ``FilterError``; nothing else, and always in bounded time.
4. Numbers are equal and ordered across their types; values of other types are never equal, and that is no error.
5. What is wrong with a filter whatever the event, is found when it is compiled, with line and column.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import Any

from manifest.cel_budget import Budget
from manifest.cel_check import check_types
from manifest.cel_compile import BUDGET_SLOT, FIRST_FREE_SLOT, Compiler, Evaluate
from manifest.cel_explain import Part
from manifest.cel_explain import explain as explain_parts
from manifest.cel_index import Equality, equalities
from manifest.cel_parse import parse
from manifest.cel_source import FilterProblem, SourceError, locate, scan
from manifest.cel_values import EvaluationError, type_name

__all__ = [
    "Explanation",
    "Filter",
    "FilterError",
    "FilterProblem",
    "FilterSyntaxError",
    "Part",
    "check",
    "compile",
    "explain",
]

_COMPILED_FILTERS_KEPT = 4096
_MATCHES_ALL = frozenset({"", "."})


class FilterError(Exception):
    """A filter has no value for this event, for example because a key is missing."""

    def __init__(self, message: str, expression: str) -> None:
        """Keep what went wrong, and the filter's text."""
        super().__init__(message, expression)
        self.message = message
        self.expression = expression

    def __str__(self) -> str:
        """Message and filter in one line."""
        return f"{self.message} (in the filter {self.expression!r})"


class FilterSyntaxError(Exception):
    """A filter is wrong whatever the event."""

    def __init__(self, expression: str, problems: list[FilterProblem]) -> None:
        """Keep the filter's text and each problem with its place."""
        super().__init__(expression, problems)
        self.expression = expression
        self.problems = problems

    def __str__(self) -> str:
        """One line for each problem."""
        return "\n".join(
            f"invalid filter, {line}:{column}: {message}" for line, column, message in self.problems
        )


class Filter:
    """A compiled filter; it holds no state of an evaluation, so threads may share it."""

    __slots__ = ("_evaluate", "_slots", "equalities", "text")

    def __init__(
        self, text: str, equalities: tuple[Equality, ...], evaluate: Evaluate | None, slots: int
    ) -> None:
        """Take the parts from ``compile``; without a closure the filter matches everything."""
        self.text = text
        self.equalities = equalities
        self._evaluate = evaluate
        self._slots = slots

    def __repr__(self) -> str:
        return f"Filter({self.text!r})"

    def matches(self, data: Any, event_type: str) -> bool:
        """Decide about one event; no data at all count as an empty map.

        Raises:
            FilterError: The expression has no value for this event, or one that is not a bool.
        """
        if self._evaluate is None:
            return True
        frame: list[Any] = [{} if data is None else data, event_type or "", None]
        if self._slots:
            frame[BUDGET_SLOT] = Budget()
            frame.extend([None] * self._slots)
        try:
            value = self._evaluate(frame)
            if value is True or value is False:
                return value
            kind = type_name(value)
        except EvaluationError as error:
            raise FilterError(str(error), self.text) from None
        except RecursionError:
            raise FilterError("the data are nested too deeply", self.text) from None
        except (
            Exception
        ) as error:  # data are the world's: whatever they do, one event must not stop the others
            raise FilterError(f"cannot be evaluated: {type(error).__name__}: {error}", self.text) from error
        raise FilterError(f"the result is of type {kind}, not a bool", self.text)


@functools.lru_cache(maxsize=_COMPILED_FILTERS_KEPT)
def compile(text: str) -> Filter:  # noqa: A001 - read as filters.compile, like re.compile
    """Compile and check a filter.

    Raises:
        FilterSyntaxError: With everything that is wrong.
    """
    if text.strip() in _MATCHES_ALL:
        return Filter(text, (), None, 0)
    found: list[tuple[int, str]] = []
    try:
        node = parse(scan(text), found)
        check_types(node, found)
    except SourceError as error:
        found = [(error.offset, error.message)]
    except RecursionError:
        found = [(0, "the expression is nested too deeply: write it flatter")]
    if found:
        raise FilterSyntaxError(
            text, [FilterProblem(*locate(text, at), message) for at, message in sorted(set(found))]
        )
    compiler = Compiler()
    evaluate = compiler.compile(node)
    return Filter(text, equalities(node), evaluate, compiler.frame_size - FIRST_FREE_SLOT)


def check(text: str) -> list[FilterProblem]:
    """List what is wrong with a filter, in the order of its text."""
    try:
        compile(text)
    except FilterSyntaxError as error:
        return error.problems
    return []


@dataclass(frozen=True)
class Explanation:
    """What a filter says about one event: its result, or why it has none, and the value of each part."""

    result: bool | None
    failure: str
    parts: list[Part]


def explain(text: str, data: Any, event_type: str) -> Explanation:
    """Evaluate a filter part by part; the result is the one that ``matches`` gives.

    Raises:
        FilterSyntaxError: With everything that is wrong.
    """
    compiled = compile(text)
    if text.strip() in _MATCHES_ALL:
        return Explanation(result=True, failure="", parts=[])
    try:
        result, failure = compiled.matches(data, event_type), ""
    except FilterError as error:
        result, failure = None, error.message
    try:
        parts = explain_parts(parse(scan(text), []), data, event_type)
    except RecursionError:
        parts = []
    return Explanation(result, failure, parts)
