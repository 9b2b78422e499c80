"""The dynamic activity behind every external call: find the function, call it, send back what happened.

The function runs on a thread; this coroutine heartbeats for it, so that a dead process is noticed soon whatever the
function does, and writes what it prints. An exception of the user's is a value: it travels with its type, and it is
final unless ``@activity(retries=…)`` asked for more.
"""

from __future__ import annotations

import asyncio
import contextvars
import ctypes
import functools
import importlib
import inspect
import threading
from collections.abc import Awaitable, Callable, MutableMapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from temporalio import activity
from temporalio.common import RawValue
from temporalio.exceptions import ApplicationError

from autokitteh import _runtime
from autokitteh.activities import ACTIVITY_MARK, ActivityMark
from autokitteh.errors import AutoKittehError
from worker import ids
from worker.activities import live_loop
from worker.activities.recorder import CURRENT, Recorder, Recorders
from worker.activities.rooms import Room, Rooms
from worker.activities.runtime import ActivityRuntime, Ground
from worker.activities.system import Caller
from worker.contracts import FAILURE_CALL, FAILURE_SDK, JSON, LINE_WARNING, CallContext, LogBatch, UserValue
from worker.errors import PayloadError, SessionStopped
from worker.payload.codec import Codec, materialise_result
from worker.payload.exceptions import encode_exception
from worker.payload.graft import Snapshot
from worker.usercode.frames import user_frames
from worker.usercode.namespace import Namespace

_HEARTBEAT_SECONDS = 2.0
_MESSAGE_LIMIT = 4_000  # characters of a failure's message


class Live(Protocol):
    """A call whose objects live in this process only."""

    function: Callable[..., UserValue]
    args: tuple[UserValue, ...]
    kwargs: dict[str, UserValue]
    codec: Codec


@dataclass
class ActivityHost:
    """What a build process gives to its activities."""

    project: str
    directory: Path
    namespace: Namespace
    codec: Codec
    live_calls: MutableMapping[str, Any]
    rooms: Rooms
    pool: ThreadPoolExecutor
    put: Callable[[LogBatch], Future[None]]
    recorders: Recorders
    ground: Ground


@dataclass
class Call:
    """One call, ready to be made."""

    function: Callable[..., UserValue]
    args: tuple[UserValue, ...]
    kwargs: dict[str, UserValue]
    carried: tuple[
        UserValue, ...
    ]  # the arguments whose changes go back, with the object of a method in front
    codec: Codec


