"""Write a tree as an expression again, and a value as the expression language would spell it."""

from __future__ import annotations

import json
import math
from datetime import datetime, timedelta
from typing import Any

from manifest import cel_ast as ast
from manifest.cel_convert import text_of_double, text_of_duration, text_of_timestamp
from manifest.cel_values import CelType, UInt

_CONDITIONAL, _OR, _AND, _RELATION, _ADDITION, _PRODUCT, _UNARY, _MEMBER = range(8)
_BINARY = {
    **dict.fromkeys(("<", "<=", ">", ">=", "==", "!=", "in"), _RELATION),
    **dict.fromkeys(("+", "-"), _ADDITION),
    **dict.fromkeys(("*", "/", "%"), _PRODUCT),
}
_VALUE_DEPTH = 4
_PRINTABLE = range(0x20, 0x7F)
_BYTES = tuple(
    f"\\{chr(byte)}" if chr(byte) in '"\\' else chr(byte) if byte in _PRINTABLE else f"\\x{byte:02x}"
    for byte in range(256)
)


def text_of(node: ast.Node, strength: int = _CONDITIONAL) -> str:
    """The expression, with the brackets it needs inside something that binds as strongly as ``strength``."""
    own, text = _written(node)
    return f"({text})" if own < strength else text


def _written(node: ast.Node) -> tuple[int, str]:
    """How strongly the node binds, and its text."""
    if isinstance(node, ast.Logic):
        own = _OR if node.symbol == "||" else _AND
        return own, f" {node.symbol} ".join(text_of(term, own + 1) for term in node.terms)
    if isinstance(node, ast.Conditional):
        condition, then = text_of(node.condition, _OR), text_of(node.then, _OR)
        return _CONDITIONAL, f"{condition} ? {then} : {text_of(node.otherwise)}"
    if isinstance(node, ast.Call):
        return _call(node)
    return _MEMBER, _member(node)


def _call(node: ast.Call) -> tuple[int, str]:
    arguments = node.arguments
    own = _BINARY.get(node.name)
    if own is not None and len(arguments) == 2:
        return own, f"{text_of(arguments[0], own)} {node.name} {text_of(arguments[1], own + 1)}"
    if node.name in {"!", "-"} and len(arguments) == 1:
        return _UNARY, f"{node.name}{text_of(arguments[0], _UNARY)}"
    first, rest = (arguments[0], arguments[1:]) if node.is_method else (None, arguments)
    target = "" if first is None else f"{text_of(first, _MEMBER)}."
    return _MEMBER, f"{target}{node.name}({', '.join(map(text_of, rest))})"


def _member(node: ast.Node) -> str:
    if isinstance(node, ast.Literal):
        return spell(node.value, limit=0)
    if isinstance(node, ast.Ident):
        return node.name
    if isinstance(node, ast.Select):
        return f"{text_of(node.operand, _MEMBER)}.{node.name}"
    if isinstance(node, ast.Has):
        return f"has({text_of(node.operand, _MEMBER)}.{node.name})"
    if isinstance(node, ast.Index):
        return f"{text_of(node.operand, _MEMBER)}[{text_of(node.key)}]"
    if isinstance(node, ast.ListLiteral):
        return f"[{', '.join(map(text_of, node.elements))}]"
    if isinstance(node, ast.MapLiteral):
        return f"{{{', '.join(f'{text_of(key)}: {text_of(value)}' for key, value in node.entries)}}}"
    if isinstance(node, ast.Macro):
        inside = ", ".join([node.variable, *map(text_of, node.bodies)])
        return f"{text_of(node.source, _MEMBER)}.{node.name}({inside})"
    assert isinstance(node, ast.Bind)
    return f"cel.bind({node.variable}, {text_of(node.value)}, {text_of(node.body)})"


def spell(value: Any, limit: int = 80) -> str:
    """The value as one would write it in a filter, cut after ``limit`` characters (0: not cut)."""
    text = _spell(value, limit, _VALUE_DEPTH)
    return text if not limit or len(text) <= limit else text[: limit - 1] + "…"


def _spell(value: Any, limit: int, depth: int) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return json.dumps(_cut(value, limit), ensure_ascii=False)
    if isinstance(value, bytes):
        return _spell_bytes(_cut(value, limit))
    if isinstance(value, int):
        return f"{int(value)}u" if isinstance(value, UInt) else str(value)
    if isinstance(value, float):
        return _spell_double(value)
    if isinstance(value, list | tuple | dict):
        return _spell_many(value, limit, depth)
    if isinstance(value, datetime):
        return f'timestamp("{text_of_timestamp(value)}")'
    if isinstance(value, timedelta):
        return f'duration("{text_of_duration(value)}")'
    return value.name if isinstance(value, CelType) else type(value).__name__


def _spell_double(value: float) -> str:
    """A double that reads as one: ``3.0``, where the language's own ``string(3.0)`` is ``"3"``."""
    text = text_of_double(value)
    if not math.isfinite(value):
        return f'double("{text}")'
    return text if "." in text or "e" in text else f"{text}.0"


def _spell_bytes(value: bytes) -> str:
    """Bytes in a form that reads back; a byte string knows no escape for a code point."""
    return 'b"' + "".join(_BYTES[byte] for byte in value) + '"'


def _cut(value: Any, limit: int) -> Any:
    return value[: limit + 1] if limit else value


def _spell_many(value: Any, limit: int, depth: int) -> str:
    opened, closed = "{}" if isinstance(value, dict) else "[]"
    if not depth:
        return f"{opened}…{closed}"
    parts: list[str] = []
    room = limit or 1_000_000
    for item in value.items() if isinstance(value, dict) else value:
        if room <= 0:
            parts.append("…")
            break
        if isinstance(value, dict):
            part = f"{_spell(item[0], limit, 0)}: {_spell(item[1], limit, depth - 1)}"
        else:
            part = _spell(item, limit, depth - 1)
        parts.append(part)
        room -= len(part)
    return opened + ", ".join(parts) + closed
