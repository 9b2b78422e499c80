"""A project kept in dictionaries: the smallest target a plan can be carried out on."""

from __future__ import annotations

from manifest import Connection, Place, State, StoredVar, Trigger
from manifest.changes import Fields


class MemoryTarget:
    """Each kind by place; what a real store would refuse is an assertion here."""

    def __init__(self, state: State) -> None:
        self.display_name = state.display_name
        self.renames = dict(state.renames)
        self.items: dict[Place, Fields] = {}
        for connection in state.connections:
            self.items[Place("connection", connection.name)] = {"integration": connection.integration}
        for item in state.variables:
            fields = {key: value for key, value in vars(item).items() if key not in {"name", "connection"}}
            self.items[Place("variable", item.name, item.connection)] = fields
        for trigger in state.triggers:
            kind = "schedule" if trigger.kind == "schedule" else "trigger"
            self.items[Place(kind, trigger.name)] = {k: v for k, v in vars(trigger).items() if k != "name"}

    def current(self, project: str) -> State:
        """The project as it is."""
        of = lambda *kinds: [(p, f) for p, f in self.items.items() if p.kind in kinds]  # noqa: E731
        return State(
            self.display_name,
            tuple(Connection(place.name, **fields) for place, fields in of("connection")),
            tuple(StoredVar(place.name, connection=place.connection, **f) for place, f in of("variable")),
            tuple(Trigger(place.name, **fields) for place, fields in of("trigger", "schedule")),
            self.renames,
        )

    def put(self, project: str, place: Place, fields: Fields) -> None:
        """Names of triggers and schedules are one space."""
        if place.kind == "project":
            self.display_name = fields["display_name"]
            return
        twins = {"trigger": "schedule", "schedule": "trigger"}
        assert Place(twins.get(place.kind, "-"), place.name) not in self.items
        self.items[place] = fields

    def delete(self, project: str, place: Place) -> None:
        """Only what is there can go."""
        del self.items[place]

    def rename(self, project: str, place: Place, to: str) -> None:
        """The new name must be free."""
        assert to not in {item.name for item in self.items if item.kind in {"trigger", "schedule"}}
        self.items[Place(place.kind, to)] = self.items.pop(place)
        del self.renames[place.name]
