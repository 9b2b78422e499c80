"""The SDK's runtime inside a session."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from worker.contracts import UserValue
from worker.session import calls
from worker.usercode.policy import Decision


class SessionRuntime:
    """Implements ``autokitteh._runtime.Runtime`` for one session."""

    def __init__(self, session: Any) -> None:
        self._session = session

    def register_no_activity(self, items: Iterable[Any]) -> None:
        """Run these where they are called."""
        self._session.never_activities.extend(calls.unwrap(item) for item in items)

    def call_activity(
        self, function: Any, site: str, args: tuple[UserValue, ...], kwargs: dict[str, UserValue]
    ) -> UserValue:
        """Call a function as one activity, whatever the policy says."""
        decision = Decision("activity", "the handler is not durable")
        return calls.call_out(self._session, function, site, decision, args, kwargs)
