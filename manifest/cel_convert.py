"""Conversions between types: ``int``, ``uint``, ``double``, ``string``, ``bytes``, ``bool``, ``timestamp``, …."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from manifest.cel_arithmetic import to_double
from manifest.cel_values import (
    CelType,
    EvaluationError,
    UInt,
    checked_duration,
    checked_int,
    checked_uint,
    type_name,
)

MICROSECOND = timedelta(microseconds=1)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_INT = re.compile(r"[+-]?[0-9]{1,40}")
_UINT = re.compile(r"[0-9]{1,40}")
_DOUBLE = re.compile(
    r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?|[+-]?(?:inf|infinity)|nan", re.IGNORECASE
)
_TIMESTAMP = re.compile(
    r"(\d{4}-\d{2}-\d{2})[Tt](\d{2}:\d{2}:\d{2})(?:\.(\d{1,9}))?([Zz]|[+-]\d{2}:\d{2})", re.ASCII
)
_DURATION = re.compile(
    r"([+-]?)(0|(?:[0-9]*\.?[0-9]+(?:ns|us|µs|μs|ms|s|m|h)|[0-9]+\.(?:ns|us|µs|μs|ms|s|m|h))+)"
)
_DURATION_PART = re.compile(r"([0-9]*\.?[0-9]*)(ns|us|µs|μs|ms|s|m|h)")
_MICROSECONDS = {
    "ns": Decimal("0.001"),
    "us": Decimal(1),
    "µs": Decimal(1),
    "μs": Decimal(1),
    "ms": Decimal(1000),
    "s": Decimal(1_000_000),
    "m": Decimal(60_000_000),
    "h": Decimal(3_600_000_000),
}
_TRUE_TEXTS = frozenset({"1", "t", "T", "true", "TRUE", "True"})
_FALSE_TEXTS = frozenset({"0", "f", "F", "false", "FALSE", "False"})
_MAX_SHOWN_CHARACTERS = 40
_PLAIN_EXPONENTS = range(-4, 6)


def _cannot(value: str, wanted: str) -> EvaluationError:
    shown = value if len(value) <= _MAX_SHOWN_CHARACTERS else value[:_MAX_SHOWN_CHARACTERS] + "…"
    return EvaluationError(f"cannot convert the string {shown!r} to {wanted}")


def _int_of_double(value: float) -> int:
    if not math.isfinite(value):
        raise EvaluationError("integer overflow: the double is not finite")
    return checked_int(math.trunc(value))


def _int_of_text(value: str) -> int:
    if not _INT.fullmatch(value):
        raise _cannot(value, "an int")
    return checked_int(int(value))


def _uint_of_double(value: float) -> UInt:
    if not math.isfinite(value) or value < 0:
        raise EvaluationError("unsigned integer overflow: the double is negative or not finite")
    return checked_uint(math.trunc(value))


def _uint_of_text(value: str) -> UInt:
    if not _UINT.fullmatch(value):
        raise _cannot(value, "a uint")
    return checked_uint(int(value))


def _double_of_text(value: str) -> float:
    if not _DOUBLE.fullmatch(value):
        raise _cannot(value, "a double")
    return float(value)


def _bool_of_text(value: str) -> bool:
    if value in _TRUE_TEXTS:
        return True
    if value in _FALSE_TEXTS:
        return False
    raise _cannot(value, "a bool")


def _text_of_bytes(value: bytes) -> str:
    try:
        return value.decode()
    except UnicodeDecodeError:
        raise EvaluationError("the bytes are not UTF-8, so they cannot become a string") from None


def _bytes_of_text(value: str) -> bytes:
    try:
        return value.encode()
    except UnicodeEncodeError:
        raise EvaluationError("the string holds a half of a surrogate pair, so it has no bytes") from None


def text_of_double(value: float) -> str:
    """Write a double in the shortest form that reads back as the same, from a million on with an exponent."""
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "+Inf" if value > 0 else "-Inf"
    number = Decimal(repr(value)).normalize()
    if number == 0 or number.adjusted() in _PLAIN_EXPONENTS:
        return f"{number:f}"
    digits, _, exponent = f"{number:e}".partition("e")
    return f"{digits}e{exponent[0]}{exponent[1:].zfill(2)}"


def text_of_timestamp(value: datetime) -> str:
    """Write a timestamp as RFC 3339 in UTC."""
    moment = aware(value).astimezone(UTC)
    fraction = f".{moment.microsecond:06d}".rstrip("0") if moment.microsecond else ""
    return f"{moment:%Y-%m-%dT%H:%M:%S}".rjust(19, "0") + f"{fraction}Z"


def text_of_duration(value: timedelta) -> str:
    """Write a duration in seconds, ``90.5s``."""
    seconds = Decimal(value // MICROSECOND) / 1_000_000
    return f"{seconds.normalize():f}s" if seconds else "0s"


def aware(value: datetime) -> datetime:
    """Read a timestamp without time zone as UTC."""
    return value if value.tzinfo is not None else value.replace(tzinfo=UTC)


def _timestamp_of_text(value: str) -> datetime:
    match = _TIMESTAMP.fullmatch(value)
    if match is None:
        raise _cannot(value, "a timestamp: write 2026-01-31T12:00:00Z")
    day, clock, fraction, zone = match.groups()
    try:
        moment = datetime.fromisoformat(f"{day}T{clock}{'+00:00' if zone in 'zZ' else zone}")
        return moment.astimezone(UTC) + timedelta(microseconds=int((fraction or "0").ljust(6, "0")[:6]))
    except (ValueError, OverflowError):
        raise _cannot(value, "a timestamp: no such date or time") from None


def _timestamp_of_int(value: int) -> datetime:
    try:
        return _EPOCH + timedelta(seconds=value)
    except OverflowError:
        raise EvaluationError("timestamp out of range: years 1 to 9999") from None


def _int_of_timestamp(value: datetime) -> int:
    return (aware(value) - _EPOCH) // timedelta(seconds=1)


def _duration_of_text(value: str) -> timedelta:
    match = _DURATION.fullmatch(value) if len(value) <= _MAX_SHOWN_CHARACTERS else None
    if match is None:
        raise _cannot(value, "a duration: write 1h30m or 2.5s")
    parts = _DURATION_PART.findall(match[2])
    total = sum((Decimal(number) * _MICROSECONDS[unit] for number, unit in parts), Decimal(0))
    try:
        return checked_duration(timedelta(microseconds=int(-total if match[1] == "-" else total)))
    except OverflowError:
        raise _cannot(value, "a duration: at most about 292 years") from None


def _same(value: Any) -> Any:
    return value


OVERLOADS: tuple[tuple[str, Callable[..., Any]], ...] = (
    ("int(int) -> int", checked_int),
    ("int(uint) -> int", lambda value: checked_int(int(value))),
    ("int(double) -> int", _int_of_double),
    ("int(string) -> int", _int_of_text),
    ("int(timestamp) -> int", _int_of_timestamp),
    ("int(duration) -> int", lambda value: value // MICROSECOND * 1000),
    ("uint(uint) -> uint", _same),
    ("uint(int) -> uint", checked_uint),
    ("uint(double) -> uint", _uint_of_double),
    ("uint(string) -> uint", _uint_of_text),
    ("double(double) -> double", _same),
    ("double(int) -> double", to_double),
    ("double(uint) -> double", float),
    ("double(string) -> double", _double_of_text),
    ("string(string) -> string", _same),
    ("string(bool) -> string", lambda value: "true" if value else "false"),
    ("string(int) -> string", lambda value: str(checked_int(value))),
    ("string(uint) -> string", lambda value: str(int(value))),
    ("string(double) -> string", text_of_double),
    ("string(bytes) -> string", _text_of_bytes),
    ("string(timestamp) -> string", text_of_timestamp),
    ("string(duration) -> string", text_of_duration),
    ("bytes(bytes) -> bytes", _same),
    ("bytes(string) -> bytes", _bytes_of_text),
    ("bool(bool) -> bool", _same),
    ("bool(string) -> bool", _bool_of_text),
    ("timestamp(timestamp) -> timestamp", _same),
    ("timestamp(string) -> timestamp", _timestamp_of_text),
    ("timestamp(int) -> timestamp", _timestamp_of_int),
    ("duration(duration) -> duration", _same),
    ("duration(string) -> duration", _duration_of_text),
    (
        "duration(int) -> duration",
        lambda value: checked_duration(timedelta(microseconds=checked_int(value) // 1000)),
    ),
    ("type(dyn) -> type", lambda value: CelType(type_name(value))),
    ("dyn(dyn) -> dyn", _same),
)
