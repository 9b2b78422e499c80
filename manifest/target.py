"""What a plan is made against and carried out on: the port to where projects are kept.

The worker's store is a target (inside one transaction, so that a plan is carried out as a whole or not at all); so is a
dictionary in a test.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from manifest.changes import Fields, Place
from manifest.model import Connection, Trigger


@dataclass(frozen=True)
class StoredVar:
    """A variable as it is now.

    ``manifest_value`` is what the manifest gave last; None when no manifest ever named it. It differs from ``value``
    when the value was set by hand.
    """

    name: str
    value: str = field(repr=False)
    connection: str = ""
    secret: bool = False
    description: str = ""
    manifest_value: str | None = field(default=None, repr=False)


@dataclass(frozen=True)
class State:
    """A project as it is now.

    ``display_name`` is None for a project that is not there. ``renames`` are those a person asked for and that no
    manifest has followed yet: old name of a trigger → new one.
    """

    display_name: str | None = None
    connections: tuple[Connection, ...] = ()
    variables: tuple[StoredVar, ...] = ()
    triggers: tuple[Trigger, ...] = ()
    renames: Mapping[str, str] = field(default_factory=dict)


class Target(Protocol):
    """Where changes are made. All of one plan happen, or none: that is the target's promise."""

    def current(self, project: str) -> State:
        """The project as it is."""
        ...

    def put(self, project: str, place: Place, fields: Fields) -> None:
        """Make it so, whether it is there or not."""
        ...

    def delete(self, project: str, place: Place) -> None:
        """Take it away."""
        ...

    def rename(self, project: str, place: Place, to: str) -> None:
        """Give a trigger or schedule another name; what is known under the old one goes with it."""
        ...
