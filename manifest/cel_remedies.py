"""What to write instead where values have other types than a filter expects: ``int(data.x) > 3``.

Rules:

1. A remedy is tried before it is told: with it, this part has a value for this event.
2. Texts that are numbers, times or ``true`` are converted; a constant of the filter is written as what it is compared with.
3. What is null is asked for first; a list is asked for its elements, or for its size.
4. Where nothing of that helps, the types are told alone.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

from manifest import cel_ast as ast
from manifest.cel_values import DURATION, NUMBER_NAMES, TIMESTAMP, EvaluationError, type_name

_ORDER = frozenset({"<", "<=", ">", ">="})
_ARITHMETIC = frozenset({"+", "-", "*", "/", "%"})
_TESTS = frozenset({"startsWith", "endsWith", "contains", "matches"})
_INTEGER = re.compile(r"[+-]?\d+")
_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?")
_ELEMENT = "x"
_CONVERSIONS = {TIMESTAMP: "timestamp", DURATION: "duration"}

Works = Callable[[ast.Node], bool]


def for_call(node: ast.Call, values: list[Any], works: Works) -> ast.Node | None:
    """What to write in place of an operator or a function that takes no values of these types."""
    return next(filter(works, _for_call(node, values)), None)


def for_comparison(node: ast.Call, values: list[Any], works: Works) -> ast.Node | None:
    """What to write in place of ``==`` or ``!=`` of values of two types, which are never equal."""
    return next(filter(works, _with_like_types(node, values)), None)


def for_condition(node: ast.Node, value: Any, works: Works) -> ast.Node | None:
    """What to write in place of a condition that is no bool."""
    if isinstance(value, str):
        wanted = "true" if value.lower() in {"true", "false"} else ""
        found = _call("==" if wanted else "!=", node, _literal(wanted))
    elif isinstance(value, int | float):
        found = _call("!=", node, _literal(0))
    elif isinstance(value, list | tuple | dict):
        found = _call(">", _call("size", node), _literal(0))
    else:
        found = _call("!=", node, _literal(None))
    return found if works(found) else None


def _for_call(node: ast.Call, values: list[Any]) -> Iterator[ast.Node]:
    names = [_name(value) for value in values]
    is_test = node.name in _ORDER or node.name == "in" or (node.is_method and node.name in _TESTS)
    if is_test and "null_type" in names:
        nulls = [side for side, name in zip(node.arguments, names, strict=True) if name == "null_type"]
        asked = tuple(_call("!=", side, _literal(None)) for side in nulls)
        yield ast.Logic(node.offset, "&&", (*asked, node))
    if len(values) != 2 or (node.name not in _ORDER and node.name not in _ARITHMETIC):
        yield from _for_function(node, names)
        return
    if node.name == "+" and "string" in names:
        other = 1 - names.index("string")
        yield _with(node, other, _call("string", node.arguments[other]))
    yield from _with_like_types(node, values)
    for at, name in enumerate(names):
        if name in {"list", "map"} and names[1 - at] in NUMBER_NAMES:
            yield _with(node, at, _call("size", node.arguments[at]))


def _for_function(node: ast.Call, names: list[str]) -> Iterator[ast.Node]:
    """A method of a text on something else, a text where a list belongs, a time that is a text."""
    first, *rest = node.arguments
    if node.name == "in" and names[1] == "string":
        yield ast.Call(node.offset, "contains", (node.arguments[1], first), is_method=True)
    if node.name == "contains" and names[0] == "list" and len(rest) == 1:
        yield _call("in", rest[0], first)
    if node.is_method and node.name in _TESTS and names[0] == "list":
        body = ast.Call(node.offset, node.name, (ast.Ident(node.offset, _ELEMENT), *rest), is_method=True)
        yield ast.Macro(node.offset, "exists", first, _ELEMENT, (body,))
    if not node.is_method:
        return
    for convert in ("string",) if names[0] != "string" else (*_CONVERSIONS.values(), "int"):
        yield _with(node, 0, _call(convert, first))
    for at in range(1, len(names)):
        if names[at] in NUMBER_NAMES | {"bool"}:
            yield _with(node, at, _call("string", node.arguments[at]))


def _with_like_types(node: ast.Call, values: list[Any]) -> Iterator[ast.Node]:
    """One side made to what the other is: a constant is written otherwise, anything else converted."""
    names = [_name(value) for value in values]
    if sorted(names).count("string") != 1:
        return
    text = names.index("string")
    other = 1 - text
    string, kind = values[text], names[other]
    texts, others = node.arguments[text], node.arguments[other]
    if kind in NUMBER_NAMES and _NUMBER.fullmatch(string):
        whole = _INTEGER.fullmatch(string) is not None
        if isinstance(texts, ast.Literal):
            yield _with(node, text, _literal(int(string) if whole else float(string)))
        elif node.name in {"==", "!="} and isinstance(others, ast.Literal):
            yield _with(node, other, _literal(str(others.value)))
        else:
            yield _with(node, text, _call("int" if whole else "double", texts))
    elif kind in _CONVERSIONS:
        yield _with(node, text, _call(_CONVERSIONS[kind], texts))
    elif kind == "bool" and string.lower() in {"true", "false"}:
        if isinstance(texts, ast.Literal):
            yield _with(node, text, _literal(string.lower() == "true"))
        else:
            yield _with(
                node,
                other,
                _call("string", others)
                if not isinstance(others, ast.Literal)
                else _literal("true" if others.value else "false"),
            )


def _name(value: Any) -> str:
    try:
        return type_name(value)
    except EvaluationError:
        return ""


def _call(name: str, *arguments: ast.Node) -> ast.Call:
    return ast.Call(0, name, arguments)


def _literal(value: Any) -> ast.Literal:
    return ast.Literal(0, value)


def _with(node: ast.Call, at: int, argument: ast.Node) -> ast.Call:
    arguments = [*node.arguments[:at], argument, *node.arguments[at + 1 :]]
    return ast.Call(node.offset, node.name, tuple(arguments), node.is_method)
