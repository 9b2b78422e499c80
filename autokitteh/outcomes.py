"""Answer the request of a synchronous webhook."""

from __future__ import annotations

import base64
from typing import Any

from autokitteh import _runtime

_OK = 200
_LOWEST, _HIGHEST = 100, 599


def http_outcome(
    status_code: int = _OK,
    headers: Any = None,
    body: Any = None,
    *,
    json: Any = None,
    more: bool = False,
    event_id: str | None = None,
) -> None:
    """Set the HTTP response of a synchronous webhook.

    Args:
        status_code: the status; 0 is 200.
        headers: a dictionary; a text or bytes in this place are the body.
        body: text or bytes are sent as they are, anything else as JSON.
        json: sent as JSON, with that content type unless ``headers`` have one.
        more: keep the response open; later outcomes add to its body.
        event_id: the event to answer, when it is not the one that started the session.

    Raises:
        ValueError: both ``body`` and ``json`` are given, or the status is none.
        TypeError: what should be sent as JSON cannot be.
    """
    if isinstance(headers, str | bytes | bytearray):
        headers, body = (body if isinstance(body, dict) else None), headers
    if body is not None and json is not None:
        raise ValueError("http_outcome takes either body or json, not both")
    status = int(status_code) or _OK
    if not _LOWEST <= status <= _HIGHEST:
        raise ValueError(f"http_outcome: {status_code} is not an HTTP status")
    value: dict[str, Any] = {
        "status_code": status,
        "headers": {str(k): str(v) for k, v in (headers or {}).items()},
    }
    if json is not None:
        value["json"] = json
    elif isinstance(body, bytes | bytearray):
        value["bytes"] = base64.b64encode(bytes(body)).decode("ascii")
    elif body is not None:
        value["body"] = body
    _runtime.current().outcome(value | {"more": bool(more)}, event_id)


def outcome(value: Any, *, event_id: str | None = None) -> None:
    """Answer an event with any value; a synchronous webhook takes a dictionary as ``http_outcome``'s arguments.

    Args:
        value: ``{"status_code": …, "headers": …, "body": … or "json": …, "more": …}``, or what becomes the JSON body.
        event_id: the event to answer, when it is not the one that started the session.
    """
    known = {"status_code", "headers", "body", "json", "more"}
    if isinstance(value, dict) and value and value.keys() <= known:
        http_outcome(
            value.get("status_code", _OK),
            value.get("headers"),
            value.get("body"),
            json=value.get("json"),
            more=value.get("more", False),
            event_id=event_id,
        )
    else:
        http_outcome(json=value, event_id=event_id)
