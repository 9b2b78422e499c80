"""A checked manifest. Kept as JSON with every deployment: only add optional fields."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Var:
    """A variable of the project or of a connection."""

    name: str
    value: str = ""
    description: str = ""
    secret: bool = False


@dataclass(frozen=True)
class Connection:
    """A connection to an integration."""

    name: str
    integration: str
    vars: tuple[Var, ...] = ()


@dataclass(frozen=True)
class Trigger:
    """What starts a handler. ``kind`` is webhook, schedule or connection; without ``call`` it only feeds subscriptions."""

    name: str
    kind: str
    call: str = ""
    event_type: str = ""
    filter: str = ""
    is_durable: bool = True
    is_sync: bool = False
    connection: str = ""
    schedule: str = ""
    timezone: str = ""
    overlap: str = ""
    catchup: str = ""
    jitter: str = ""


@dataclass(frozen=True)
class Project:
    """A project."""

    name: str
    display_name: str = ""
    connections: tuple[Connection, ...] = ()
    vars: tuple[Var, ...] = ()
    triggers: tuple[Trigger, ...] = ()


@dataclass(frozen=True)
class Manifest:
    """A manifest; without a project it only says its version."""

    version: str
    project: Project | None = field(default=None)

    def to_json(self) -> dict[str, Any]:
        """As JSON: lists instead of tuples."""
        tree: dict[str, Any] = _lists(dataclasses.asdict(self))
        return tree

    @classmethod
    def from_json(cls, tree: dict[str, Any]) -> Manifest:
        """Back from JSON."""
        project = tree.get("project")
        if project is None:
            return cls(tree["version"])
        connections = tuple(
            Connection(**{**item, "vars": tuple(Var(**var) for var in item["vars"])})
            for item in project["connections"]
        )
        return cls(
            tree["version"],
            Project(
                project["name"],
                project.get("display_name", ""),
                connections,
                tuple(Var(**item) for item in project["vars"]),
                tuple(Trigger(**item) for item in project["triggers"]),
            ),
        )


def _lists(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _lists(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_lists(item) for item in value]
    return value
