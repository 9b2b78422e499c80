"""What a test of a handler sends and finds recorded: see ``autokitteh.testing``."""

from __future__ import annotations

import collections
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from autokitteh.event import Event


@dataclass(frozen=True)
class Call:
    """A call of a function that was replaced, or that is marked ``@activity``."""

    name: str
    args: tuple[Any, ...] = ()
    kwargs: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Started:
    """A child session that the handler started."""

    id: str
    handler: str
    data: dict[str, Any] | None = None
    memo: dict[str, str] | None = None
    project: str = ""


@dataclass(frozen=True)
class Sent:
    """A signal that the handler sent; ``session_id`` is None when it went to all sessions."""

    session_id: str | None
    name: str
    payload: Any = None


@dataclass
class Subscription:
    """A subscription of the handler's."""

    id: str
    source: str
    filter: str = ""
    active: bool = True
    queue: collections.deque[Event] = field(default_factory=collections.deque, repr=False)


@dataclass(order=True)
class Due:
    """Something that is sent at a time: an event, an answer or a signal."""

    at: float
    number: int
    kind: str = field(compare=False)
    name: str = field(compare=False)
    payload: Any = field(compare=False)
    event_type: str = field(compare=False, default="")
