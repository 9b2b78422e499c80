"""How a handler is called: in a session and in a test alike."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

from autokitteh.event import Event


def call_shape(handler: Callable[..., Any], event: Event) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """How a handler wants to be called: with the event, with ``session_id`` by name, or with nothing at all."""
    try:
        parameters = inspect.signature(handler).parameters
    except (TypeError, ValueError):
        return (event,), {}
    keywords = {"session_id": event.session_id} if "session_id" in parameters else {}
    positional = [
        p
        for name, p in parameters.items()
        if name != "session_id" and p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD, p.VAR_POSITIONAL)
    ]
    return ((event,) if positional else ()), keywords
