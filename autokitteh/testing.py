"""Test handlers in plain pytest: no server, no process, no waiting.

    from autokitteh.testing import Project

    def test_reminder():
        with Project() as project:
            project.replace("main.send_mail", lambda to: None)
            project.answer("approvals", {"ok": True}, after=3600)
            assert project.run("main.py:on_order", {"id": 7}) == "approved"
            assert project.calls == [Call("main.send_mail", ("ada@example.com",), {})]

Time passes only when the handler waits, and then at once. What works in a session works here, on one thread; what the
handler asks of others (children, signals, answers to webhooks) is recorded.
"""

from __future__ import annotations

import asyncio
import collections
import contextlib
import copy
import datetime as dt
import functools
import importlib
import inspect
import itertools
import os
import sys
import types
import uuid
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Self
from unittest import mock

from autokitteh import _runtime
from autokitteh._handlers import call_shape
from autokitteh._local import LocalRuntime
from autokitteh._recorded import Call, Due, Sent, Started, Subscription
from autokitteh._virtual_time import Clock, modules_of, passing
from autokitteh.activities import ACTIVITY_MARK, ActivityMark
from autokitteh.attr_dict import AttrDict
from autokitteh.errors import AutoKittehError, SessionRestart
from autokitteh.event import Event

__all__ = ["Call", "Project", "Sent", "Started", "Subscription", "WaitsForeverError"]

_MOST_IDLE_RESTARTS = 50
_BEGIN = dt.datetime(2030, 1, 1, 12, tzinfo=dt.UTC)


class WaitsForeverError(AssertionError):
    """The handler waits for something that the test never sends."""


class Project:
    """A project under test; enter it with ``with``.

    Attributes:
        values: the project's stored values.
        calls: the calls of replaced functions and of activities, in order.
        started: the child sessions that were started.
        signals: the signals that were sent.
        outcomes: the answers to webhooks, as dictionaries.
        restarts: the data that each new run began with, in order.
        subscriptions: all subscriptions, ended ones included.
        clock: the virtual time; ``clock.now()`` and ``clock.slept``.
    """

    def __init__(
        self,
        directory: str | Path = ".",
        *,
        now: dt.datetime = _BEGIN,
        values: Mapping[str, Any] | None = None,
        env: Mapping[str, str] | None = None,
    ) -> None:
        """Describe the project.

        Args:
            directory: where its code stands.
            now: the time at which it begins.
            values: stored values that are there already.
            env: variables of the project and its connections.
        """
        self.directory = Path(directory).resolve()
        self.clock = Clock(now)
        self.values: dict[str, Any] = dict(values or {})
        self.calls: list[Call] = []
        self.started: list[Started] = []
        self.signals: list[Sent] = []
        self.outcomes: list[dict[str, Any]] = []
        self.subscriptions: list[Subscription] = []
        self.restarts: list[Any] = []
        self._env = dict(env or {})
        self._due: list[Due] = []
        self._numbers = itertools.count()
        self._stack = contextlib.ExitStack()

    def __enter__(self) -> Self:
        """Make the project's modules importable, and its variables visible."""
        self._stack.enter_context(mock.patch.object(sys, "path", [str(self.directory), *sys.path]))
        self._stack.enter_context(mock.patch.dict(os.environ, self._env))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: types.TracebackType | None
    ) -> None:
        """Put back what was replaced."""
        self._stack.close()

    def replace(self, target: str, stand_in: Any = None) -> None:
        """Replace a function until the project is left; its calls are recorded in ``calls``.

        Args:
            target: a dotted name, such as ``requests.get`` or ``main.send_mail``.
            stand_in: a function that is called instead, or what every call returns.

        Raises:
            AttributeError: there is nothing of that name.
        """

        def recorded(*args: Any, **kwargs: Any) -> Any:
            self.calls.append(Call(target, args, kwargs))
            return stand_in(*args, **kwargs) if callable(stand_in) else stand_in

        self._stack.enter_context(mock.patch(target, recorded))

    def send(self, source: str, data: Any = None, *, event_type: str = "", after: float = 0) -> None:
        """Send an event of a connection or trigger; subscriptions to it that exist then, and whose filter lets it pass, get it.

        Args:
            source: the connection's or trigger's name.
            data: the event's data.
            event_type: such as ``post``.
            after: seconds of virtual time from now.
        """
        self._plan("event", source, data, event_type, after)

    def answer(self, source: str, data: Any = None, *, event_type: str = "", after: float = 0) -> None:
        """Answer the next wait for an event of a source, whatever its filter: for events that follow on a subscription.

        Args:
            source: the connection's or trigger's name.
            data: the event's data.
            event_type: such as ``interaction``.
            after: seconds of virtual time from now, at the earliest.
        """
        self._plan("answer", source, data, event_type, after)

    def signal(self, name: str, payload: Any = None, *, after: float = 0) -> None:
        """Send a signal to the handler.

        Args:
            name: the signal's name.
            payload: what comes with it.
            after: seconds of virtual time from now.
        """
        self._plan("signal", name, payload, "", after)

    def run(self, handler: str | Callable[..., Any], data: Any = None, **parts: Any) -> Any:
        """Call a handler as a session would, and return its result.

        Args:
            handler: ``file.py:function``, or a function.
            data: what it finds in ``event.data``.
            parts: other parts of the event, such as ``event_type`` or ``event_id``.

        Raises:
            WaitsForeverError: it waits for something that is never sent, without a timeout.
            Exception: whatever the handler raises.
        """
        parts = {"session_id": f"ses_{uuid.uuid4().hex}", **parts}
        function = self._find(handler) if isinstance(handler, str) else handler
        runtime = _TestRuntime(self)
        while True:
            try:
                return self._call(function, Event(AttrDict(copy.deepcopy(data) or {}), **parts), runtime)
            except SessionRestart as request:
                data = data if request.data is None else request.data
                self.restarts.append(data)
                runtime.restarted()

    def _call(self, function: Callable[..., Any], event: Event, runtime: _TestRuntime) -> Any:
        """One run of the handler."""
        modules = modules_of(self.directory)
        runtime.event = event
        with contextlib.ExitStack() as stack:
            stack.enter_context(passing(self.clock, modules))
            for module in modules:
                changed = {name: runtime.recording(value) for name, value in vars(module).items()}
                stack.enter_context(mock.patch.dict(vars(module), changed))
            stack.enter_context(_runtime.installed(runtime))
            arguments, keywords = call_shape(function, event)
            result = runtime.recording(function)(*arguments, **keywords)
            return asyncio.run(result) if inspect.iscoroutine(result) else result

    def _find(self, handler: str) -> Callable[..., Any]:
        file, _, name = handler.partition(":")
        module = importlib.import_module(file.removesuffix(".py").replace("/", "."))
        found: Any = module
        for part in name.split("."):
            found = getattr(found, part)
        function: Callable[..., Any] = found
        return function

    def _plan(self, kind: str, name: str, payload: Any, event_type: str, after: float) -> None:
        at = self.clock.seconds + after
        self._due.append(Due(at, next(self._numbers), kind, name, payload, event_type))
        self._due.sort()


