"""Manifests as the store keeps them."""

from __future__ import annotations

from typing import Any


def trigger(name: str, **fields: Any) -> dict[str, Any]:
    """A webhook trigger, unless the fields say otherwise."""
    plain = {
        "kind": "webhook",
        "call": "main.py:on_event",
        "event_type": "",
        "filter": "",
        "is_sync": False,
        "is_durable": True,
        "connection": "",
        "schedule": "",
    }
    return {"name": name, **plain, **fields}


def var(name: str, value: str, *, secret: bool = False) -> dict[str, Any]:
    """A variable."""
    return {"name": name, "value": value, "description": "", "secret": secret}


def desired(
    *, triggers: Any = (), variables: Any = (), connections: Any = (), name: str = "p"
) -> dict[str, Any]:
    """A checked manifest."""
    project = {"name": name, "display_name": "", "connections": list(connections)}
    return {"version": "v2", "project": {**project, "vars": list(variables), "triggers": list(triggers)}}
