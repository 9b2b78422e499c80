"""The SDK's runtime inside an activity.

Values work there, and answers to webhooks. What makes a session wait belongs to the session: it would not be recorded,
so it is refused with a message that says what to do. A handler that is one activity (``is_durable: false``) is its own
session: there everything works directly against the store.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import contextvars
import datetime as dt
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, NoReturn

from temporalio.client import Client
from temporalio.service import RPCError

from autokitteh.attr_dict import AttrDict
from autokitteh.errors import AutoKittehError
from autokitteh.event import Event
from worker import ids
from worker.activities.system import Caller, System
from worker.contracts import (
    MEMO_PARENT,
    MEMO_PROJECT,
    NO_SUCH_SESSION,
    WORKFLOW_TASK_TIMEOUT_SECONDS,
    brief,
    decode_data,
    static_details,
)
from worker.dispatch.deliver import plain_json
from worker.errors import PayloadError
from worker.payload.codec import Codec
from worker.payload.plain import shown, to_plain
from worker.rpc import is_gone
from worker.store import SessionStore

_POLL_SECONDS = 0.1


@dataclass
class Ground:
    """What activities of a process share."""

    store: SessionStore
    system: System
    project: str
    client: Callable[[], Client]
    loop: Callable[[], asyncio.AbstractEventLoop]
    address: Callable[[str], str]
    connection: Callable[[str], Mapping[str, str] | None] = lambda _name: None


class ActivityRuntime:
    """Implements ``autokitteh._runtime.Runtime`` for one call."""

    def __init__(self, ground: Ground, codec: Codec, session_id: str, key: str, *, direct: bool) -> None:
        self._ground = ground
        self._codec = codec
        self._session_id = session_id
        self._key = key
        self._direct = direct
        self._steps = 0
        self._names: dict[str, list[Any]] = {}
        self._began = dt.datetime.now(dt.UTC)

    def register_no_activity(self, items: Iterable[Any]) -> None:
        """Means nothing here: whatever an activity calls runs where it is called."""

    def _apply(self, op: str, arguments: dict[str, Any]) -> Any:
        self._steps += 1
        caller = Caller(self._session_id, f"{self._key}/{self._steps} {op}", self._direct)
        result = self._ground.system.apply(op, arguments, caller)
        if op == "signal":
            self._await(self._ground.system.deliver(result))
            return None
        return result

    def _await(self, coroutine: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(coroutine, self._ground.loop()).result()

    def _refuse(self, name: str) -> NoReturn:
        raise AutoKittehError(
            f"{name} inside an activity: it would not be recorded; call it in the handler, outside of functions "
            "marked @autokitteh.activity"
        )

    def _only_direct(self, name: str) -> None:
        if not self._direct:
            self._refuse(name)

    def subscribe(self, source: str, filter_text: str) -> str:
        """Registered in the store."""
        self._only_direct("subscribe")
        identifier = ids.new("sub")
        self._apply(
            "subscribe", {"id": identifier, "source": source, "filter": self._codec.encode(filter_text)}
        )
        return identifier

    def unsubscribe(self, subscription_id: str) -> None:
        """Removed from the store."""
        self._only_direct("unsubscribe")
        self._apply("unsubscribe", {"id": subscription_id})

    def next_event(self, subscriptions: list[str], timeout: float | None) -> Event | None:
        """Read from the store, again and again."""
        self._only_direct("next_event")
        mailbox = self._ground.store.mailbox
        known = {item.id for item in mailbox.subscriptions(self._session_id)}
        for identifier in subscriptions:
            if identifier not in known:
                raise AutoKittehError(f'no such subscription "{identifier}"')
        end = None if timeout is None else time.monotonic() + timeout
        while (found := mailbox.fetch(self._session_id, subscriptions)) is None:
            if end is not None and time.monotonic() >= end:
                return None
            time.sleep(_POLL_SECONDS)
        event = found[1]
        data = decode_data(event.data)
        from_connection = event.source_kind == "connection"
        return Event(
            data=AttrDict(data) if isinstance(data, dict) else data,
            event_id=event.id,
            event_type=event.event_type,
            session_id=self._session_id,
            connection_id=event.source if from_connection else None,
            trigger=None if from_connection else event.source,
        )

    def start(self, loc: str, data: dict[str, Any] | None, memo: dict[str, str] | None, project: str) -> str:
        """Started through Temporal's client."""
        self._only_direct("start")
        identifier = ids.derived("ses", self._key, str(self._steps))
        self._steps += 1
        plain = self._encode(to_plain({} if data is None else data), f"start({loc!r})")
        mask = self._codec.mask
        labels = {mask(str(k)): mask(str(v)) for k, v in (memo or {}).items()}
        target = project or self._ground.project
        if target != self._ground.project:
            self._apply("find_project", {"project": target, "loc": loc})
        noted = {**labels, MEMO_PROJECT: target, MEMO_PARENT: self._session_id}
        self._await(
            self._ground.client().start_workflow(
                loc,
                plain_json(plain),
                id=identifier,
                task_queue=target,
                memo=noted,
                static_summary=brief(f"start {loc}"),
                static_details=static_details(identifier, noted),
                task_timeout=dt.timedelta(seconds=WORKFLOW_TASK_TIMEOUT_SECONDS),
            )
        )
        return identifier

    def restart(self, _data: dict[str, Any] | None, /) -> NoReturn:
        """Refused: an activity is no run."""
        if self._direct:
            raise AutoKittehError(
                "restart in a handler that is not durable: it has no history; return, or loop (is_durable: false)"
            )
        self._refuse("restart")

    def signal(self, session_id: str | None, name: str, payload: Any) -> None:
        """Through the project's log of signals, or Temporal's client."""
        self._only_direct("signal")
        encoded = self._encode(payload, "signal")
        if session_id is None:
            self._apply("signal", {"name": name, "payload": encoded})
            return
        handle = self._ground.client().get_workflow_handle(session_id)
        try:
            self._await(handle.signal(name, plain_json(encoded)))
        except RPCError as error:
            why = NO_SUCH_SESSION if is_gone(error) else error.message
            raise AutoKittehError(f"signal: there is no running session {session_id}: {why}") from None

    def next_signal(self, names: list[str], timeout: float | None) -> tuple[str, Any] | None:
        """Only the project's signals, read from the store again and again."""
        self._only_direct("wait_for_signal")
        end = None if timeout is None else time.monotonic() + timeout
        seen: list[Any] = self._names.setdefault("", [])
        while True:
            for name in names:
                arguments = {"name": name, "since": self._began.isoformat()}
                for item in self._ground.system.apply(
                    "await_signal", arguments, Caller(self._session_id, "")
                ):
                    if item["id"] not in seen:
                        seen.append(item["id"])
                        return name, self._codec.decode(item["payload"])
            if end is not None and time.monotonic() >= end:
                return None
            time.sleep(_POLL_SECONDS)

    def outcome(self, value: dict[str, Any], event_id: str | None) -> None:
        """Recorded in the store."""
        target = event_id or self._event_id()
        if target:
            self._apply(
                "http_outcome", {"event_id": target, "value": self._encode(to_plain(value), "http_outcome")}
            )

    def _event_id(self) -> str:
        handle = self._ground.client().get_workflow_handle(self._session_id)
        description = self._await(handle.describe())
        memo: dict[str, Any] = self._await(description.memo())
        return str(memo.get("event_id") or "")

    def value(self, op: str, key: str, *args: Any) -> Any:
        """At once, and once: a repetition of the call after a crash finds what was done."""
        if op == "get":
            found = self._apply("get_value", {"key": key})
            return found["found"], self._codec.decode(found["value"])
        arguments = {
            "key": key,
            "args": [self._encode(item, f"{op} {key}") for item in args],
            "shown": shown(args[-1], self._codec.preview(args[-1]), self._codec.mask) if args else None,
        }
        return self._codec.decode(self._apply(f"{op}_value", arguments))

    def value_keys(self) -> list[str]:
        """Read from the store."""
        return list(self._apply("list_values_keys", {}))

    def publish(self, key: str, *, published: bool) -> None:
        """Written to the store."""
        self._apply("publish_value", {"key": key, "published": published})

    def parallel(self, calls: list[Callable[[], Any]], limit: int) -> list[Any]:
        """On threads, each in a copy of the call's context."""
        contexts = [contextvars.copy_context() for _ in calls]
        with concurrent.futures.ThreadPoolExecutor(limit) as pool:
            futures = [pool.submit(c.run, call) for c, call in zip(contexts, calls, strict=True)]
        return [future.result() for future in futures]

    def webhook_url(self, trigger_name: str) -> str:
        """From the environment of the process."""
        return self._ground.address(f"{trigger_name}__webhook_url")

    def connection(self, name: str) -> Mapping[str, str] | None:
        """As the connection is now, whatever the deployment was started with."""
        return self._ground.connection(name)

    def store_public_url(self) -> str:
        """From the environment of the process."""
        return self._ground.address("store_public_url")

    def _encode(self, value: Any, what: str) -> Any:
        try:
            return self._codec.encode(value)
        except PayloadError as error:
            raise AutoKittehError(f"{what}: {error.message}", code=error.code) from None
