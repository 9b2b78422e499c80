"""The runtime outside a session: a plain Python process, such as a unit test that calls a handler.

Values are kept in memory. What would need a server does nothing and returns what tests of existing projects expect.
"""

from __future__ import annotations

import concurrent.futures
import os
import uuid
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NoReturn

from autokitteh.errors import AutoKittehError, SessionRestart
from autokitteh.event import Event


class LocalRuntime:
    """Everything runs where it is called; what the program registers is remembered and means nothing."""

    def __init__(self) -> None:
        self.never_activities: list[Any] = []
        self.values: dict[str, Any] = {}

    def register_no_activity(self, items: Iterable[Any]) -> None:
        """Remember the functions and classes; nothing becomes an activity here anyway."""
        self.never_activities.extend(items)

    def subscribe(self, _source: str, _filter: str) -> str:
        """A fresh id."""
        return f"sig_{uuid.uuid4().hex}"

    def unsubscribe(self, subscription_id: str) -> None:
        """Nothing to end."""

    def next_event(self, _ids: list[str], _timeout: float | None) -> Event | None:
        """No event ever comes."""
        return None

    def start(
        self, _loc: str, _data: dict[str, Any] | None, _memo: dict[str, str] | None, _project: str
    ) -> str:
        """A fresh id; nothing is started."""
        return f"ses_{uuid.uuid4().hex}"

    def restart(self, data: dict[str, Any] | None, /) -> NoReturn:
        """Ends the handler; whoever called it decides what follows."""
        raise SessionRestart(data)

    def signal(self, session_id: str | None, name: str, payload: Any) -> None:
        """Nobody is there to receive it."""

    def next_signal(self, _names: list[str], _timeout: float | None) -> tuple[str, Any] | None:
        """No signal ever comes."""
        return None

    def outcome(self, value: dict[str, Any], event_id: str | None) -> None:
        """Nobody waits for it."""

    def value(self, op: str, key: str, *args: Any) -> Any:
        """The operations on values, in memory."""
        known = key in self.values
        if op == "get":
            return known, self.values.get(key)
        if op == "del":
            self.values.pop(key, None)
            return None
        if op == "add":
            self.values[key] = self.values[key] + args[0] if known else args[0]
            return self.values[key]
        if op == "check_and_set":
            if self.values.get(key) != args[0]:
                return False
            self.values[key] = args[1]
            return True
        self.values[key] = args[0]
        return None

    def value_keys(self) -> list[str]:
        """All keys."""
        return sorted(self.values)

    def publish(self, key: str, *, published: bool) -> None:
        """Only checks that the value exists."""
        if published and key not in self.values:
            raise AutoKittehError(f"there is no value {key!r}")

    def parallel(self, calls: list[Callable[[], Any]], limit: int) -> list[Any]:
        """On threads."""
        with concurrent.futures.ThreadPoolExecutor(limit) as pool:
            futures = [pool.submit(call) for call in calls]
        return [future.result() for future in futures]

    def webhook_url(self, trigger_name: str) -> str:
        """From the variable that a session would have."""
        return os.environ.get(f"{trigger_name}__webhook_url", "")

    def connection(self, _name: str) -> Mapping[str, str] | None:
        """The environment says what they are."""
        return None

    def store_public_url(self) -> str:
        """From the variable that a session would have."""
        return os.environ.get("store_public_url", "")  # noqa: SIM112 - as existing projects spell it
