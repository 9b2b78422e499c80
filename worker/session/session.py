"""One run of one handler: its namespace, its log, its clock and chance, its greenlet.

Everything a session changes hangs off this object; it is made anew for every run and every replay.
"""

from __future__ import annotations

import asyncio
import contextlib
import datetime as dt
import inspect
import itertools
from typing import Any

from greenlet import GreenletExit
from temporalio import workflow
from temporalio.exceptions import ActivityError, ApplicationError

import autokitteh
from autokitteh import _runtime
from autokitteh._handlers import call_shape
from autokitteh.errors import SessionRestart
from worker.contracts import (
    LINE_ERROR,
    LINE_SIGNAL,
    LINE_STATE,
    LINE_WARNING,
    MEMO_CONNECTION,
    MEMO_DURABLE,
    MEMO_EVENT_ID,
    MEMO_EVENT_TYPE,
    MEMO_PARENT,
    MEMO_TRIGGER,
    SIGNAL_EVENT,
    SIGNAL_SIGNAL,
    CallContext,
    Carried,
    UserValue,
    decode_data,
    run_details,
)
from worker.errors import SessionStopped, WorkerError
from worker.session import calls, failures, system
from worker.session.chance import Chance
from worker.session.greenlets import Driver, evicting
from worker.session.host import Host
from worker.session.mail import Mail
from worker.session.output import Output
from worker.session.recorded import Recorded, failure_of, record_of
from worker.session.standins import Standins
from worker.session.syscalls import SessionRuntime
from worker.session.tasks import run_coroutine

_GROWTH_WARNINGS = (1.0, 3.0, 4.5)  # times the host's measure: 10,000, 30,000 and 45,000 events