class _TestRuntime(LocalRuntime):
    """What the SDK's functions do in a test."""

    def __init__(self, project: Project) -> None:
        super().__init__()
        self.values = project.values
        self.event = Event()
        self._project = project
        self._made: list[Subscription] = []
        self._kept: list[Subscription] = []  # of the run before, not asked for again yet
        self._progress = (0, 0.0)  # waits, and the clock at the last restart
        self._waits = 0
        self._idle_restarts = 0
        self._mailbox: dict[str, collections.deque[Any]] = collections.defaultdict(collections.deque)
        self._activity = ""

    def recording(self, value: Any) -> Any:
        """A function that is marked as an activity, with its calls recorded; anything else as it is."""
        mark = getattr(value, ACTIVITY_MARK, None) if isinstance(value, types.FunctionType) else None
        if not isinstance(mark, ActivityMark):
            return value
        name = f"{value.__module__}.{value.__qualname__}"

        @functools.wraps(value)
        def call(*args: Any, **kwargs: Any) -> Any:
            if self._activity:
                return value(*args, **kwargs)
            self._project.calls.append(Call(name, args, kwargs))
            self._activity = name
            try:
                return value(*args, **kwargs)
            finally:
                self._activity = ""

        return call

    def subscribe(self, source: str, filter_text: str) -> str:
        self._refuse("subscribe")
        if filter_text.strip():
            _filter(filter_text)
        for known in self._kept:
            if known.active and (known.source, known.filter) == (source, filter_text):
                self._kept.remove(known)
                return known.id
        made = Subscription(f"sig_{uuid.uuid4().hex}", source, filter_text)
        self._made.append(made)
        self._project.subscriptions.append(made)
        return made.id

    def restarted(self) -> None:
        """The next run begins: subscribing again gives what was there; one that never waits would not end."""
        self._kept = [item for item in self._made if item.active]
        progress = self._waits, self._project.clock.seconds
        self._idle_restarts = self._idle_restarts + 1 if progress == self._progress else 0
        self._progress = progress
        if self._idle_restarts > _MOST_IDLE_RESTARTS:
            raise WaitsForeverError(
                f"the handler restarted {_MOST_IDLE_RESTARTS} times and waited for nothing in between"
            )

    def unsubscribe(self, subscription_id: str) -> None:
        for item in self._project.subscriptions:
            if item.id == subscription_id:
                item.active = False
                item.queue.clear()

    def next_event(self, ids: list[str], timeout: float | None) -> Event | None:
        self._refuse("next_event")
        known = {item.id: item for item in self._project.subscriptions if item.active}
        for identifier in ids:
            if identifier not in known:
                raise AutoKittehError(f"no such subscription: {identifier}")
        waiting = [known[identifier] for identifier in ids]
        sources = " or ".join(item.source for item in waiting)
        hint = f"project.send({waiting[0].source!r}, …) or project.answer({waiting[0].source!r}, …)"
        found: Event | None = self._wait(lambda: self._take(waiting), timeout, f"an event of {sources}", hint)
        return found

    def _take(self, waiting: list[Subscription]) -> Event | None:
        for item in waiting:
            if item.queue:
                return item.queue.popleft()
            for due in self._project._due:
                if due.kind == "answer" and due.name == item.source and due.at <= self._project.clock.seconds:
                    self._project._due.remove(due)
                    return self._event_of(due)
        return None

    def _wait(self, take: Callable[[], Any], timeout: float | None, what: str, hint: str) -> Any:
        clock = self._project.clock
        self._waits += 1
        deadline = None if timeout is None else clock.seconds + timeout
        while True:
            self._deliver()
            found = take()
            if found is not None:
                return found
            coming = [item.at for item in self._project._due if item.at > clock.seconds]
            if coming and (deadline is None or coming[0] <= deadline):
                clock.move_to(coming[0])
            elif deadline is not None:
                clock.move_to(deadline)
                return None
            else:
                raise WaitsForeverError(f"the handler waits for {what}, which is never sent: use {hint}")

    def _deliver(self) -> None:
        """Hand over what is due by now, apart from answers: these wait to be asked for."""
        clock = self._project.clock
        for due in [
            item for item in self._project._due if item.kind != "answer" and item.at <= clock.seconds
        ]:
            self._project._due.remove(due)
            if due.kind == "signal":
                self._mailbox[due.name].append(due.payload)
                continue
            event = self._event_of(due)
            for item in self._project.subscriptions:
                if item.active and item.source == due.name and _passes(item.filter, event):
                    item.queue.append(event)

    def _event_of(self, due: Due) -> Event:
        data = AttrDict(due.payload) if isinstance(due.payload, dict) else due.payload
        identifier = f"evt_{uuid.uuid4().hex}"
        return Event(data, identifier, due.event_type or None, self.event.session_id)

    def start(self, loc: str, data: dict[str, Any] | None, memo: dict[str, str] | None, project: str) -> str:
        self._refuse("start")
        made = Started(f"ses_{uuid.uuid4().hex}", loc, data, memo, project)
        self._project.started.append(made)
        return made.id

    def signal(self, session_id: str | None, name: str, payload: Any) -> None:
        self._refuse("signal")
        self._project.signals.append(Sent(session_id, name, payload))
        if session_id in (None, self.event.session_id):
            self._mailbox[name].append(payload)

    def next_signal(self, names: list[str], timeout: float | None) -> tuple[str, Any] | None:
        self._refuse("next_signal")

        def take() -> tuple[str, Any] | None:
            return next(
                ((name, self._mailbox[name].popleft()) for name in names if self._mailbox[name]), None
            )

        what, hint = f"a signal {' or '.join(names)}", f"project.signal({names[0]!r}, …)"
        found: tuple[str, Any] | None = self._wait(take, timeout, what, hint)
        return found

    def outcome(self, value: dict[str, Any], event_id: str | None) -> None:
        self._project.outcomes.append(value if event_id is None else {**value, "event_id": event_id})

    def _refuse(self, name: str) -> None:
        if self._activity:
            raise AutoKittehError(
                f"{name} inside an activity ({self._activity}): it would not be recorded; call it in the handler"
            )


def _filter(text: str) -> Any:
    # The SDK does not depend on the package that knows CEL; where sessions run it is there.
    filters: Any = importlib.import_module("manifest.filters")
    try:
        return filters.compile(text)
    except filters.FilterSyntaxError as error:
        raise AutoKittehError(str(error)) from None


def _passes(text: str, event: Event) -> bool:
    if text.strip() in {"", "."}:
        return True
    filters: Any = importlib.import_module("manifest.filters")
    try:
        passes: bool = _filter(text).matches(event.data, event.event_type or "")
    except filters.FilterError:
        return False
    return passes
