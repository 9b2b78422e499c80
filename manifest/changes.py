"""What can become of one part of a project, as values: create, update, delete, rename; and what is kept.

Changes have an order, the one in which they are made: what goes, goes first (a limit counts what is left, and a trigger
of another kind is another trigger under the same name), then renames, then connections, variables and triggers, so that
nothing is there before what it refers to. Values of secret variables are carried, for who applies a change needs them,
and never shown: not by ``repr``, not as JSON.

Pure. May import: nothing of ours.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

KINDS = ("project", "connection", "variable", "trigger", "schedule", "file", "runtime")
HIDDEN = "••••••"
_VALUES = frozenset({"value", "manifest_value"})

Fields = Mapping[str, Any]


@dataclass(frozen=True, order=True)
class Place:
    """A part of a project. ``connection`` is set for a variable of a connection."""

    kind: str
    name: str
    connection: str = ""

    @property
    def label(self) -> str:
        """The name as a person reads it; a connection's variable stands behind its connection."""
        return f"{self.connection}/{self.name}" if self.connection else self.name

    @property
    def rank(self) -> tuple[int, str, str]:
        """Where it stands among the others."""
        return (KINDS.index(self.kind), self.connection, self.name)

    def as_json(self) -> dict[str, Any]:
        """Machine-readable."""
        where = {"connection": self.connection} if self.connection else {}
        return {"kind": self.kind, "name": self.name, **where}


@functools.total_ordering
@dataclass(frozen=True, eq=False)
class Change:
    """One change of one part."""

    place: Place
    action: ClassVar[str] = ""

    @property
    def order(self) -> tuple[int, tuple[int, ...], str, str]:
        """When it is made: deletions backwards through the kinds, the rest forwards."""
        kind, connection, name = self.place.rank
        phase = {"delete": 0, "rename": 1}.get(self.action, 2)
        return (phase, (-kind if phase == 0 else kind,), connection, name)

    def __lt__(self, other: Change) -> bool:
        """Before it."""
        return self.order < other.order

    def __eq__(self, other: object) -> bool:
        """The same change of the same part with the same fields."""
        return type(self) is type(other) and self.__dict__ == other.__dict__

    def __hash__(self) -> int:
        """By what it is about; fields need not be hashable."""
        return hash((self.action, self.place))

    def as_json(self) -> dict[str, Any]:
        """Machine-readable, without secret values."""
        return {"action": self.action, **self.place.as_json()}


@dataclass(frozen=True, eq=False)
class Create(Change):
    """It is not there yet."""

    fields: Fields = field(default_factory=dict, repr=False)
    action: ClassVar[str] = "create"

    def as_json(self) -> dict[str, Any]:
        """With its fields."""
        shown = _shown(self.fields, hidden=bool(self.fields.get("secret")))
        return super().as_json() | ({"fields": shown} if shown else {})


@dataclass(frozen=True, eq=False)
class Update(Change):
    """It is there and different."""

    before: Fields = field(default_factory=dict, repr=False)
    fields: Fields = field(default_factory=dict, repr=False)
    note: str = ""
    action: ClassVar[str] = "update"

    @property
    def secret(self) -> bool:
        """Whether its value is, or was, a secret."""
        return bool(self.before.get("secret") or self.fields.get("secret"))

    @property
    def differences(self) -> dict[str, tuple[Any, Any]]:
        """Old and new of each field that differs; readable, so not for display: see `shown`."""
        names = [*self.fields, *(name for name in self.before if name not in self.fields)]
        pairs = {name: (self.before.get(name), self.fields.get(name)) for name in names}
        return {name: pair for name, pair in pairs.items() if pair[0] != pair[1]}

    @property
    def shown(self) -> dict[str, tuple[Any, Any]]:
        """The same with secret values hidden; what the manifest gives is told where the value itself stays."""
        found = {
            name: (HIDDEN, HIDDEN) if name in _VALUES and self.secret else pair
            for name, pair in self.differences.items()
        }
        if "value" in found:
            found.pop("manifest_value", None)
        return found

    def as_json(self) -> dict[str, Any]:
        """With old and new of what differs."""
        found = super().as_json()
        if self.shown:
            found["changes"] = {name: {"old": old, "new": new} for name, (old, new) in self.shown.items()}
        return found | ({"note": self.note} if self.note else {})


@dataclass(frozen=True, eq=False)
class Delete(Change):
    """It is there and not wanted any more."""

    before: Fields = field(default_factory=dict, repr=False)
    action: ClassVar[str] = "delete"

    def as_json(self) -> dict[str, Any]:
        """With the fields it had."""
        shown = _shown(self.before, hidden=bool(self.before.get("secret")))
        return super().as_json() | ({"fields": shown} if shown else {})


@dataclass(frozen=True, eq=False)
class Rename(Change):
    """It is there under another name: ``place`` is the old one. Its identity and its webhook's URL stay."""

    to: str = ""
    action: ClassVar[str] = "rename"

    def as_json(self) -> dict[str, Any]:
        """The new name stands beside the old one."""
        return super().as_json() | {"to": self.to}


@dataclass(frozen=True, order=True)
class Kept:
    """Something the manifest gives otherwise, or not at all, and that stays: why is in the note."""

    place: Place
    note: str

    def as_json(self) -> dict[str, Any]:
        """Machine-readable."""
        return {**self.place.as_json(), "note": self.note}


def _shown(fields: Fields, *, hidden: bool) -> dict[str, Any]:
    """The fields that say something."""
    return {
        name: HIDDEN if hidden and name in _VALUES else value
        for name, value in fields.items()
        if value not in ("", None) and name != "manifest_value"
    }
