"""What a build process gives to its sessions, and which session is running right now.

One ``Host`` per process. Sessions reach the outside only through it, so that the rooms above decide what a
line, a live object or a namespace really is.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from worker.contracts import JSON, LogBatch, UserValue
from worker.payload.codec import Codec
from worker.usercode.namespace import Hooks, Namespace
from worker.usercode.policy import Policy
from worker.usercode.surroundings import Surroundings

if TYPE_CHECKING:
    from worker.session.session import Session


HOST = "autokitteh_host"  # under this name a session finds its host among Temporal's extern functions


class RunningState:
    """Which session runs on the workflow thread at this moment.

    Routed calls read it on every call, hence plain attributes. Calls that arrive on another thread (user code
    inside an activity) never belong to a session.
    """

    __slots__ = ("current", "loading", "thread")

    def __init__(self) -> None:
        self.thread: int = 0
        self.current: Session | None = None
        self.loading: int = 0

    @property
    def here(self) -> Session | None:
        """The session whose code runs on the calling thread; None in calls."""
        return self.current if threading.get_ident() == self.thread else None

    def enter_thread(self) -> None:
        """Remember the calling thread as the workflow thread."""
        self.thread = threading.get_ident()


@dataclass
class LiveCall:
    """A call whose arguments cannot leave the process: executed beside the session, with the live objects."""

    function: Callable[..., UserValue]
    args: tuple[UserValue, ...]
    kwargs: dict[str, UserValue]
    codec: Codec


class GuardPort(Protocol):
    """The audit hook, armed while user code runs on the workflow thread."""

    def arm(self) -> None: ...

    def disarm(self) -> None: ...


@dataclass
class Host:
    """Everything a session may use that it does not make itself."""

    project: str
    directory: Path
    policy: Policy
    guard: GuardPort
    surroundings: Surroundings
    new_namespace: Callable[[Hooks], Namespace]
    new_codec: Callable[[Namespace], Codec]
    entropy: bytes
    emit: Callable[[LogBatch], None]
    fresh_state: Mapping[str, JSON]
    address: Callable[[str], str]
    state: RunningState = field(default_factory=RunningState)
    live_calls: dict[str, LiveCall] = field(default_factory=dict)
    hooks: Hooks | None = None
    hear: Callable[[str, str, str], None] | None = (
        None  # told kind, text and place of every line, replayed or not
    )
    history_warning: int = 10_000  # events of a history, or KiB, from which on a session is warned
    ended: Callable[[str, str], None] | None = (
        None  # told session and run when Temporal has taken a run's end
    )
