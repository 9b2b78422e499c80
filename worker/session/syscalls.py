"""The SDK's runtime inside a session."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable
from typing import Any

from temporalio import workflow
from temporalio.exceptions import FailureError

from autokitteh._local import LocalRuntime
from autokitteh.attr_dict import AttrDict
from autokitteh.errors import AutoKittehError
from autokitteh.event import Event
from worker.contracts import (
    MEMO_PARENT,
    MEMO_PROJECT,
    WORKFLOW_TASK_TIMEOUT_SECONDS,
    UserValue,
    decode_data,
)
from worker.errors import PayloadError, UserCodeError
from worker.payload.plain import shown, to_plain
from worker.session import calls, executors, system
from worker.usercode.policy import Decision

_SESSION_PREFIX = "ses_"


class SessionRuntime:
    """Implements ``autokitteh._runtime.Runtime`` for one session.

    While a module is being loaded, functions that act do nothing and return what they return outside a session: the
    project is loaded by every session, and by the process itself.
    """

    def __init__(self, session: Any) -> None:
        self._session = session
        self._outside = LocalRuntime()
        self._subscriptions: set[str] = set()
        self._awaited: set[str] = set()

    @property
    def _loading(self) -> bool:
        return bool(self._session.host.state.loading)

    @property
    def waits_outside(self) -> bool:
        """Whether something is registered under this session's name."""
        return bool(self._subscriptions or self._awaited)

    def register_no_activity(self, items: Iterable[Any]) -> None:
        """Run these where they are called."""
        self._session.never_activities.extend(calls.unwrap(item) for item in items)

    def call_activity(
        self, function: Any, site: str, args: tuple[UserValue, ...], kwargs: dict[str, UserValue]
    ) -> UserValue:
        """Call a function as one activity, whatever the policy says."""
        decision = Decision("activity", "the handler is not durable", "direct")
        return calls.call_out(self._session, function, site, decision, args, kwargs)

    def subscribe(self, source: str, filter_text: str) -> str:
        """Registered in the store before it returns."""
        if self._loading:
            return self._outside.subscribe(source, filter_text)
        identifier = str(self._session.chance.uuid4())
        arguments = {"id": identifier, "source": source, "filter": filter_text}
        system.perform(self._session, "subscribe", arguments, (source, filter_text))
        self._subscriptions.add(identifier)
        return identifier

    def unsubscribe(self, subscription_id: str) -> None:
        """Removed from the store; what it held is dropped."""
        if self._loading:
            return
        self._check(subscription_id)
        system.perform(self._session, "unsubscribe", {"id": subscription_id}, (subscription_id,))
        self._subscriptions.discard(subscription_id)
        self._session.mail.drop(subscription_id)

    def next_event(self, ids: list[str], timeout: float | None) -> Event | None:
        """From the queue inside the session."""
        if self._loading:
            return None
        for identifier in ids:
            self._check(identifier)
        mail = self._session.mail
        if not system.wait_until(self._session, lambda: mail.has_event(ids), timeout, "an event"):
            return None
        payload = mail.take_event(ids)
        data = decode_data(payload.get("data"))
        return Event(
            data=AttrDict(data) if isinstance(data, dict) else data,
            event_id=payload.get("id"),
            event_type=payload.get("type"),
            session_id=self._session.id,
            connection_id=payload.get("source") if payload.get("source_kind") == "connection" else None,
            trigger=payload.get("source") if payload.get("source_kind") == "trigger" else None,
        )

    def _check(self, subscription_id: str) -> None:
        if subscription_id not in self._subscriptions:
            raise AutoKittehError(f'no such subscription "{subscription_id}"')

    def start(self, loc: str, data: dict[str, Any] | None, memo: dict[str, str] | None, project: str) -> str:
        """A child workflow that outlives its parent; its end is a signal named after it."""
        session = self._session
        if self._loading:
            return self._outside.start(loc, data, memo, project)
        other = project not in ("", session.host.project)
        if not other:
            try:
                session.namespace.handler(loc)
            except UserCodeError as error:
                raise AutoKittehError(
                    f"start({loc!r}): {error.message}{'; ' + error.hint if error.hint else ''}"
                ) from None
        try:
            plain = to_plain({} if data is None else data)
        except TypeError as error:
            raise AutoKittehError(f"start({loc!r}): the data cannot be sent: {error}") from None
        encoded = self._encode(plain, f"start({loc!r})")
        if other and encoded != plain:
            raise AutoKittehError(f"start({loc!r}): a secret of this project cannot go to another one")
        if other:
            system.perform(session, "find_project", {"project": project, "loc": loc}, (project,))
        identifier = f"{_SESSION_PREFIX}{session.chance.uuid4().hex}"
        where = system.here(session)
        system.note(session, "start", (loc, data), where)
        labels = {str(key): str(value) for key, value in (memo or {}).items()}

        async def begin() -> None:
            handle = await workflow.start_child_workflow(
                loc,
                encoded,
                id=identifier,
                task_queue=project if other else None,
                parent_close_policy=workflow.ParentClosePolicy.ABANDON,
                task_timeout=dt.timedelta(seconds=WORKFLOW_TASK_TIMEOUT_SECONDS),
                memo={**labels, MEMO_PROJECT: project or session.host.project, MEMO_PARENT: session.id},
                static_summary=f"start {loc} · {where}"[:200],
            )
            handle.add_done_callback(lambda task: session.mail.child_ended(identifier, task))

        session.driver.block(begin)
        return identifier

    def signal(self, session_id: str | None, name: str, payload: Any) -> None:
        """To one session by Temporal itself; to all that wait through the project's log of signals."""
        session = self._session
        if self._loading:
            return
        encoded = self._encode(payload, "signal")
        if session_id is None:
            system.perform(session, "signal", {"name": name, "payload": encoded}, (name, payload))
            return
        system.note(session, "signal", (session_id, name, payload), system.here(session))
        if session_id == session.id:  # Temporal does not carry a signal to its sender
            session.receive(name, encoded)
            return
        handle = workflow.get_external_workflow_handle(session_id)
        try:
            session.driver.block(lambda: handle.signal(name, encoded))
        except FailureError as error:
            raise AutoKittehError(f"signal: there is no running session {session_id} ({error})") from None

    def next_signal(self, names: list[str], timeout: float | None) -> tuple[str, Any] | None:
        """From the queue inside the session; the first wait for a name asks for what was sent before."""
        session = self._session
        if self._loading:
            return None
        for name in names:
            if name not in self._awaited and not name.startswith(_SESSION_PREFIX):
                since = workflow.info().start_time.isoformat()
                missed = system.perform(session, "await_signal", {"name": name, "since": since}, (name,))
                self._awaited.add(name)
                for item in missed:
                    session.mail.receive_signal(item["id"], name, item["payload"])
        mail = session.mail
        what = f"the signal {', '.join(names)}"
        if not system.wait_until(session, lambda: mail.has_signal(names), timeout, what):
            return None
        name, payload = mail.take_signal(names)
        return name, decoded(session, payload)

    def outcome(self, value: dict[str, Any], event_id: str | None) -> None:
        """Recorded in the store, where the gateway waits for it."""
        if self._loading:
            return
        target = event_id or self._session.event_id
        if not target:
            return  # started by hand: nobody waits for an answer
        encoded = self._encode(to_plain(value), "http_outcome")
        system.perform(self._session, "http_outcome", {"event_id": target, "value": encoded}, (value,))

    def value(self, op: str, key: str, *args: Any) -> Any:
        """Reads are local activities, changes are regular ones."""
        session = self._session
        if op == "get":
            found = system.perform(session, "get_value", {"key": key}, (key,), local=True)
            return found["found"], session.codec.decode(found["value"])
        if self._loading:
            return self._outside.value(op, key, *args)
        arguments = {
            "op": str(op),
            "key": key,
            "args": [self._encode(item, f"{op} {key}") for item in args],
            "shown": shown(args[-1], session.codec.preview(args[-1]), session.codec.mask) if args else None,
        }
        name = "check_and_set_value" if op == "check_and_set" else f"{op}_value"
        return session.codec.decode(system.perform(session, name, arguments, (key, *args)))

    def value_keys(self) -> list[str]:
        """Read from the store."""
        return list(system.perform(self._session, "list_values_keys", {}, (), local=True))

    def publish(self, key: str, *, published: bool) -> None:
        """Written to the store."""
        if not self._loading:
            name = "publish_value" if published else "unpublish_value"
            system.perform(self._session, name, {"key": key, "published": published}, (key,))

    def parallel(self, calls: list[Callable[[], Any]], limit: int) -> list[Any]:
        """In greenlets of the session."""
        with executors.Executor(self._session, limit) as pool:
            futures = [pool.submit(call) for call in calls]
        return [future.result() for future in futures]

    def webhook_url(self, trigger_name: str) -> str:
        """From the environment of the process."""
        return str(self._session.host.address(f"{trigger_name}__webhook_url"))

    def store_public_url(self) -> str:
        """From the environment of the process."""
        return str(self._session.host.address("store_public_url"))

    def _encode(self, value: Any, what: str) -> Any:
        try:
            encoded = self._session.codec.encode(value)
            self._session.codec.check_size(encoded, "data")
        except PayloadError as error:
            raise AutoKittehError(f"{what}: {error.message}") from None
        return encoded


def decoded(session: Any, payload: Any) -> Any:
    """A signal's payload; one of another origin is taken as it is."""
    try:
        return session.codec.decode(payload)
    except PayloadError as error:
        session.warn(f"a signal's payload cannot be read: {error.message}")
        return payload
