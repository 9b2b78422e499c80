"""Read a filter's characters: string literals, comments and positions, before it is parsed.

The grammar's own string patterns backtrack without bound on an open string and misread raw strings. So literals
are read here, once and in linear time, and the parser sees harmless ones of the same length in their place.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import NamedTuple

MAX_FILTER_CHARACTERS = 32_768
MAX_BRACKET_DEPTH = 100

_TOKEN = re.compile(
    r'''(?P<comment>//[^\n]*)
      | (?P<raw>[bB]?[rR](?:"""(?:[^"]|"(?!""))*"""|\'\'\'(?:[^']|'(?!''))*\'\'\'|"(?!"")[^"\r\n]*"|'(?!'')[^'\r\n]*'))
      | (?P<plain>[bB]?(?:
            """(?:[^"\\]|\\.|"(?!""))*"""
          | \'\'\'(?:[^'\\]|\\.|'(?!''))*\'\'\'
          | "(?!"")(?:[^"\\\r\n]|\\[^\r\n])*"
          | '(?!'')(?:[^'\\\r\n]|\\[^\r\n])*'
        ))
      | (?P<open>[bB]?[rR]?["'])
      | \w+
      | .''',
    re.VERBOSE | re.DOTALL,
)
_ESCAPE = re.compile(
    r"""\\(?:(?P<simple>[abfnrtv\\'"`?])|(?P<byte>[xX][0-9a-fA-F]{2}|[0-3][0-7]{2})
      |(?P<point>u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8})|(?P<bad>.))""",
    re.VERBOSE | re.DOTALL,
)
_BRACKET = re.compile(r"[()\[\]{}]")
_TRAILING_COMMA = re.compile(r"""([\w"\])}]\s*),(?=\s*[\]}])""")
_SIMPLE_ESCAPES = dict(zip("abfnrtv\\'\"`?", "\a\b\f\n\r\t\v\\'\"`?", strict=True))
_MAX_CODE_POINT = 0x10FFFF
_SURROGATES = range(0xD800, 0xE000)


class FilterProblem(NamedTuple):
    """One thing wrong with a filter; line and column count from 1."""

    line: int
    column: int
    message: str


class SourceError(Exception):
    """The text is no expression; ``offset`` counts characters from 0."""

    def __init__(self, offset: int, message: str) -> None:
        super().__init__(message)
        self.offset = offset
        self.message = message


@dataclass(slots=True)
class Source:
    """A filter's text, the text for the parser, and the value of each string literal by its offset."""

    text: str
    masked: str = ""
    literals: dict[int, str | bytes] = field(default_factory=dict)


def locate(text: str, offset: int) -> tuple[int, int]:
    """Turn an offset into a line and a column, both from 1."""
    offset = min(max(offset, 0), len(text))
    return text.count("\n", 0, offset) + 1, offset - text.rfind("\n", 0, offset)


def scan(text: str) -> Source:
    """Read literals, and blank them, comments and trailing commas for the parser.

    Raises:
        SourceError: A string is open or has a bad escape, or the text is too long or nested too deeply.
    """
    if len(text) > MAX_FILTER_CHARACTERS:
        raise SourceError(0, f"the filter is longer than {MAX_FILTER_CHARACTERS:,} characters")
    source = Source(text)

    def mask(match: re.Match[str]) -> str:
        token = match[0]
        if match.lastgroup is None:
            return token
        if match.lastgroup == "comment":
            return " " * len(token)
        if match.lastgroup == "open":
            raise SourceError(match.start(), f"this string is not closed: its second {token[-1]} is missing")
        value, prefix = _read_literal(token, match.start(), is_raw=match.lastgroup == "raw")
        source.literals[match.start()] = value
        return f'{prefix}"{"x" * (len(token) - len(prefix) - 2)}"'

    masked = _TOKEN.sub(mask, text)
    source.masked = _TRAILING_COMMA.sub(r"\1 ", masked)
    _check_depth(source.masked)
    return source


def _check_depth(masked: str) -> None:
    depth = 0
    for match in _BRACKET.finditer(masked):
        depth += 1 if match[0] in "([{" else -1
        if depth > MAX_BRACKET_DEPTH:
            raise SourceError(match.start(), f"brackets are nested more than {MAX_BRACKET_DEPTH} deep")


def _read_literal(token: str, offset: int, *, is_raw: bool) -> tuple[str | bytes, str]:
    """Return the value of a literal and ``b`` when it is a byte string."""
    quote_at = next(index for index, character in enumerate(token) if character in "\"'")
    is_bytes = token[0] in "bB"
    width = 3 if token[quote_at : quote_at + 3] in {'"""', "'''"} and len(token) >= quote_at + 6 else 1
    body_at = quote_at + width
    body = token[body_at : len(token) - width]
    if is_raw:
        return (body.encode("utf-8", "surrogatepass") if is_bytes else body), "b" if is_bytes else ""
    if is_bytes:
        return _unescape_bytes(body, offset + body_at), "b"
    return _ESCAPE.sub(lambda match: _character(match, offset + body_at), body), ""


def _character(match: re.Match[str], offset: int) -> str:
    if match["simple"]:
        return _SIMPLE_ESCAPES[match["simple"]]
    if match["bad"]:
        raise SourceError(
            offset + match.start(),
            f"unknown escape {match[0]} in a string: write \\\\ for a backslash, or r'…'",
        )
    digits = match["point"] or match["byte"]
    code = int(digits[1:], 16) if digits[0] in "xXuU" else int(digits, 8)
    if code > _MAX_CODE_POINT or code in _SURROGATES:
        raise SourceError(offset + match.start(), f"the escape {match[0]} is no Unicode character")
    return chr(code)


def _unescape_bytes(body: str, offset: int) -> bytes:
    result = bytearray()
    position = 0
    for match in _ESCAPE.finditer(body):
        result += body[position : match.start()].encode("utf-8", "surrogatepass")
        position = match.end()
        if match["point"]:
            raise SourceError(offset + match.start(), f"the escape {match[0]} has no place in a byte string")
        result += _character(match, offset).encode("latin-1")
    return bytes(result + body[position:].encode("utf-8", "surrogatepass"))
