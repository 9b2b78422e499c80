"""The SDK's runtime inside a session."""

from __future__ import annotations

import asyncio
import datetime as dt
import functools
from collections.abc import Callable, Iterable
from typing import Any, NoReturn

from temporalio import workflow
from temporalio.exceptions import FailureError

from autokitteh._local import LocalRuntime
from autokitteh.attr_dict import AttrDict
from autokitteh.errors import AutoKittehError, SessionRestart
from autokitteh.event import Event
from worker.contracts import (
    MEMO_PARENT,
    MEMO_PROJECT,
    NO_SUCH_SESSION,
    WORKFLOW_TASK_TIMEOUT_SECONDS,
    Carried,
    UserValue,
    brief,
    decode_data,
    static_details,
)
from worker.errors import PayloadError, SessionStopped, UserCodeError
from worker.payload.plain import shown, to_plain
from worker.session import calls, executors, system
from worker.session.registered import SESSION_PREFIX, Registered
from worker.session.restart import began
from worker.session.threads import RUNNING
from worker.usercode.policy import Decision

_UNKNOWN_SESSION = "ExternalWorkflowExecutionNotFound"  # Temporal's name for it
_OWN_WORDS = "signal to no session"  # the marker of sessions that are told so in our words


class SessionRuntime:
    """Implements ``autokitteh._runtime.Runtime`` for one session.

    While a module is being loaded, functions that act do nothing and return what they return outside a session: the
    project is loaded by every session, and by the process itself.
    """

    def __init__(self, session: Any, carried: Carried) -> None:
        self._session = session
        self.known = Registered(session, carried)

    @functools.cached_property
    def _outside(self) -> LocalRuntime:
        """Made for a module that acts while it is loaded: most sessions have none."""
        return LocalRuntime()

    @property
    def _loading(self) -> bool:
        return bool(self._session.host.state.loading)

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
        """Registered in the store before it returns; after a restart the same wish is the same subscription."""
        if self._loading:
            return self._outside.subscribe(source, filter_text)
        for known in self.known.kept:
            if self.known.subscriptions[known] == (source, filter_text):
                self.known.kept.remove(known)
                system.note(self._session, "subscribe", (source, filter_text), system.here(self._session))
                return known
        identifier = str(self._session.chance.uuid4())
        encoded = self._session.codec.encode(filter_text)
        arguments = {"id": identifier, "source": source, "filter": encoded}
        system.perform(self._session, "subscribe", arguments, (source, filter_text))
        self.known.subscriptions[identifier] = source, filter_text
        return identifier

    def unsubscribe(self, subscription_id: str) -> None:
        """Removed from the store; what it held is dropped."""
        if self._loading:
            return
        self._check(subscription_id)
        registered = self.known.registered.pop(subscription_id, subscription_id)
        self.known.leaving[registered] = subscription_id
        try:
            system.perform(self._session, "unsubscribe", {"id": registered}, (subscription_id,))
        finally:
            del self.known.leaving[registered]
        self.known.subscriptions.pop(subscription_id, None)
        self._session.mail.drop(subscription_id)

    def next_event(self, ids: list[str], timeout: float | None) -> Event | None:
        """From the queue inside the session."""
        if self._loading:
            return None
        for identifier in ids:
            self._check(identifier)
        mail = self._session.mail
        if not system.wait_until(
            self._session, lambda: mail.has_event(ids), timeout, self._awaited_events(ids)
        ):
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

    def _awaited_events(self, ids: list[str]) -> str:
        """``an event from approve``: which events are waited for."""
        sources = dict.fromkeys(self.known.subscriptions[item][0] for item in ids)
        return f"an event from {', '.join(sources)}" if sources else "an event"

    def _check(self, subscription_id: str) -> None:
        if subscription_id not in self.known.subscriptions:
            raise AutoKittehError(f'no such subscription "{subscription_id}"')
        if subscription_id in self.known.kept:
            self.known.kept.remove(subscription_id)

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
                    f"start({loc!r}): {error.message}{'; ' + error.hint if error.hint else ''}",
                    code=error.code,
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
        identifier = f"{SESSION_PREFIX}{session.chance.uuid4().hex}"
        where = system.here(session)
        system.note(session, "start", (loc, data), where)
        mask = session.codec.mask  # a memo is read by people: it names no secret, it hides it
        labels = {mask(str(key)): mask(str(value)) for key, value in (memo or {}).items()}
        noted = {**labels, MEMO_PROJECT: project or session.host.project, MEMO_PARENT: session.id}

        async def begin() -> None:
            handle = await workflow.start_child_workflow(
                loc,
                encoded,
                id=identifier,
                task_queue=project if other else None,
                parent_close_policy=workflow.ParentClosePolicy.ABANDON,
                task_timeout=dt.timedelta(seconds=WORKFLOW_TASK_TIMEOUT_SECONDS),
                memo=noted,
                static_summary=brief(f"start {loc} · {where}"),
                static_details=static_details(identifier, noted),
            )
            self.known.begun(identifier, handle)

        calls.blocked(session, begin)
        return identifier

    def restart(self, data: dict[str, Any] | None, /) -> NoReturn:
        """Ends the handler; the workflow then continues as new, see ``session.restart``."""
        session = self._session
        if self._loading:
            raise AutoKittehError("restart at module level: call it in the handler")
        if RUNNING.get() is not None:
            raise AutoKittehError("restart in a thread: call it in the handler; its threads end with the run")
        if workflow.cancellation_reason() is not None:
            session.driver.stopping = True
            raise SessionStopped(workflow.cancellation_reason() or "")
        encoded = None
        if data is not None:
            try:
                encoded = self._encode(to_plain(data), "restart")
            except TypeError as error:
                raise AutoKittehError(f"restart: the data cannot be sent: {error}") from None
        where = system.here(session)
        system.note(session, "restart", () if data is None else (data,), where)
        for identifier in self.known.kept:
            source = self.known.subscriptions[identifier][0]
            session.warn(
                f"the subscription to {source} was not used since the last restart: unsubscribe", where
            )
        session.restarting = SessionRestart(encoded)
        raise session.driver.leaving(session.restarting)

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
            calls.blocked(session, lambda: handle.signal(name, encoded))
        except FailureError as error:
            # Sessions recorded before this was said in our words go on with those that they were told.
            gone = getattr(error, "type", "") == _UNKNOWN_SESSION and workflow.patched(_OWN_WORDS)
            why = f": {NO_SUCH_SESSION}" if gone else f" ({error})"
            raise AutoKittehError(f"signal: there is no running session {session_id}{why}") from None

    def next_signal(self, names: list[str], timeout: float | None) -> tuple[str, Any] | None:
        """From the queue inside the session; the first wait for a name asks for what was sent before."""
        session = self._session
        if self._loading:
            return None
        for name in names:
            self.known.listen(name, asyncio.get_running_loop())
            if name not in self.known.awaited and not name.startswith(SESSION_PREFIX):
                since = began(workflow.info(), workflow.memo())
                missed = system.perform(session, "await_signal", {"name": name, "since": since}, (name,))
                self.known.awaited[name] = None
                for item in missed:
                    session.mail.receive_signal(item["id"], name, item["payload"])
        mail = session.mail
        what = f"the signal {', '.join(names)}"
        self.known.waited += names
        try:
            if not system.wait_until(session, lambda: mail.has_signal(names), timeout, what):
                return None
        finally:
            for name in names:
                self.known.waited.remove(name)
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

    def connection(self, _name: str) -> None:
        """As the deployment's environment has it: a replay must find what the session found."""

    def store_public_url(self) -> str:
        """From the environment of the process."""
        return str(self._session.host.address("store_public_url"))

    def _encode(self, value: Any, what: str) -> Any:
        try:
            encoded = self._session.codec.encode(value)
            self._session.codec.check_size(encoded, "data")
        except PayloadError as error:
            raise AutoKittehError(f"{what}: {error.message}", code=error.code) from None
        return encoded


def decoded(session: Any, payload: Any) -> Any:
    """A signal's payload; one of another origin is taken as it is."""
    try:
        return session.codec.decode(payload)
    except PayloadError as error:
        session.warn(f"{error.code}: a signal's payload cannot be read: {error.message}")
        return payload
