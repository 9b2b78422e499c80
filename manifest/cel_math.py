"""The ``math`` functions."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from manifest.cel_arithmetic import to_double
from manifest.cel_values import (
    INT64_MAX,
    NUMBER_NAMES,
    UINT64_MAX,
    EvaluationError,
    UInt,
    checked_int,
    type_name,
)

_BITS = 64
_HALF = 0.5


def _extreme(name: str, *, greatest: bool) -> Callable[..., Any]:
    def run(*arguments: Any) -> Any:
        is_list = len(arguments) == 1 and isinstance(arguments[0], (list, tuple))
        numbers = arguments[0] if is_list else arguments
        if not numbers:
            raise EvaluationError(f"{name} needs at least one number")
        for number in numbers:
            if type_name(number) not in NUMBER_NAMES:
                raise EvaluationError(f"no such overload: {name} of a value of type {type_name(number)}")
        return max(numbers) if greatest else min(numbers)

    return run


def _rounding(operation: Callable[[float], int]) -> Callable[[float], float]:
    def run(value: float) -> float:
        number = to_double(value)
        return float(operation(number)) if math.isfinite(number) else number

    return run


def _round_half_away(value: float) -> int:
    whole = math.trunc(value)
    return whole + int(math.copysign(1, value)) if abs(value - whole) >= _HALF else whole


def _sign(value: Any) -> Any:
    if value != value:  # noqa: PLR0124 - NaN has no sign
        return value
    return type(value)((value > 0) - (value < 0))


def _sqrt(value: float) -> float:
    number = to_double(value)
    return math.sqrt(number) if number >= 0 else math.nan


def _abs(value: int) -> int:
    return checked_int(abs(value))


def _shift(value: int, count: int, *, left: bool) -> int:
    """Shift as 64-bit machine words do: bits that fall out are lost, on the right no sign is filled in."""
    if count < 0:
        raise EvaluationError("a bit shift needs a count of 0 or more")
    if count >= _BITS:
        return 0
    word = value & UINT64_MAX
    return (word << count if left else word >> count) & UINT64_MAX


def _shift_int(value: int, count: int, *, left: bool) -> int:
    word = _shift(value, count, left=left)
    return word - 2**_BITS if word > INT64_MAX else word


_ROUNDINGS: dict[str, Callable[[float], int]] = {
    "ceil": math.ceil,
    "floor": math.floor,
    "round": _round_half_away,
    "trunc": math.trunc,
}
_EXTREMES = (("math.greatest", True), ("math.least", False))

OVERLOADS: tuple[tuple[str, Callable[..., Any]], ...] = (
    *((f"{name}(...) -> dyn", _extreme(name, greatest=greatest)) for name, greatest in _EXTREMES),
    *((f"math.{name}(double) -> double", _rounding(operation)) for name, operation in _ROUNDINGS.items()),
    ("math.abs(int) -> int", _abs),
    ("math.abs(uint) -> uint", lambda value: value),
    ("math.abs(double) -> double", abs),
    ("math.sign(int) -> int", _sign),
    ("math.sign(uint) -> uint", _sign),
    ("math.sign(double) -> double", _sign),
    ("math.isNaN(double) -> bool", math.isnan),
    ("math.isInf(double) -> bool", math.isinf),
    ("math.isFinite(double) -> bool", math.isfinite),
    ("math.sqrt(double) -> double", _sqrt),
    ("math.sqrt(int) -> double", _sqrt),
    ("math.sqrt(uint) -> double", _sqrt),
    ("math.bitAnd(int, int) -> int", lambda a, b: checked_int(a) & checked_int(b)),
    ("math.bitAnd(uint, uint) -> uint", lambda a, b: UInt(a & b)),
    ("math.bitOr(int, int) -> int", lambda a, b: checked_int(a) | checked_int(b)),
    ("math.bitOr(uint, uint) -> uint", lambda a, b: UInt(a | b)),
    ("math.bitXor(int, int) -> int", lambda a, b: checked_int(a) ^ checked_int(b)),
    ("math.bitXor(uint, uint) -> uint", lambda a, b: UInt(a ^ b)),
    ("math.bitNot(int) -> int", lambda a: ~checked_int(a)),
    ("math.bitNot(uint) -> uint", lambda a: UInt(a ^ UINT64_MAX)),
    ("math.bitShiftLeft(int, int) -> int", lambda a, n: _shift_int(a, n, left=True)),
    ("math.bitShiftLeft(uint, int) -> uint", lambda a, n: UInt(_shift(a, n, left=True))),
    ("math.bitShiftRight(int, int) -> int", lambda a, n: _shift_int(a, n, left=False)),
    ("math.bitShiftRight(uint, int) -> uint", lambda a, n: UInt(_shift(a, n, left=False))),
)

# Data may carry 10 where 10.0 was meant (see cel_arithmetic).
LENIENT_OVERLOADS: tuple[tuple[str, Callable[..., Any]], ...] = (
    *((f"math.{name}(int) -> double", _rounding(operation)) for name, operation in _ROUNDINGS.items()),
    *((f"math.{name}(int) -> bool", lambda _value: False) for name in ("isNaN", "isInf")),
    ("math.isFinite(int) -> bool", lambda _value: True),
)