class Session:
    """One run of one handler."""

    def __init__(self, host: Host, info: workflow.Info, carried: Carried) -> None:
        assert host.hooks is not None
        self.host = host
        self.carried = carried
        self.restarting: SessionRestart | None = None
        self.stop_is_due = False  # Temporal has asked for it, whether or not the loop knows already
        self.id = info.workflow_id
        self.run_id = info.run_id
        self.handler_name = info.workflow_type
        self.surroundings: Any = None  # what the session changed about its process, see usercode.surroundings
        self.driver = Driver(host.state, host.guard, host.surroundings, self)
        self.chance = Chance(host.entropy, info.original_execution_run_id)
        self.standins = Standins(self)
        self.namespace = host.new_namespace(host.hooks)
        self.codec = host.new_codec(self.namespace)
        self.output = Output(
            host.project,
            info.workflow_id,
            info.run_id,
            info.workflow_type,
            carried.line,
            host.hear,
            self.codec.mask,
            run_details(self.id, workflow.memo()) if info.continued_run_id or not workflow.memo() else "",
        )
        self.runtime = SessionRuntime(self, carried)
        self.inline: set[Any] = set()  # callees known to run inline, see router
        # Of built-in types, those among them. Most sessions keep none: an empty dictionary is a third of an empty set.
        self.inline_methods: dict[tuple[type, str], None] = {}
        self.never_activities: list[Any] = []
        self.inhibited = 0
        self.calls = 0
        self.mail = Mail(self.codec, carried)
        self.event_id = ""
        self._growth = 0
        self._warned: dict[tuple[str, str], None] = {}
        self.threads: dict[int, Any] = {}
        self._executors = itertools.count()
        self.hashes = itertools.count()  # of objects without a hash of their own, see usercode.hashes
        self.recorded: Recorded | None = None  # of a fork

    async def run(self, args: list[UserValue]) -> UserValue:
        """Run the handler to its end; raises an application failure for an uncaught error."""
        begun = "restarted" if workflow.info().continued_run_id else "running"
        self.output.add(LINE_STATE, begun, self.handler_name)
        self.event_id = workflow.memo().get(MEMO_EVENT_ID) or ""
        self.output.event_id = self.event_id
        try:
            value = await self._to_the_end(args)
            self.output.end_line()
        except SessionStopped as stop:
            self.output.end_line()
            stopped = f"stopped{': ' + str(stop) if str(stop) else ''}"
            self.output.add(LINE_STATE, stopped)
            workflow.set_current_details(self.output.details(stopped))
            raise
        except ApplicationError as failure:
            self.output.end_line()
            details = failure.details[0] if failure.details else {}
            self.output.add(
                LINE_ERROR, str(details.get("traceback", failure.message)), str(details.get("where", ""))
            )
            self.output.add(LINE_STATE, "error")
            workflow.set_current_details(self.output.details(f"error: {failure.message}"))
            raise
        self.output.add(LINE_STATE, "completed")
        workflow.set_current_details(self.output.details("completed"))
        return value

    async def _to_the_end(self, args: list[UserValue]) -> UserValue:
        goes_on = False
        await self._take_over(args)
        try:
            return await self.driver.run(lambda: self._main(args))
        except SessionRestart:
            if self.stop_is_due or workflow.cancellation_reason() is not None:
                await self._stop_comes()
                raise SessionStopped(workflow.cancellation_reason() or "") from None
            goes_on = True
            raise
        finally:
            if self.runtime.known.waits_outside and not goes_on and not evicting() and not self.in_the_past:
                await self._forget()

    async def _stop_comes(self) -> None:
        """Wait for a stop that is in this very activation: signals go before it, and one of them woke the handler."""
        try:
            await workflow.wait_condition(lambda: workflow.cancellation_reason() is not None)
        except asyncio.CancelledError:
            if evicting():
                raise

    async def _take_over(self, args: list[UserValue]) -> None:
        """A fork begins with what was recorded for another session."""
        try:
            record = record_of(self, args)
        except WorkerError as error:
            raise failure_of(error) from None
        if record is not None:
            self.recorded = Recorded(self, asyncio.get_running_loop(), record)
            await self.recorded.begin()

    @property
    def in_the_past(self) -> bool:
        """Whether this is a fork that is given what was recorded: it calls nothing."""
        return self.recorded is not None and self.recorded.active

    async def _forget(self) -> None:
        """Take back what is registered under the session's name; shielded from its stop."""
        with contextlib.suppress(ActivityError, asyncio.CancelledError):
            await asyncio.shield(
                workflow.start_activity(
                    "autokitteh.end",
                    args=[{}, CallContext({"system": "end"}, f"{self.handler_name}:0", self.output.number())],
                    start_to_close_timeout=dt.timedelta(seconds=60),
                    heartbeat_timeout=calls.HEARTBEAT_TIMEOUT,
                    retry_policy=calls.RETRY,
                    summary="the session ends",
                )
            )

    def _main(self, args: list[UserValue]) -> UserValue:
        """The first function in the handler's greenlet."""
        try:
            with _runtime.installed(self.runtime):
                value = self._call_handler(args)
                if inspect.iscoroutine(value):
                    value = run_coroutine(self.driver, value)
                if self.restarting is not None:  # something swallowed it
                    raise self.restarting
                return self._result(value)
        except (SessionStopped, SessionRestart, GreenletExit):
            raise
        except BaseException as error:
            if isinstance(error, SystemExit) and error.code in (None, 0):
                return None
            raise failures.to_failure(error, self.host.directory, mask=self.codec.mask) from None

    def _call_handler(self, args: list[UserValue]) -> UserValue:
        handler = self.namespace.handler(self.handler_name)
        event = self._event(args)
        memo = workflow.memo()
        arguments, keywords = call_shape(handler, event)
        site = f"{self.handler_name.replace(':', ':1:')}"
        if memo.get(MEMO_DURABLE) == "false":
            return self.runtime.call_activity(handler, site, arguments, keywords)
        assert self.host.hooks is not None
        return self.host.hooks.route(handler, site)(*arguments, **keywords)

    def _event(self, args: list[UserValue]) -> autokitteh.Event:
        memo = workflow.memo()
        data = args[0] if args else {}
        if self.carried.encoded or memo.get(MEMO_PARENT):
            # From a session of ours, which may name secrets; what comes from outside must never name one.
            data = self.codec.decode(data)
        data = decode_data(data)
        if data is None:
            data = {}
        return autokitteh.Event(
            data=autokitteh.AttrDict(data) if isinstance(data, dict) else data,
            event_id=memo.get(MEMO_EVENT_ID),
            event_type=memo.get(MEMO_EVENT_TYPE),
            session_id=self.id,
            connection_id=memo.get(MEMO_CONNECTION),
            trigger=memo.get(MEMO_TRIGGER),
        )

    def _result(self, value: UserValue) -> UserValue:
        try:
            encoded = self.codec.encode(value)
            self.codec.check_size(encoded, "data")
        except WorkerError as error:
            # The work is done: a result that cannot be kept must not turn it into an error.
            self.warn(
                f"{error.code}: the handler's result cannot be kept: {error.message}", self.handler_name
            )
            return {"preview": self.codec.preview(value)}
        return encoded

    def count_executors(self) -> int:
        """The number of the next executor, from 0: part of its threads' names."""
        return next(self._executors)

    def warn(self, text: str, where: str = "") -> None:
        """A warning in the session log."""
        self.output.add(LINE_WARNING, text, where)

    def warn_once(self, text: str, where: str) -> None:
        """A warning, the first time at this line."""
        if (text, where) not in self._warned:
            self._warned[text, where] = None
            self.warn(text, where)

    def watch_growth(self) -> None:
        """Warn, early and then more often, of a history that Temporal will not let grow for ever."""
        info = workflow.info()
        events, size = info.get_current_history_length(), info.get_current_history_size()
        grown = max(events, size // 1024) / self.host.history_warning
        level = sum(grown >= step for step in _GROWTH_WARNINGS)
        if level > self._growth:
            self._growth = level
            text = (
                f"the history of this run has {events:,} events and {size / 2**20:.1f} MiB; Temporal ends it at 51,200 "
                "or 50 MiB: call autokitteh.restart() between two events"
            )
            self.warn(text, system.here(self))

    def receive(self, name: str, payload: UserValue) -> None:
        """Keep a signal until something waits for it; the log says that it came."""
        if name == SIGNAL_EVENT and isinstance(payload, dict):
            if self.mail.receive_event(payload):
                text = f"event {payload.get('id')} from {payload.get('source')} received"
                self.output.add(LINE_SIGNAL, text)
            return
        identifier = ""
        if name == SIGNAL_SIGNAL and isinstance(payload, dict):
            identifier, name = str(payload.get("id")), str(payload.get("name"))
            payload = payload.get("payload")
        if self.mail.receive_signal(identifier, name, payload):
            self.output.add(LINE_SIGNAL, f"signal {name} received: {self.codec.preview(payload)}")
