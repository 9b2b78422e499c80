"""The SDK's operations where they really happen: on the store, and through Temporal's client.

Each may be asked for more than once, after a crash; the operation's id, derived from run and activity, makes the second
time harmless.
"""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

from temporalio.client import Client

from autokitteh.errors import AutoKittehError
from worker.contracts import JSON
from worker.dispatch.deliver import RETRY, hand_over
from worker.errors import LimitError
from worker.payload.codec import Codec
from worker.payload.plain import shown
from worker.store import SessionStore
from worker.store.records import Delivery, Subscription, Value
from worker.store.values import New


@dataclass(frozen=True)
class Caller:
    """Who asks: a session, or an activity of it."""

    session_id: str
    operation: str
    direct: bool = False


class Terms(Protocol):
    """Who checks the filters of subscriptions."""

    def term_of(self, text: str) -> tuple[str, str]:
        """See ``worker.dispatch.match.term_of``; raises ``ValueError`` with what is wrong with the filter."""
        ...


class System:
    """The operations of one project."""

    def __init__(
        self, store: SessionStore, project: str, codec: Codec, client: Callable[[], Client], terms: Terms
    ) -> None:
        self._store = store
        self._terms = terms
        self._project = project
        self._codec = codec
        self._client = client

    async def perform(self, op: str, arguments: dict[str, JSON], caller: Caller) -> JSON:
        """Carry out one operation; returns its answer in JSON.

        Raises:
            AutoKittehError: it is refused.
        """
        result = await asyncio.to_thread(self.apply, op, arguments, caller)
        if op == "signal":
            await self.deliver(result)
            return None
        return result

    async def deliver(self, deliveries: list[Delivery]) -> None:
        """Make the deliveries of a signal at once; what does not work is left to an outbox."""
        for delivery in deliveries:
            outcome = await hand_over(self._client(), delivery, None)
            if outcome.state != RETRY:
                finish = self._store.events.finish_delivery
                await asyncio.to_thread(finish, delivery.id, outcome.state, outcome.reason)

    def apply(self, op: str, arguments: dict[str, JSON], caller: Caller) -> Any:
        """The part that concerns the store; on any thread."""
        operation = getattr(self, f"_do_{op}", None)
        if operation is None:
            raise AutoKittehError(f"there is no operation {op}")
        try:
            return operation(arguments, caller)
        except LimitError as error:
            raise AutoKittehError(error.message, code=error.code) from None

    def _do_get_value(self, arguments: dict[str, JSON], _caller: Caller) -> JSON:
        found = self._store.values.get(self._project, arguments["key"])
        return {"found": found is not None, "value": None if found is None else found.value}

    def _do_list_values_keys(self, _arguments: dict[str, JSON], _caller: Caller) -> JSON:
        return [item.key for item in self._store.values.list(self._project)]

    def _do_set_value(self, arguments: dict[str, JSON], caller: Caller) -> JSON:
        new = New(arguments["args"][0], arguments["shown"])
        return self._change(arguments, caller, lambda _old: (None, new))

    def _do_del_value(self, arguments: dict[str, JSON], caller: Caller) -> JSON:
        return self._change(arguments, caller, lambda _old: (None, New(None, None, gone=True)))

    def _do_add_value(self, arguments: dict[str, JSON], caller: Caller) -> JSON:
        def add(old: Value | None) -> tuple[JSON, New]:
            amount = self._codec.decode(arguments["args"][0])
            total = amount
            if old is not None:
                known = self._codec.decode(old.value)
                if not isinstance(known, int | float | dt.timedelta) or isinstance(known, bool):
                    key = arguments["key"]
                    raise AutoKittehError(f"add_values({key!r}): {type(known).__name__} cannot be added to")
                try:
                    total = known + amount
                except TypeError as error:
                    raise AutoKittehError(f"add_values({arguments['key']!r}): {error}") from None
            encoded = self._codec.encode(total)
            return encoded, New(encoded, shown(total, self._codec.preview(total), self._codec.mask))

        return self._change(arguments, caller, add)

    def _do_check_and_set_value(self, arguments: dict[str, JSON], caller: Caller) -> JSON:
        def check(old: Value | None) -> tuple[JSON, New | None]:
            expected = self._codec.decode(arguments["args"][0])
            known = None if old is None else self._codec.decode(old.value)
            if not bool(known == expected):
                return False, None
            return True, New(arguments["args"][1], arguments["shown"])

        return self._change(arguments, caller, check)

    def _change(self, arguments: dict[str, JSON], caller: Caller, change: Any) -> JSON:
        return self._store.values.change(self._project, arguments["key"], change, caller.operation)

    def _do_publish_value(self, arguments: dict[str, JSON], _caller: Caller) -> JSON:
        key = arguments["key"]
        if not self._store.values.publish(self._project, key, published=arguments["published"]):
            raise AutoKittehError(f"there is no value {key!r}")

    def _do_unpublish_value(self, arguments: dict[str, JSON], _caller: Caller) -> JSON:
        self._store.values.publish(self._project, arguments["key"], published=False)

    def _do_find_project(self, arguments: dict[str, JSON], _caller: Caller) -> JSON:
        name, loc = arguments["project"], arguments["loc"]
        if self._store.projects.get(name) is None:
            raise AutoKittehError(f"start({loc!r}): there is no project {name!r}")
        if self._store.projects.prospect(name) in {"failed", ""}:
            # Nothing would ever serve it. One that was deactivated may be activated again, and serves it then.
            raise AutoKittehError(f"start({loc!r}): project {name!r} was never deployed successfully")

    def _do_subscribe(self, arguments: dict[str, JSON], caller: Caller) -> JSON:
        source, text = arguments["source"], self._codec.decode(arguments["filter"])
        sources = {item.name for item in self._store.triggers.list(self._project)}
        sources |= {item.name for item in self._store.connections.list(self._project)}
        if source not in sources:  # code from before a rename knows only the old name
            source = self._store.triggers.now_called(self._project, source)
        if source not in sources:
            raise AutoKittehError(f'subscribe({source}, {text}) -> source "{source}" not found')
        try:
            path, value = self._terms.term_of(text)
        except ValueError as error:
            raise AutoKittehError(f"subscribe({source}): {error}") from None
        self._store.mailbox.subscribe(
            Subscription(
                arguments["id"], self._project, source, caller.session_id, text, path, value, caller.direct
            ),
            self._codec.secrets_in(text),
        )

    def _do_unsubscribe(self, arguments: dict[str, JSON], caller: Caller) -> JSON:
        self._store.mailbox.unsubscribe(arguments["id"], caller.session_id)

    def _do_await_signal(self, arguments: dict[str, JSON], caller: Caller) -> JSON:
        since = dt.datetime.fromisoformat(arguments["since"])
        return self._store.mailbox.await_signal(self._project, arguments["name"], caller.session_id, since)

    def _do_signal(self, arguments: dict[str, JSON], caller: Caller) -> list[Delivery]:
        name, payload = arguments["name"], arguments["payload"]
        return self._store.mailbox.signal(caller.operation, self._project, name, payload)

    def _do_http_outcome(self, arguments: dict[str, JSON], caller: Caller) -> JSON:
        # Kept as it is encoded, secrets by their names: the gateway fills them in.
        self._store.mailbox.answer(
            arguments["event_id"], caller.session_id, arguments["value"], caller.operation
        )

    def _do_end(self, _arguments: dict[str, JSON], caller: Caller) -> JSON:
        self._store.mailbox.forget(caller.session_id)
