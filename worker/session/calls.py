"""The engine of a call to the outside: one activity, its arguments, its result, its changes and its error.

Phases, in the order in which they happen:

1. Lazy arguments (generators, iterators) are read into lists; wrappers of ours are taken off.
2. The call takes its number in the session log and leaves a line there.
3. Live or not. Arguments that cannot leave the process travel as live objects in a local activity. Known types are
   decided by the policy's tables. An unforeseen failure to encode is recorded with a patch marker *before* the
   call; during replay the marker is asked first and encoding is never tried to find out, since an object may
   encode in a cold process and not in a warm one.
4. The activity runs; the handler's greenlet waits.
5. Changes the call made to its arguments are applied to the caller's objects, in place.
6. The result is decoded, or the error raised, with its type and attributes.
"""

from __future__ import annotations

import asyncio
import dataclasses
import datetime as dt
import functools
import inspect
import sys
from typing import Any

from temporalio import workflow
from temporalio.common import RetryPolicy
from temporalio.exceptions import ActivityError, ApplicationError, FailureError, TimeoutType
from temporalio.exceptions import CancelledError as CallCancelled
from temporalio.exceptions import TimeoutError as CallTimeout

from worker.contracts import FAILURE_CALL, JSON, LINE_CALL, CallContext, UserValue, brief
from worker.errors import CallError, PayloadError
from worker.payload.codec import materialise
from worker.payload.errors import UnpicklableError
from worker.payload.exceptions import decode_exception
from worker.payload.graft import Snapshot
from worker.session import travel
from worker.session.host import LiveCall
from worker.session.targets import describe
from worker.usercode.policy import Decision, activity_name
from worker.usercode.tables import ALSO_HERE

NO_LIMIT = dt.timedelta(
    days=3650
)  # a call may take as long as it takes; a dead process is noticed by heartbeats
HEARTBEAT_TIMEOUT = dt.timedelta(seconds=15)  # long enough for C code that holds the interpreter lock
_PLAIN_ERRORS = "errors of live calls"  # the marker of sessions that raise them as the call did
_TWINS = "errors are of classes made at run time"  # the marker of sessions that catch them by those
_GIVEN_UP = "a step given up is cancelled"  # the marker of sessions whose program is told so as by asyncio
RETRY = RetryPolicy(
    initial_interval=dt.timedelta(milliseconds=500),
    backoff_coefficient=2,
    maximum_interval=dt.timedelta(seconds=30),
)


class Routed:
    """A function whose calls become activities; stands in for it also where it is passed uncalled."""

    def __init__(self, session: Any, function: Any, site: str, decision: Decision) -> None:
        functools.update_wrapper(self, function, updated=())
        self.__ak_routed__ = function
        self._session = session
        self._site = site
        self._decision = decision

    def __call__(self, *args: UserValue, **kwargs: UserValue) -> UserValue:
        """Make the call; a coroutine function gives something to be awaited, as it would without us."""
        if inspect.iscoroutinefunction(self.__ak_routed__) and not self._session.inhibited:
            return self._later(args, kwargs)
        return call_out(self._session, self.__ak_routed__, self._site, self._decision, args, kwargs)

    async def _later(self, args: tuple[UserValue, ...], kwargs: dict[str, UserValue]) -> UserValue:
        return call_out(self._session, self.__ak_routed__, self._site, self._decision, args, kwargs)

    def __repr__(self) -> str:
        """The function itself, as the user knows it."""
        return repr(self.__ak_routed__)


def place(site: str) -> str:
    """``main.py:41`` of ``main.py:41:8``."""
    return site.rpartition(":")[0]


def never_activity(session: Any, callee: UserValue) -> bool:
    """Whether the program registered this callee, or its class, with ``register_no_activity``."""
    registered = session.never_activities
    if not registered:
        return False
    function = getattr(callee, "__func__", callee)
    owner = getattr(callee, "__self__", None)
    owner = owner if isinstance(owner, type) else type(owner)
    return any(
        item is function or item == callee or (isinstance(item, type) and issubclass(owner, item))
        for item in registered
    )


