"""Shape a request into the data of a webhook's event.

Pure: bytes in, plain JSON out. The shape is part of the programming model, so it follows the rules of Go's
``net/http`` where handlers can see them: canonical header names, repeated values joined with ``", "``,
``Host`` and ``Transfer-Encoding`` not among the headers.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, NoReturn
from urllib.parse import parse_qsl, unquote

from worker.contracts import JSON, encode_bytes

FORM_CONTENT_TYPE = "application/x-www-form-urlencoded"

# Deeper JSON than this is kept as text only: encoders and handlers further on have a stack of their own.
MAX_JSON_DEPTH = 200

_TOKEN = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
_LONE_SURROGATE = re.compile("[\ud800-\udfff]")
_HIDDEN_HEADERS = frozenset({"Host", "Transfer-Encoding"})


@dataclass(frozen=True)
class RawRequest:
    """A request as it came in. ``raw_path`` and ``query`` keep their percent-encoding."""

    method: str
    raw_path: bytes
    query: bytes
    headers: Sequence[tuple[bytes, bytes]]
    body: bytes


def event_data(request: RawRequest, prefix: str) -> dict[str, JSON]:
    """The event's data. ``prefix`` is the part of the path that names the webhook: ``/webhooks/<slug>``."""
    raw_url = _text(request.raw_path)
    if request.query:
        raw_url += "?" + _text(request.query)
    path = unquote(_text(request.raw_path))
    headers = _headers(request.headers)
    return {
        "method": request.method,
        "raw_url": raw_url,
        "url": {
            "path": path,
            "path_suffix": path.removeprefix(prefix).lstrip("/"),
            "query": _joined(parse_qsl(_text(request.query), keep_blank_values=True)),
        },
        "headers": headers,
        "trailers": {},
        "body": _body(request.body, headers.get("Content-Type", "")),
    }


def canonical_header_name(name: str) -> str:
    """``content-type`` → ``Content-Type``; a name that is not a token stays as it is."""
    if not _TOKEN.fullmatch(name):
        return name
    return "-".join(part[:1].upper() + part[1:].lower() for part in name.split("-"))


def _headers(raw: Iterable[tuple[bytes, bytes]]) -> dict[str, str]:
    pairs = ((canonical_header_name(name.decode("latin-1")), _text(value)) for name, value in raw)
    return _joined((name, value) for name, value in pairs if name not in _HIDDEN_HEADERS)


def _body(body: bytes, content_type: str) -> dict[str, JSON]:
    if not body:
        return {"bytes": None, "text": None, "form": None, "json": None}
    media_type = content_type.partition(";")[0].strip().lower()
    form = None
    if media_type == FORM_CONTENT_TYPE:
        form = _joined(parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True))
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError:
        text = None
    return {"bytes": encode_bytes(body), "text": text, "form": form, "json": _json(body)}


def _json(body: bytes) -> JSON:
    """The body's JSON value, or None when it is not JSON or could not be passed on as JSON."""
    text = body.decode("utf-8", "replace")
    try:
        value = json.loads(text, parse_float=_finite, parse_constant=_no_constant)
        # Only escapes can name half a character, and only brackets can nest: the usual body needs no walk.
        if "\\u" in text or text.count("[") + text.count("{") > MAX_JSON_DEPTH:
            value = _sound(value, MAX_JSON_DEPTH)
    except (ValueError, RecursionError):
        return None
    return value


def _finite(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise ValueError(text)
    return value


def _no_constant(name: str) -> NoReturn:
    """Refuse ``NaN`` and ``Infinity``: Python reads them, JSON does not have them."""
    raise ValueError(name)


def _sound(value: Any, depth: int) -> JSON:
    """The value with lone surrogates replaced, since UTF-8 has none; ValueError when nested too deeply."""
    if isinstance(value, str):
        return _LONE_SURROGATE.sub("\ufffd", value)
    if not isinstance(value, dict | list):
        return value
    if depth == 0:
        raise ValueError("nested too deeply")
    if isinstance(value, list):
        return [_sound(item, depth - 1) for item in value]
    return {_sound(key, 0): _sound(item, depth - 1) for key, item in value.items()}


def _joined(pairs: Iterable[tuple[str, str]]) -> dict[str, str]:
    result: dict[str, str] = {}
    for key, value in pairs:
        result[key] = f"{result[key]}, {value}" if key in result else value
    return result


def _text(raw: bytes) -> str:
    """Header and URL bytes as text: UTF-8 when they are, else byte for byte."""
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        return raw.decode("latin-1")
