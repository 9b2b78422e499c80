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


class NextEvent(AttrDict):
    """What ``next_event`` returns: the event's data, with an event's attributes beside them.

    A key of the data wins over an attribute of the same name. True even when the data are empty, so that
    ``if event:`` tells an event from a timeout.

    Attributes:
        data: the payload.
        event_id: the event's id.
        event_type: such as ``post`` for a webhook.
        session_id: the session that received it.
        connection_id: the connection it came from, or None.
    """

    def __init__(self, event: Event) -> None:
        """Take the data of an event."""
        data: object = event.data
        super().__init__(data if isinstance(data, dict) else {"data": data})
        dict.__setattr__(self, "_event", event)

    def __getattr__(self, name: str) -> Any:
        """A key of the data, or else a part of the event.

        Raises:
            AttributeError: there is neither.
        """
        if name not in self and name in _PARTS:
            return getattr(self.__dict__["_event"], name)
        return super().__getattr__(name)

    def __getitem__(self, name: str) -> Any:
        """As attribute access, but nested dictionaries stay plain.

        Raises:
            KeyError: there is neither key nor part.
        """
        if name not in self and name in _PARTS:
            return getattr(self.__dict__["_event"], name)
        return super().__getitem__(name)

    def __bool__(self) -> bool:
        """Always: None is the timeout."""
        return True

    def __copy__(self) -> NextEvent:
        """A shallow copy."""
        return NextEvent(self.__dict__["_event"])

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickled as its event."""
        return NextEvent, (self.__dict__["_event"],)


_PARTS = frozenset(item.name for item in fields(Event))