def call_out(
    session: Any,
    function: Any,
    site: str,
    decision: Decision,
    args: tuple[UserValue, ...],
    kwargs: dict[str, UserValue],
) -> UserValue:
    """Make one call to the outside; returns its result or raises its error."""
    if session.inhibited:
        return function(*args, **kwargs)
    session.driver.check_room()
    where = place(site)
    name = activity_name(function)
    try:
        args, kwargs = materialise(
            tuple(map(unwrap, args)), {key: unwrap(value) for key, value in kwargs.items()}
        )
    except PayloadError as error:
        raise refused(name, error, where) from None
    number = session.output.number()
    session.calls += 1
    session.output.add(LINE_CALL, session.codec.call_preview(name, args, kwargs), where, number=number)
    workflow.set_current_details(session.output.details(f"waiting for `{name}` at `{where}`"))
    elsewhere = session.host.surroundings.unlike_the_process()
    if elsewhere:
        session.warn_once(
            f"{name} does not see the {elsewhere} that the session has changed: give it what it needs as an argument, "
            "or change them in the same function marked @autokitteh.activity",
            where,
        )
    encoded = None
    live = decision.kind == "local"
    marker = f"live {site} #{session.calls}"
    if not live and workflow.unsafe.is_replaying():
        live = workflow.patched(marker)
    target, arguments = describe(session, function, args)
    if not live:
        try:
            encoded = encode(session, target, arguments, kwargs)
        except PayloadError as error:
            unforeseen = not workflow.unsafe.is_replaying() or session.in_the_past
            if not unforeseen or not isinstance(error, UnpicklableError):
                raise refused(name, error, where) from None
            # In a fork the marker has another name when the line has moved: it has been asked for already.
            live = session.in_the_past or workflow.patched(marker)
    carried = args if live else arguments
    before = Snapshot(carried, kwargs, closures=live)
    retries = decision.mark.retries if decision.mark is not None else 0
    if live:
        outcome = run_live(session, name, number, site, function, args, kwargs)
    else:
        assert encoded is not None
        direct = decision.target == "direct"
        context = CallContext(encoded[0], site, number, retries, travel.outgoing(session, function), direct)
        outcome = run_activity(session, name, encoded[1], context, decision)
    result = finish(session, outcome, before, name, where)
    return function(*args, **kwargs) if name in ALSO_HERE else result


def refused(name: str, error: PayloadError, where: str) -> CallError:
    """The error of a call whose arguments or result cannot travel, with the code of the reason."""
    return CallError(f"{name}: {error.message}", where=where, hint=error.hint, code=error.code)


def unwrap(value: UserValue) -> UserValue:
    """The user's function behind a wrapper of ours."""
    return getattr(value, "__ak_routed__", value)


def encode(
    session: Any, target: dict[str, UserValue], args: tuple[UserValue, ...], kwargs: dict[str, UserValue]
) -> tuple[dict[str, JSON], JSON]:
    """The call as JSON: what to call, and with which arguments."""
    function = {
        key: session.codec.encode(value) if key == "value" else value for key, value in target.items()
    }
    return function, session.codec.encode_call(args, kwargs)


def run_activity(session: Any, name: str, arguments: JSON, context: CallContext, decision: Decision) -> JSON:
    """A regular activity: recorded, retried after a crash, executed by whoever polls."""
    mark = decision.mark
    seconds = mark.timeout_seconds if mark is not None else None
    # A call that ran out of its time is an error of the call, tried again only when that was asked for.
    retry = RETRY
    if mark is not None and seconds:
        retry = dataclasses.replace(retry, maximum_attempts=mark.retries + 1)
    if mark is not None and mark.backoff_seconds:
        first = dt.timedelta(seconds=mark.backoff_seconds)
        retry = dataclasses.replace(retry, initial_interval=first, maximum_interval=100 * first)
    return wait(
        session,
        lambda: workflow.start_activity(
            name,
            args=[arguments, context],
            start_to_close_timeout=dt.timedelta(seconds=seconds) if seconds else NO_LIMIT,
            heartbeat_timeout=HEARTBEAT_TIMEOUT,
            retry_policy=retry,
            summary=brief(place(context.at)),
        ),
    )


