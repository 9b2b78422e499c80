"""Arithmetic: 64-bit integers that never wrap, doubles, times, and concatenation."""

from __future__ import annotations

import math
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from manifest.cel_values import (
    EvaluationError,
    UInt,
    check_list_size,
    check_text_size,
    checked_duration,
    checked_int,
    checked_uint,
)


def _int_operation(operation: Callable[[int, int], int]) -> Callable[[int, int], int]:
    def run(left: int, right: int) -> int:
        return checked_int(operation(checked_int(left), checked_int(right)))

    return run


def _uint_operation(operation: Callable[[int, int], int]) -> Callable[[UInt, UInt], UInt]:
    def run(left: UInt, right: UInt) -> UInt:
        return checked_uint(operation(int(left), int(right)))

    return run


def _double_operation(operation: Callable[[float, float], float]) -> Callable[[float, float], float]:
    def run(left: float, right: float) -> float:
        return operation(to_double(left), to_double(right))

    return run


def to_double(value: float) -> float:
    """Convert a number to a double; one that is too large becomes infinite."""
    try:
        return float(value)
    except OverflowError:
        return math.inf if value > 0 else -math.inf


def _add(left: Any, right: Any) -> Any:
    return left + right


def _subtract(left: Any, right: Any) -> Any:
    return left - right


def _multiply(left: Any, right: Any) -> Any:
    return left * right


def _divide(left: int, right: int) -> int:
    """Divide towards zero, where Python rounds down."""
    if right == 0:
        raise EvaluationError("division by zero")
    quotient = abs(left) // abs(right)
    return quotient if (left < 0) == (right < 0) else -quotient


def _remainder(left: int, right: int) -> int:
    """Take the remainder with the sign of the dividend, where Python takes the divisor's."""
    if right == 0:
        raise EvaluationError("modulus by zero")
    rest = abs(left) % abs(right)
    return -rest if left < 0 else rest


def _divide_doubles(left: float, right: float) -> float:
    if right != 0:
        return left / right
    if left == 0 or math.isnan(left):
        return math.nan
    return math.copysign(math.inf, left) * math.copysign(1.0, right)


def _concatenate_text(left: Any, right: Any) -> Any:
    check_text_size(len(left) + len(right))
    return left + right


def _concatenate_lists(left: list[Any], right: list[Any]) -> list[Any]:
    check_list_size(len(left) + len(right))
    return [*left, *right]


def _add_durations(left: timedelta, right: timedelta) -> timedelta:
    return checked_duration(left + right)


def _subtract_durations(left: timedelta, right: timedelta) -> timedelta:
    return checked_duration(left - right)


def _shift(moment: datetime, by: timedelta) -> datetime:
    try:
        return moment + by
    except OverflowError:
        raise EvaluationError("timestamp out of range: years 1 to 9999") from None


def _negate(value: int) -> int:
    return checked_int(-value)


OVERLOADS: tuple[tuple[str, Callable[..., Any]], ...] = (
    ("+(int, int) -> int", _int_operation(_add)),
    ("+(uint, uint) -> uint", _uint_operation(_add)),
    ("+(double, double) -> double", _double_operation(_add)),
    ("+(string, string) -> string", _concatenate_text),
    ("+(bytes, bytes) -> bytes", _concatenate_text),
    ("+(list, list) -> list", _concatenate_lists),
    ("+(duration, duration) -> duration", _add_durations),
    ("+(timestamp, duration) -> timestamp", _shift),
    ("+(duration, timestamp) -> timestamp", lambda by, moment: _shift(moment, by)),
    ("-(int, int) -> int", _int_operation(_subtract)),
    ("-(uint, uint) -> uint", _uint_operation(_subtract)),
    ("-(double, double) -> double", _double_operation(_subtract)),
    ("-(duration, duration) -> duration", _subtract_durations),
    ("-(timestamp, duration) -> timestamp", lambda moment, by: _shift(moment, -by)),
    ("-(timestamp, timestamp) -> duration", lambda left, right: checked_duration(left - right)),
    ("*(int, int) -> int", _int_operation(_multiply)),
    ("*(uint, uint) -> uint", _uint_operation(_multiply)),
    ("*(double, double) -> double", _double_operation(_multiply)),
    ("/(int, int) -> int", _int_operation(_divide)),
    ("/(uint, uint) -> uint", _uint_operation(_divide)),
    ("/(double, double) -> double", _double_operation(_divide_doubles)),
    ("%(int, int) -> int", _int_operation(_remainder)),
    ("%(uint, uint) -> uint", _uint_operation(_remainder)),
    ("-(int) -> int", _negate),
    ("-(double) -> double", lambda value: -value),
)

# JSON does not say whether 10 is an integer or a double, so data may mix them; literals may not (cel_check).
LENIENT_OVERLOADS: tuple[tuple[str, Callable[..., Any]], ...] = tuple(
    (f"{symbol}({types}) -> double", _double_operation(operation))
    for symbol, operation in (("+", _add), ("-", _subtract), ("*", _multiply), ("/", _divide_doubles))
    for types in ("int, double", "double, int")
)
