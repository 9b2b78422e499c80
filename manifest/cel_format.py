"""``"…".format([…])``: clauses such as ``%s``, ``%d``, ``%.3f``, ``%x``."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from typing import Any

from manifest.cel_arithmetic import to_double
from manifest.cel_convert import text_of_double, text_of_duration, text_of_timestamp
from manifest.cel_values import (
    DURATION,
    TIMESTAMP,
    CelType,
    EvaluationError,
    Fuel,
    UInt,
    check_text_size,
    checked_int,
    type_name,
)

MAX_PRECISION_DIGITS = 1000
_DEFAULT_PRECISION_DIGITS = 6
_CLAUSE = re.compile(r"%(?:(%)|(?:\.(\d{1,9}))?(.?))", re.DOTALL)
_INTEGER_FORMATS = {"b": "b", "o": "o", "x": "x", "X": "X"}


def _format(template: str, arguments: list[Any]) -> str:
    pieces: list[str] = []
    size = used = position = 0
    for match in _CLAUSE.finditer(template):
        pieces.append(template[position : match.start()])
        position = match.end()
        if match[1]:
            pieces.append("%")
            continue
        if used >= len(arguments):
            raise EvaluationError(f"format needs more than the {len(arguments)} arguments it was given")
        pieces.append(_clause(match[3], match[2], arguments[used]))
        used += 1
        size += len(pieces[-1])
        check_text_size(size)
    pieces.append(template[position:])
    return "".join(pieces)


def _clause(verb: str, precision_text: str | None, value: Any) -> str:
    precision = _DEFAULT_PRECISION_DIGITS if precision_text is None else int(precision_text)
    if precision > MAX_PRECISION_DIGITS:
        raise EvaluationError(f"format cannot write more than {MAX_PRECISION_DIGITS} digits after the point")
    kind = type_name(value)
    if verb == "s":
        return text_of(value, Fuel())
    if verb == "d" and kind in {"int", "uint"}:
        return _integer_text(value)
    if verb == "d" and kind == "double" and not math.isfinite(value):
        return text_of_double(value)
    if verb in {"f", "e"} and kind in {"int", "uint", "double"}:
        number = to_double(value)
        return f"{number:.{precision}{verb}}" if math.isfinite(number) else _infinite(number)
    if verb == "b" and kind == "bool":
        return "1" if value else "0"
    if verb in _INTEGER_FORMATS and kind in {"int", "uint"}:
        return format(int(value), _INTEGER_FORMATS[verb])
    if verb in {"x", "X"} and kind in {"string", "bytes"}:
        text: str = (value.encode("utf-8", "surrogatepass") if kind == "string" else value).hex()
        return text.upper() if verb == "X" else text
    if verb not in {"d", "f", "e", *_INTEGER_FORMATS}:
        raise EvaluationError(f"format knows no clause %{verb}: use %s, %d, %f, %e, %b, %o, %x, %X or %%")
    raise EvaluationError(f"format cannot write a value of type {kind} with %{verb}")


def _infinite(number: float) -> str:
    return "NaN" if math.isnan(number) else "Infinity" if number > 0 else "-Infinity"


def text_of(value: Any, fuel: Fuel) -> str:
    """Write any value as text; strings in lists and maps stay without quotes, keys are sorted."""
    kind = type_name(value)
    if kind == "string":
        fuel.spend(len(value) >> 3)
        return str(value)
    if kind == "list":
        fuel.spend(len(value) + 1)
        return f"[{', '.join(text_of(item, fuel) for item in value)}]"
    if kind == "map":
        fuel.spend(len(value) + 1)
        entries = sorted((text_of(key, fuel), text_of(item, fuel)) for key, item in value.items())
        return f"{{{', '.join(f'{key}: {item}' for key, item in entries)}}}"
    return _scalar_text(value, kind)


def _integer_text(value: int) -> str:
    return str(int(value) if isinstance(value, UInt) else checked_int(value))


def _scalar_text(value: Any, kind: str) -> str:
    if kind == "null_type":
        return "null"
    if kind == "bool":
        return "true" if value else "false"
    if kind == "double":
        return text_of_double(value)
    if kind == "bytes":
        return bytes(value).decode("utf-8", "replace")
    if kind == TIMESTAMP:
        return text_of_timestamp(value)
    if kind == DURATION:
        return text_of_duration(value)
    return value.name if isinstance(value, CelType) else _integer_text(value)


OVERLOADS: tuple[tuple[str, Callable[..., Any]], ...] = (("string.format(list) -> string", _format),)