def run_live(
    session: Any,
    name: str,
    number: int,
    site: str,
    function: Any,
    args: tuple[UserValue, ...],
    kwargs: dict[str, UserValue],
) -> JSON:
    """A local activity in this process, with the live objects themselves."""
    token = f"{session.run_id}/{session.calls}"
    session.host.live_calls[token] = LiveCall(function, args, kwargs, session.codec)
    context = CallContext({"live": token}, site, number)
    try:
        return wait(
            session,
            lambda: workflow.start_local_activity(
                name,
                args=[{"preview": session.codec.call_preview(name, args, kwargs)}, context],
                start_to_close_timeout=NO_LIMIT,
                retry_policy=RetryPolicy(maximum_attempts=1),
                summary=brief(place(site)),
            ),
        )
    finally:
        session.host.live_calls.pop(token, None)


def wait(session: Any, start: Any) -> JSON:
    """Wait for an activity; raises the user's own exception where the call raised one."""
    try:
        return blocked(session, start)
    except (ActivityError, ApplicationError) as error:
        # Around the error of a local activity Temporal puts nothing. Sessions recorded before this was seen got it as it is.
        bare = isinstance(error, ApplicationError)
        if bare and not workflow.patched(_PLAIN_ERRORS):
            raise
        failure = raised(session, error, error if bare else error.cause)
    return raise_whole(failure)


def raise_whole(error: BaseException) -> Any:
    """Raise an error with the cause and the context that it came with, not with ours.

    What the program is handling here is the context of the first error of its chain, as if all had been raised here.
    """
    handled = sys.exc_info()[1]
    first, seen = error, {id(error)}
    while first.__context__ is not None and id(first.__context__) not in seen:
        first = first.__context__
        seen.add(id(first))
    if handled is not None and id(handled) not in seen and first.__context__ is None:
        first.__context__ = handled
    cause, context, suppressed = error.__cause__, error.__context__, error.__suppress_context__
    try:
        raise error
    except BaseException:
        error.__cause__, error.__context__, error.__suppress_context__ = cause, context, suppressed
        raise


def blocked(session: Any, start: Any) -> Any:
    """Wait for a step; one that the program gave up (a cancelled task, a time limit) raises what asyncio would raise."""
    try:
        return session.driver.block(start)
    except FailureError as error:
        cancelled = isinstance(error, CallCancelled) or isinstance(error.cause, CallCancelled)
        if cancelled and workflow.patched(_GIVEN_UP):
            raise asyncio.CancelledError from None
        raise


def raised(session: Any, error: Any, cause: BaseException | None) -> BaseException:
    """The error of a call, as the program gets it."""
    name = getattr(error, "activity_type", "a call")
    if isinstance(cause, CallTimeout) and cause.type == TimeoutType.START_TO_CLOSE:
        return TimeoutError(f"{name} took longer than its timeout")
    if not isinstance(cause, ApplicationError) or not cause.details:
        return CallError(f"{name}: {cause or error}")
    if cause.type == FAILURE_CALL:
        details = cause.details[0]
        code = details.get("code", "")  # absent from what an older version recorded
        return CallError(details["message"], where=details["where"], hint=details["hint"], code=code)
    return decode_exception(cause.details[0], session.codec, lambda: workflow.patched(_TWINS))


def finish(session: Any, outcome: JSON, before: Snapshot, name: str, where: str) -> UserValue:
    """Apply the changes the call made to its arguments and to module-level state, and decode its result."""
    changed = outcome.get("changed")
    if changed:
        missing = before.apply(changed, session.codec)
        if missing:
            session.warn(f"changes {name} made to {', '.join(missing)} of its arguments are lost", where)
    state = outcome.get("globals")
    if state:
        travel.incoming(session, state)
    try:
        return session.codec.decode(outcome["result"])
    except UnpicklableError as error:
        raise refused(name, error, where) from None
