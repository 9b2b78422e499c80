"""What a handler receives."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, fields
from typing import Any

from autokitteh.attr_dict import AttrDict


@dataclass
class Event:
    """The event that started a session.

    Its parts can be read as attributes or items: ``event.data`` and ``event["data"]`` are the same.

    Attributes:
        data: the payload, with attribute access.
        event_id: the event's id; None when the session was started by hand.
        event_type: such as ``post`` for a webhook; None when started by hand.
        session_id: the session that handles it.
        connection_id: the connection it came from, or None.
        trigger: the name of the trigger that matched, or None.
    """

    data: AttrDict = field(default_factory=AttrDict)
    event_id: str | None = None
    event_type: str | None = None
    session_id: str | None = None
    connection_id: str | None = None
    trigger: str | None = None

    def __post_init__(self) -> None:
        """Give a plain dictionary attribute access, as tests of handlers like to pass one."""
        data: object = self.data
        if isinstance(data, dict) and not isinstance(data, AttrDict):
            self.data = AttrDict(data)

    def __getitem__(self, name: str) -> Any:
        """A part by name.

        Raises:
            KeyError: an event has no such part.
        """
        if name not in self.keys():
            raise KeyError(name)
        return getattr(self, name)

    def __contains__(self, name: object) -> bool:
        """Whether an event has a part of that name."""
        return name in self.keys()

    def __iter__(self) -> Iterator[str]:
        """The names of the parts."""
        return iter(self.keys())

    def keys(self) -> list[str]:
        """The names of the parts."""
        return [item.name for item in fields(self)]

    def get(self, name: str, default: Any = None) -> Any:
        """A part by name, or the default when it is missing or empty."""
        value = getattr(self, name, None) if name in self.keys() else None
        return default if value is None else value
