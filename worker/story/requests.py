"""A webhook's request in the words of the person who sent it: method, path, and its body as text. Pure.

An event's data have the body four times over: as base64, text, form and JSON. A person needs one of them.

May import: worker.story.previews.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from worker.story import previews

_BODY_KEYS = frozenset({"bytes", "text", "form", "json"})
_DATA_CHARACTERS = 200


def is_request(data: Any) -> bool:
    """Whether data have the shape of a webhook's event."""
    if not isinstance(data, dict) or not isinstance(data.get("method"), str):
        return False
    url, body = data.get("url"), data.get("body")
    return isinstance(url, dict) and isinstance(body, dict) and body.keys() >= _BODY_KEYS


def data_text(data: Any, characters: int = _DATA_CHARACTERS, mask: Callable[[str], str] = str) -> str:
    """An event's data in a few words: of a request ``POST /orders?x=1 {'id': 7}``, of anything else a preview.

    What comes from outside is kept as it came, so that a secret can stand in it: ``mask`` hides it, before it is cut.
    """
    data = previews.plain(data)
    if not is_request(data):
        return previews.shown(data, characters, mask)
    what, value = body_of(data)
    body = "" if what == "none" else value if what == "bytes" else previews.shown(value, characters, mask)
    return previews.cut(" ".join(filter(None, (mask(line_of(data)), body))), characters)


def line_of(data: dict[str, Any]) -> str:
    """``POST /orders/7?x=1``: without the part of the path that only names the webhook."""
    suffix = str(data["url"].get("path_suffix") or "")
    query = str(data.get("raw_url") or "").partition("?")[2]
    path = (f"/{suffix}" if suffix else "") + (f"?{query}" if query else "")
    return " ".join(filter(None, (str(data["method"]), path)))


def body_of(data: dict[str, Any]) -> tuple[str, Any]:
    """What the body is, and it: ``json``, ``form``, ``text``; ``bytes`` with how many; ``none``."""
    body = data["body"]
    for name in ("json", "form", "text"):
        if body[name] is not None:
            return name, body[name]
    if not body["bytes"]:
        return "none", None
    headers = data.get("headers")
    kind = headers.get("Content-Type", "") if isinstance(headers, dict) else ""
    size = len(str(body["bytes"])) * 3 // 4 - str(body["bytes"])[-2:].count("=")
    return "bytes", f"<{size:,} bytes{f' of {kind}' if kind else ''}>"


def lines_of(data: dict[str, Any]) -> list[str]:
    """The whole request for a person: its line, its headers, its body; no base64 where the body is text."""
    lines = [line_of(data)]
    headers = data.get("headers")
    lines += [f"  {name}: {value}" for name, value in headers.items()] if isinstance(headers, dict) else []
    what, value = body_of(data)
    if what == "none":
        return [*lines, "no body"]
    if what in {"json", "form"}:
        return [*lines, f"body ({what})", *json.dumps(value, indent=2, ensure_ascii=False).splitlines()]
    return [*lines, "body", *str(value).splitlines()]