class Calls:
    """The dynamic activity, bound to its host."""

    def __init__(self, host: ActivityHost) -> None:
        self._host = host

    @activity.defn(dynamic=True)
    async def call(self, args: Sequence[RawValue]) -> JSON:
        """Make one call."""
        host = self._host
        info = activity.info()
        converter = activity.payload_converter()
        arguments = converter.from_payload(args[0].payload)
        context = converter.from_payload(args[1].payload, CallContext)
        recorder = Recorder(
            host.project,
            info.workflow_id or "",
            info.workflow_run_id or "",
            context.line,
            info.attempt,
            host.codec.mask,
        )
        where = context.at.rpartition(":")[0]
        if "system" in context.function:
            return await self._system(context.function["system"], arguments, info)
        if info.attempt > 1:
            recorder.add(LINE_WARNING, f"attempt {info.attempt} of {info.activity_type}", where)
        run = functools.partial(self._run, info, arguments, context)
        job = Job(run, recorder)
        loop = asyncio.get_running_loop()
        future = loop.run_in_executor(host.pool, job)
        heartbeats = Heartbeats(loop, lambda: self._flush(recorder), beat=not info.is_local)
        with host.recorders.holding(recorder):
            try:
                return await asyncio.shield(future)
            except asyncio.CancelledError:
                job.interrupt()
                await asyncio.wait({future}, timeout=_HEARTBEAT_SECONDS)
                raise
            finally:
                recorder.end_line()
                await heartbeats.end()

    async def _system(self, op: str, arguments: JSON, info: activity.Info) -> JSON:
        caller = Caller(info.workflow_id or "", operation_of(info))
        try:
            return {"result": await self._host.ground.system.perform(op, arguments, caller)}
        except AutoKittehError as error:
            message = self._host.codec.mask(str(error))
            raise ApplicationError(
                message, {"code": error.code}, type=FAILURE_SDK, non_retryable=True
            ) from None

    async def _flush(self, recorder: Recorder) -> None:
        written = recorder.hand(self._host.put)
        if written is not None and not written.done():
            await asyncio.shield(asyncio.wrap_future(written))

    def _run(self, info: activity.Info, arguments: JSON, context: CallContext) -> JSON:
        """On the activity's thread."""
        host = self._host
        if context.globals is None:
            return self._in(host.namespace, host.codec, None, info, arguments, context)
        with host.rooms.borrow() as room:
            return self._in(room.namespace, room.codec, room, info, arguments, context)

    def _in(
        self,
        namespace: Namespace,
        codec: Codec,
        room: Room | None,
        info: activity.Info,
        arguments: JSON,
        context: CallContext,
    ) -> JSON:
        where = context.at.rpartition(":")[0]
        name = info.activity_type
        session_id, key = info.workflow_id or "", operation_of(info)
        try:
            # Clients among the arguments are made when they are read: with the credentials of now.
            ground = self._host.ground
            reading = ActivityRuntime(ground, codec, session_id, key, direct=context.direct)
            with _runtime.installed(reading):
                call = self._prepare(namespace, codec, arguments, context)
            codec = call.codec
            state = room.enter(call.function, context.globals or {}) if room is not None else {}
            before = Snapshot(call.carried, call.kwargs, closures="live" in context.function)
            runtime = ActivityRuntime(ground, codec, session_id, key, direct=context.direct)
            kwargs = with_key(call, key)
            with _runtime.installed(runtime):
                result = call.function(*call.args, **kwargs)
                if inspect.iscoroutine(result):
                    result = live_loop.run(result) if "live" in context.function else asyncio.run(result)
        except PayloadError as error:
            raise refusal(f"{name}: {error.message}", where, error.hint, error.code) from None
        except BaseException as error:
            raise self._failure(error, codec, context, info.attempt) from None
        outcome = self._outcome(name, call, before, result, where)
        changed = room.leave(call.function, state) if room is not None else {}
        if changed:
            outcome["globals"] = changed
        return outcome

    def _prepare(self, namespace: Namespace, codec: Codec, arguments: JSON, context: CallContext) -> Call:
        target = context.function
        if "live" in target:
            live: Live | None = self._host.live_calls.get(target["live"])
            if live is None:
                raise PayloadError(
                    "the live objects of this call are gone with the process that had them",
                    hint="Put the calls that need them into one function and mark it @autokitteh.activity.",
                )
            return Call(live.function, live.args, live.kwargs, live.args, live.codec)
        args, kwargs, by_path = codec.decode_call(arguments)
        # What came by path is this process's own object, not a copy: its changes belong to nobody's session.
        carried = () if by_path else args
        if "method" in target:
            return Call(getattr(args[0], target["method"]), args[1:], kwargs, carried, codec)
        if "user" in target:
            function = namespace.resolve(target["user"])
        elif "library" in target:
            function = library_function(target["library"])
        else:
            function = codec.decode(target["value"])
        return Call(function, args, kwargs, carried, codec)

    def _outcome(
        self, name: str, call: Call, before: Snapshot, result: UserValue, where: str
    ) -> dict[str, JSON]:
        try:
            outcome: dict[str, JSON] = {"result": call.codec.encode(materialise_result(result))}
            call.codec.check_size(outcome, "data")
        except PayloadError as error:
            raise refusal(
                f"the result of {name} cannot be kept: {error.message}",
                where,
                error.hint
                or "Put the calls that need this object into one function and mark it @autokitteh.activity.",
                error.code,
            ) from None
        try:
            changed = before.changes(call.codec)
        except PayloadError as error:
            recorder = CURRENT.get()
            if recorder is not None:
                recorder.add(
                    LINE_WARNING, f"changes {name} made to its arguments are lost: {error.message}", where
                )
            changed = {}
        if changed:
            outcome["changed"] = changed
        return outcome

    def _frames(self, error: BaseException) -> list[tuple[str, int, str, str]]:
        found = user_frames(error, self._host.directory)
        return [(frame.path, frame.line, frame.name, frame.text) for frame in found]

    def _failure(
        self, error: BaseException, codec: Codec, context: CallContext, attempt: int
    ) -> ApplicationError:
        details = encode_exception(error, codec, self._frames)
        kind = type(error)
        name = (
            kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"
        )
        try:
            text = str(error)
        except Exception:
            text = ""
        message = codec.mask(f"{name}: {text}"[:_MESSAGE_LIMIT])
        return ApplicationError(message, details, type=name, non_retryable=attempt > context.retries)


