"""Functions on strings and bytes, and the base64 encoders."""

from __future__ import annotations

import base64
import binascii
import functools
from collections.abc import Callable
from typing import Any

from manifest.cel_values import EvaluationError, check_list_size, check_text_size, type_name

MAX_PATTERN_CHARACTERS = 1000
_PATTERNS_KEPT = 128
_PATTERN_MEMORY_BYTES = 8 * 1024 * 1024
# Unicode's White_Space; Python's own `strip` also removes four control characters.
_SPACE = "\t\n\v\f\r \x85\xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u2028\u2029\u202f\u205f\u3000"
_LOWER = {code: code + 32 for code in range(ord("A"), ord("Z") + 1)}
_UPPER = {code: code - 32 for code in range(ord("a"), ord("z") + 1)}
_QUOTED = str.maketrans(
    {
        "\a": "\\a",
        "\b": "\\b",
        "\f": "\\f",
        "\n": "\\n",
        "\r": "\\r",
        "\t": "\\t",
        "\v": "\\v",
        "\\": "\\\\",
        '"': '\\"',
    }
)


@functools.lru_cache(maxsize=_PATTERNS_KEPT)
def compile_pattern(pattern: str) -> Any:
    """Compile a regular expression in RE2, whose matching time is linear in the text.

    Raises:
        EvaluationError: The pattern is wrong or too long.
    """
    import re2  # type: ignore[import-untyped]

    if len(pattern) > MAX_PATTERN_CHARACTERS:
        raise EvaluationError(f"the regular expression is longer than {MAX_PATTERN_CHARACTERS:,} characters")
    _check_encodable(pattern)
    options = re2.Options()
    options.log_errors = False
    options.max_mem = _PATTERN_MEMORY_BYTES
    try:
        return re2.compile(pattern, options)
    except re2.error as error:
        reason = error.args[0] if error.args else error
        text = reason.decode("utf-8", "replace") if isinstance(reason, bytes) else str(reason)
        raise EvaluationError(f"bad regular expression: {text}") from None


def _check_encodable(text: str) -> None:
    try:
        text.encode()
    except UnicodeEncodeError:
        raise EvaluationError("the string holds a half of a surrogate pair and cannot be matched") from None


def _matches(text: str, pattern: str) -> bool:
    _check_encodable(text)
    return compile_pattern(pattern).search(text) is not None


def _within(index: int, length: int) -> int:
    if 0 <= index <= length:
        return index
    raise EvaluationError(f"index out of range: {index} in a string of {length} characters")


def _char_at(text: str, index: int) -> str:
    return text[_within(index, len(text)) :][:1]


def _index_of(text: str, part: str, start: int = 0) -> int:
    return text.find(part, _within(start, len(text))) if part else start


def _last_index_of(text: str, part: str) -> int:
    return text.rfind(part)


def _last_index_before(text: str, part: str, last_start: int) -> int:
    _within(last_start, len(text))
    return text.rfind(part, 0, last_start + len(part))


def _substring(text: str, start: int, end: int | None = None) -> str:
    stop = len(text) if end is None else _within(end, len(text))
    if _within(start, len(text)) > stop:
        raise EvaluationError(f"bad substring: it would end at {stop}, before its start at {start}")
    return text[start:stop]


def _replace(text: str, old: str, new: str, limit: int = -1) -> str:
    count = text.count(old) if limit < 0 else min(text.count(old), limit)
    check_text_size(len(text) + count * max(len(new) - len(old), 0))
    return text.replace(old, new, limit if limit < 0 else count)


def _split(text: str, separator: str, limit: int = -1) -> list[str]:
    if limit == 0:
        return []
    if separator:
        check_list_size(text.count(separator) + 1)
        return text.split(separator, limit - 1 if limit > 0 else -1)
    check_list_size(len(text))
    if limit < 0 or limit >= len(text):
        return list(text)
    return [*text[: limit - 1], text[limit - 1 :]]


def _join(parts: list[Any], separator: str = "") -> str:
    for part in parts:
        if not isinstance(part, str):
            raise EvaluationError(f"join needs a list of strings, one element is of type {type_name(part)}")
    check_text_size(sum(map(len, parts)) + len(separator) * len(parts))
    return separator.join(parts)


def _quote(text: str) -> str:
    return f'"{text.translate(_QUOTED)}"'


def _decode_base64(text: str) -> bytes:
    try:
        return base64.b64decode(text.rstrip("=") + "=" * (-len(text.rstrip("=")) % 4), validate=True)
    except (binascii.Error, ValueError):
        raise EvaluationError("the string is not base64") from None


OVERLOADS: tuple[tuple[str, Callable[..., Any]], ...] = (
    ("size(string) -> int", len),
    ("size(bytes) -> int", len),
    ("string.size() -> int", len),
    ("bytes.size() -> int", len),
    ("matches(string, string) -> bool", _matches),
    ("string.matches(string) -> bool", _matches),
    ("string.startsWith(string) -> bool", str.startswith),
    ("string.endsWith(string) -> bool", str.endswith),
    ("string.contains(string) -> bool", str.__contains__),
    ("string.charAt(int) -> string", _char_at),
    ("string.indexOf(string) -> int", _index_of),
    ("string.indexOf(string, int) -> int", _index_of),
    ("string.lastIndexOf(string) -> int", _last_index_of),
    ("string.lastIndexOf(string, int) -> int", _last_index_before),
    ("list.join() -> string", _join),
    ("list.join(string) -> string", _join),
    ("string.lowerAscii() -> string", lambda text: text.translate(_LOWER)),
    ("string.upperAscii() -> string", lambda text: text.translate(_UPPER)),
    ("string.replace(string, string) -> string", _replace),
    ("string.replace(string, string, int) -> string", _replace),
    ("string.split(string) -> list", _split),
    ("string.split(string, int) -> list", _split),
    ("string.substring(int) -> string", _substring),
    ("string.substring(int, int) -> string", _substring),
    ("string.trim() -> string", lambda text: text.strip(_SPACE)),
    ("string.reverse() -> string", lambda text: text[::-1]),
    ("strings.quote(string) -> string", _quote),
    ("base64.encode(bytes) -> string", lambda value: base64.b64encode(value).decode()),
    ("base64.decode(string) -> bytes", _decode_base64),
)
