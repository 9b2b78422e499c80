"""Functions of the SDK that change something outside: each is one regular activity, with its line in the log.

Regular, because the result of a local one is in the history only when the task completes: a crash before that would run
everything again, possibly on another path. The activity's id makes a repetition harmless. Reads may be local.
"""

from __future__ import annotations

import contextvars
import datetime as dt
from collections.abc import Callable
from typing import Any

from temporalio import workflow
from temporalio.common import RetryPolicy
from temporalio.exceptions import ActivityError, ApplicationError

from autokitteh.errors import AutoKittehError
from worker.contracts import FAILURE_SDK, JSON, LINE_CALL, CallContext, UserValue, brief
from worker.session.calls import HEARTBEAT_TIMEOUT, RETRY, blocked, raise_whole
from worker.usercode import frames

# Where what runs beside the handler was begun: a context variable, which each task and thread has its own value of.
BEGAN_AT: contextvars.ContextVar[str] = contextvars.ContextVar("began_at", default="")
_OP_TIMEOUT = dt.timedelta(seconds=60)


def perform(
    session: Any, op: str, arguments: JSON, shown: tuple[UserValue, ...], *, local: bool = False
) -> JSON:
    """Carry out one operation.

    Args:
        session: the session that asks.
        op: its name, ``set_value`` and the like.
        arguments: in JSON, already encoded.
        shown: the arguments as the user wrote them, for the log.
        local: it only reads.

    Raises:
        AutoKittehError: it was refused.
    """
    if session.inhibited:
        session.warn(f"{op} is a step also where activities are inhibited", here(session))
    where = here(session)
    number = note(session, op, shown, where)
    context = CallContext({"system": op}, f"{where}:0", number)
    name = f"autokitteh.{op}"

    def start() -> Any:
        if local:
            return workflow.start_local_activity(
                name,
                args=[arguments, context],
                start_to_close_timeout=_OP_TIMEOUT,
                retry_policy=RetryPolicy(maximum_interval=dt.timedelta(seconds=5)),
                summary=brief(where),
            )
        return workflow.start_activity(
            name,
            args=[arguments, context],
            start_to_close_timeout=_OP_TIMEOUT,
            heartbeat_timeout=HEARTBEAT_TIMEOUT,
            retry_policy=RETRY,
            summary=brief(where),
        )

    try:
        return blocked(session, start)["result"]
    except (
        ActivityError,
        ApplicationError,
    ) as error:  # around that of a local activity Temporal puts nothing
        cause = error.cause if isinstance(error, ActivityError) else error
        if isinstance(cause, ApplicationError) and cause.type == FAILURE_SDK:
            details = cause.details[0] if cause.details else {}  # none in what an older version recorded
            refused = AutoKittehError(cause.message, code=details.get("code", ""))
        else:
            refused = AutoKittehError(f"{op}: {cause or error}")
    return raise_whole(refused)


async def again(session: Any, op: str, arguments: JSON, where: str) -> JSON:
    """Carry out an operation for a fork, beside its handler: what was registered for another session.

    Raises:
        ActivityError: it was refused.
    """
    context = CallContext({"system": op}, f"{where}:0", session.output.number())
    answer = await workflow.start_activity(
        f"autokitteh.{op}",
        args=[{**arguments, "again": True}, context],
        start_to_close_timeout=_OP_TIMEOUT,
        heartbeat_timeout=HEARTBEAT_TIMEOUT,
        retry_policy=RETRY,
        summary=brief(where),
    )
    return answer["result"]


def note(session: Any, op: str, shown: tuple[UserValue, ...], where: str) -> int:
    """Take a number in the session's log and leave a line there."""
    session.driver.check_room()
    number: int = session.output.number()
    session.calls += 1
    session.output.add(LINE_CALL, session.codec.call_preview(op, shown, {}), where, number=number)
    return number


def wait_until(session: Any, ready: Callable[[], bool], timeout: float | None, what: str) -> bool:
    """Wait for a condition that signals make true; False after so many seconds."""
    session.driver.check_open()
    if ready():
        return True
    session.driver.check_room()
    where = here(session)
    what = session.codec.mask(what)
    workflow.set_current_details(session.output.details(f"waiting for {what} at `{where}`{until(timeout)}"))
    summary = brief(f"wait for {what} · {where}")

    async def wait() -> bool:
        try:
            await workflow.wait_condition(ready, timeout=timeout, timeout_summary=summary)
        except TimeoutError:
            return ready()
        return True

    return bool(session.driver.block(wait))


def until(seconds: float | None) -> str:
    """``, until 2026-01-02 03:04:05 UTC``: when a wait of so many seconds from now ends; empty when it has no end."""
    if seconds is None:
        return ""
    try:
        end = workflow.now() + dt.timedelta(seconds=seconds)
    except OverflowError:
        return ""
    return f", until {end:%Y-%m-%d %H:%M:%S} UTC"


def here(session: Any) -> str:
    """``main.py:41``: the innermost line of the user's code that is being executed.

    Where a library's function runs as a task or a thread of its own, the line that began it.
    """
    return frames.calling_line(session.host.directory) or BEGAN_AT.get() or str(session.handler_name)