class Heartbeats:
    """While a call runs: now and then a heartbeat, and what it printed.

    Timers of the loop instead of waits with a timeout: most calls are over before the first beat, and pay for none.
    """

    def __init__(
        self, loop: asyncio.AbstractEventLoop, flush: Callable[[], Awaitable[None]], *, beat: bool
    ) -> None:
        self._loop = loop
        self._flush = flush
        self._beats = beat
        self._writing: asyncio.Future[None] | None = None
        # The timer runs in the context of whoever sets it, where Temporal finds the activity.
        self._timer = loop.call_later(_HEARTBEAT_SECONDS, self._beat)

    def _beat(self) -> None:
        if self._beats:
            activity.heartbeat()
        if self._writing is None or self._writing.done():
            self._writing = asyncio.ensure_future(self._flush())
        self._timer = self._loop.call_later(_HEARTBEAT_SECONDS, self._beat)

    async def end(self) -> None:
        """No more of it; returns once all lines are written."""
        self._timer.cancel()
        if self._writing is not None:
            await self._writing
        await self._flush()


class Job:
    """One call on its thread; can be interrupted from another."""

    def __init__(self, run: Callable[[], JSON], recorder: Recorder) -> None:
        self._run = run
        self._recorder = recorder
        self._context = contextvars.copy_context()
        self._thread: int | None = None
        self._lock = threading.Lock()

    def __call__(self) -> JSON:
        """Run in the activity's context, so that prints and heartbeats find it."""
        with self._lock:
            self._thread = threading.get_ident()
        try:
            return self._context.run(self._inside)
        finally:
            with self._lock:
                self._thread = None

    def _inside(self) -> JSON:
        CURRENT.set(self._recorder)
        return self._run()

    def interrupt(self) -> None:
        """Raise ``SessionStopped`` in the call's thread at its next Python instruction."""
        with self._lock:
            if self._thread is not None:
                ctypes.pythonapi.PyThreadState_SetAsyncExc(
                    ctypes.c_ulong(self._thread), ctypes.py_object(SessionStopped)
                )


def with_key(call: Call, operation: str) -> dict[str, UserValue]:
    """The keyword arguments, with the idempotency key that ``@activity`` asks for."""
    mark = getattr(call.function, ACTIVITY_MARK, None)
    if not isinstance(mark, ActivityMark) or not mark.idempotency_key:
        return call.kwargs
    name = mark.idempotency_key
    given = inspect.signature(call.function).bind_partial(*call.args, **call.kwargs).arguments
    return call.kwargs if name in given else {**call.kwargs, name: ids.derived("key", operation)}


def operation_of(info: activity.Info) -> str:
    """What stays the same when an activity is tried again."""
    return f"{info.workflow_run_id}/{info.activity_id}"


def refusal(message: str, where: str, hint: str, code: str) -> ApplicationError:
    """An error of ours about a call, raised in the session as ``CallError``."""
    text = f"{code}: {message} ({where})"
    return ApplicationError(
        text[:_MESSAGE_LIMIT],
        {"message": message, "where": where, "hint": hint, "code": code},
        type=FAILURE_CALL,
        non_retryable=True,
    )


def library_function(path: str) -> Any:
    """``requests.api:get`` as the function."""
    module, _, name = path.partition(":")
    found: Any = importlib.import_module(module)
    for part in name.split("."):
        found = getattr(found, part)
    return found
