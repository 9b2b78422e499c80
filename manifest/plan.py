"""Compare what a manifest wants with what is: the changes that lead from one to the other.

Pure: two values in, a plan out. Rules:

1. Parts are matched by name. What the manifest does not name is deleted, except variables that only a person named.
2. A value set by hand is kept unless the manifest's own value changed since it was last applied. A variable that was
   ever secret stays secret.
3. A trigger of another kind is another trigger: the old one is deleted, one of the same name is created.
4. A trigger that a person renamed is renamed when the manifest has the new name and no longer the old one, also when
   its other fields change with it. Until then everything goes on under the old name.
5. Deleting a connection leaves the variables that a person gave it: no manifest could bring them back.

After a plan is carried out, planning again gives no change.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from manifest.changes import Change, Create, Delete, Fields, Kept, Place, Rename, Update
from manifest.model import Project, Trigger, Var
from manifest.target import State, StoredVar


@dataclass(frozen=True)
class Usage:
    """What is in use: triggers with the events of the last day, sources with the subscriptions of live sessions."""

    recent: Mapping[str, int] = field(default_factory=dict)
    waiting: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Surprise:
    """A change that takes away what is in use, and by what it is used."""

    change: Change
    reason: str

    def __str__(self) -> str:
        """As a person reads it."""
        verb = "deletes" if isinstance(self.change, Delete) else "changes"
        return f"{verb} {self.change.place.kind} {self.change.place.label}: {self.reason}"


@dataclass(frozen=True)
class Plan:
    """The changes in the order in which they are made, and what is kept though the manifest says otherwise."""

    project: str
    changes: tuple[Change, ...] = ()
    kept: tuple[Kept, ...] = ()

    def surprises(self, usage: Usage) -> list[Surprise]:
        """The changes that take away what is in use: a person should be asked."""
        found = []
        for change in self.changes:
            reason = _use_of(change, usage)
            if reason:
                found.append(Surprise(change, reason))
        return found


def plan(desired: Project, current: State) -> Plan:
    """What has to change so that a project is what its manifest says."""
    changes: list[Change] = []
    kept: list[Kept] = []
    place = Place("project", desired.name)
    fields = {"display_name": desired.display_name}
    if current.display_name is None:
        changes.append(Create(place, fields))
    elif current.display_name != desired.display_name:
        changes.append(Update(place, {"display_name": current.display_name}, fields))
    changes += _differences(
        {Place("connection", item.name): {"integration": item.integration} for item in desired.connections},
        {Place("connection", item.name): {"integration": item.integration} for item in current.connections},
    )
    changes += _of_variables(desired, current, kept)
    changes += _of_triggers(desired, current)
    return Plan(desired.name, tuple(sorted(changes)), tuple(sorted(kept)))


def _differences(wanted: Mapping[Place, Fields], known: Mapping[Place, Fields]) -> Iterator[Change]:
    for place, fields in wanted.items():
        before = known.get(place)
        if before is None:
            yield Create(place, fields)
        elif before != fields:
            yield Update(place, before, fields)
    for place, before in known.items():
        if place not in wanted:
            yield Delete(place, before)


def _of_variables(desired: Project, current: State, kept: list[Kept]) -> Iterator[Change]:
    wanted = {Place("variable", item.name): item for item in desired.vars}
    for connection in desired.connections:
        wanted |= {Place("variable", item.name, connection.name): item for item in connection.vars}
    known = {Place("variable", item.name, item.connection): item for item in current.variables}
    leaving = {item.name for item in current.connections} - {item.name for item in desired.connections}
    for place, before in known.items():
        if place in wanted:
            continue
        if before.manifest_value is not None:
            yield Delete(place, _fields_of(before))
        elif place.connection in leaving:
            kept.append(Kept(place, f"kept: set by hand, for when {place.connection} comes back"))
    for place, item in wanted.items():
        found = known.get(place)
        fields = variable_fields(item, found)
        if found is None:
            yield Create(place, fields)
            continue
        if found.manifest_value == item.value and found.value != item.value:
            kept.append(Kept(place, "kept: set by hand"))
        if _fields_of(found) != fields:
            yield Update(place, _fields_of(found), fields)


def variable_fields(wanted: Var, known: StoredVar | None) -> dict[str, Any]:
    """What becomes of a variable that the manifest names."""
    keep = known is not None and known.manifest_value == wanted.value
    return {
        "value": known.value if keep and known is not None else wanted.value,
        "secret": wanted.secret or (known is not None and known.secret),
        "description": wanted.description,
        "manifest_value": wanted.value,
    }


def _fields_of(item: StoredVar) -> dict[str, Any]:
    return {
        "value": item.value,
        "secret": item.secret,
        "description": item.description,
        "manifest_value": item.manifest_value,
    }


def trigger_place(item: Trigger) -> Place:
    """Schedules are a kind of their own: that is how people speak of them."""
    return Place("schedule" if item.kind == "schedule" else "trigger", item.name)


def _of_triggers(desired: Project, current: State) -> Iterator[Change]:
    wanted = {trigger_place(item): trigger_fields(item) for item in desired.triggers}
    known: dict[Place, Fields] = {trigger_place(item): trigger_fields(item) for item in current.triggers}
    yield from _renames(current.renames, wanted, known)
    for place in [place for place in wanted if place in known]:
        if wanted[place]["kind"] != known[place]["kind"]:
            yield Delete(place, known.pop(place))
    yield from _differences(wanted, known)


def _renames(
    asked: Mapping[str, str], wanted: Mapping[Place, Fields], known: dict[Place, Fields]
) -> Iterator[Change]:
    """The renames that the manifest follows; ``known`` has the new names afterwards."""
    still_wanted = {place.name for place in wanted}
    taken = {place.name for place in known}
    for old, new in sorted(asked.items()):
        for kind in ("trigger", "schedule"):
            before, after = Place(kind, old), Place(kind, new)
            if before not in known or after not in wanted or old in still_wanted or new in taken:
                continue
            if known[before]["kind"] == wanted[after]["kind"]:
                yield Rename(before, new)
                known[after] = known.pop(before)
                taken.add(new)


def trigger_fields(item: Trigger) -> dict[str, Any]:
    """All of a trigger but its name."""
    fields = dataclasses.asdict(item)
    del fields["name"]
    return fields


def _use_of(change: Change, usage: Usage) -> str:
    """By what a part is used that the change takes away; nothing when by nothing."""
    place = change.place
    if isinstance(change, Update):
        if place.kind != "connection" or "integration" not in change.differences:
            return ""
    elif not isinstance(change, Delete) or place.kind not in {"connection", "trigger", "schedule"}:
        return ""
    recent = usage.recent.get(place.name, 0) if place.kind != "connection" else 0
    waiting = usage.waiting.get(place.name, 0)
    reasons = [f"{_counted(recent, 'event')} in the last day"] if recent else []
    if waiting:
        reasons.append(f"{_counted(waiting, 'subscription')} of sessions that run")
    return ", ".join(reasons)


def _counted(number: int, word: str) -> str:
    return f"{number} {word}{'' if number == 1 else 's'}"
