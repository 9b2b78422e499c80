"""Everything that crosses a process or sits in a history.

Each of these is in someone's history, memo or pipe: only add optional fields.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

JSON = Any  # None, bool, int, float, str, list and dict of the same
UserValue = Any  # whatever the user's program computes

# The memo of a session. Values are strings.
MEMO_PROJECT = "project"
MEMO_TRIGGER = "trigger"
MEMO_TRIGGER_ID = "trigger_id"
MEMO_EVENT_ID = "event_id"
MEMO_EVENT_TYPE = "event_type"
MEMO_CONNECTION = "connection"
MEMO_PARENT = "parent"
MEMO_METHOD = "method"
MEMO_WEBHOOK_SLUG = "webhook_slug"
MEMO_REMOTE_ADDR = "remote_addr"
MEMO_BEGAN = "ak_began_at"  # of a session that restarted: when its first run began, and how often it did
MEMO_RESTARTS = "ak_restarts"

# Whoever starts a session gives it this: well above the time budget of one activation, so that our watchdog
# decides about a long computation and not Temporal.
WORKFLOW_TASK_TIMEOUT_SECONDS = 20
MEMO_DURABLE = "durable"
MEMO_RESTARTED_FROM = "restarted_from"
MEMO_REDISPATCHED_FROM = "redispatched_from"  # of an event that repeats another one
MEMO_REDISPATCHED_TO = "redispatched_to"  # the one trigger it was dispatched to, where it was not to all
MEMO_FORKED_FROM = "forked_from"
MEMO_FORKED_AT = "forked_at"  # how many steps it took over
MEMO_FORKED_RESULT = "forked_result"  # JSON: previews of the last one's outcome as it ``was`` and is ``now``, where it was edited

SEAL_FORK = "fork"  # what the signature of a fork's record is good for

CALLS_AT_ONCE = 200  # of all sessions of a build process
EAGER_CALLS = 3  # Temporal's own default

# Kinds of lines in the session log.
LINE_PRINT = "print"
LINE_CALL = "call"
LINE_LOG = "log"
LINE_STATE = "state"
LINE_WARNING = "warning"
LINE_ERROR = "error"
LINE_SIGNAL = "signal"

ENDED_STATES = ("completed", "error", "stopped")  # of a session; state lines of its log begin so, too

# Signals that we send ourselves; every other name is the program's. Both carry an id, by which a session drops repeats.
SIGNAL_EVENT = "autokitteh:event"
SIGNAL_SIGNAL = "autokitteh:signal"

# The queue of the gateway's own activities, and the one that waits for a session whose parent restarted.
SYSTEM_QUEUE = "autokitteh-system"
NO_SUCH_SESSION = "it has ended, or has another id; `ak session list --state running` shows those there are"
WAIT_FOR_CHILD = "autokitteh.wait_for_child"

# Failure types (``ApplicationError.type``) of our own; a user's exception uses its qualified name.
FAILURE_CALL = "autokitteh.CallError"
FAILURE_SDK = "autokitteh.AutoKittehError"


@dataclass(frozen=True)
class BootConfig:
    """What the supervisor tells a build process: one JSON line on its standard input.

    The pipe stays open: its end tells the process that the supervisor is gone. ``runtime_python`` is the supervisor's
    interpreter, which has what a project's own environment is spared.
    """

    project: str
    deployment: str
    build: str
    version: str
    directory: str
    entrypoints: list[str]
    temporal_address: str
    temporal_namespace: str
    database_url: str
    payload_keys: dict[str, str]
    secrets: dict[str, str] = field(default_factory=dict)
    temporal_environment: dict[str, str] = field(default_factory=dict)
    max_cached_workflows: int = 1000
    budget_seconds: float = 5.0
    payload_limit: int = 32 * 1024 * 1024
    log_level: str = "WARNING"
    runtime_python: str = ""
    tracing: bool = False
    log_format: str = "text"
    idle_seconds: float = 0.0  # after so long without work the process says so; 0: never
    history_warning: int = 10_000
    connections: dict[str, dict[str, str]] = field(default_factory=dict)
    connection_secrets: dict[str, str] = field(default_factory=dict)
    eager_calls: int = (
        EAGER_CALLS  # of the calls that a session begins at once: those it takes without asking
    )
    filter_key: str = ""  # as hex; a replay needs none


@dataclass(frozen=True)
class Credentials:
    """What the supervisor tells a build process while it runs, one JSON line each: the connections' variables.

    ``connections`` has every connection of the project with all its variables, ``secrets`` the secret ones of them by
    their full names, ``CONNECTION__NAME``.
    """

    connections: dict[str, dict[str, str]]
    secrets: dict[str, str]


@dataclass(frozen=True)
class Report:
    """What a build process tells its supervisor: one JSON line each on the report pipe.

    ``state`` is ``ready``, ``failed`` (with ``message``, ``where``, ``hint``, ``code``), ``stuck`` (with the session's
    workflow and run id in ``message`` and ``where``), ``misfit`` (the same for a session that was moved here and does not
    fit, with the version that recorded it in ``hint``), ``idle`` (said again while it lasts), ``metrics`` (what it counted
    since the last time, in ``sums``), ``ended`` (a session, as in ``stuck``) or ``stopped``.
    """

    state: str
    message: str = ""
    where: str = ""
    hint: str = ""
    code: str = ""
    sums: list[JSON] = field(default_factory=list)


@dataclass(frozen=True)
class LogLine:
    """One line of a session's log.

    ``line`` is the number the session gave it. Lines printed inside an activity share the ``line`` of their
    call, carry the ``attempt`` (from 1) and count in ``sub``; the session's own have attempt 0 and sub 0.
    ``at`` is seconds since the epoch, from Temporal's event times for the session's own lines.
    """

    line: int
    at: float
    kind: str
    text: str
    where: str = ""
    attempt: int = 0
    sub: int = 0


@dataclass(frozen=True)
class LogBatch:
    """Lines of one activation of one run, written in one transaction.

    A batch of the session itself replaces the run's own lines from ``first`` on; a batch of an activity's
    attempt (``attempt`` > 0) only adds. ``task`` grows with the run's history: of two processes that have had the
    same run, the one with the longer history is the one whose lines count. ``acknowledged`` is the last task of which
    something stays where the session was moved: lines of later ones were never acknowledged, whatever their numbers.
    """

    project: str
    workflow_id: str
    run_id: str
    first: int
    lines: list[LogLine]
    attempt: int = 0
    task: int = 0
    handler: str = ""
    event_id: str = ""
    acknowledged: int | None = None


@dataclass(frozen=True)
class CallContext:
    """The second argument of a call's activity: which call of the program this is.

    ``function`` says what to call: ``{"user": "main:fetch"}``, ``{"library": "requests.api:get"}``,
    ``{"method": "get"}`` of the first argument, ``{"value": …}`` for an encoded callable, ``{"live": token}``
    for objects that exist in this process only, or ``{"system": "set_value"}`` for a function of the SDK. ``line`` is
    the call's number in the session log.
    ``direct`` is a handler that runs as one activity: the SDK's functions work in it against the store.
    """

    function: dict[str, JSON]
    at: str
    line: int
    retries: int = 0
    globals: dict[str, JSON] | None = None
    direct: bool = False


@dataclass(frozen=True)
class Carried:
    """The second argument of a run that ``restart`` began: what the run before left to it.

    ``line`` is the log's next number. ``encoded``: the data were given to ``restart``, and may name secrets.
    ``subscriptions`` are ids with source and encoded filter, ``awaited`` names of signals that the store sends, ``children`` ids
    of sessions whose end was not heard of. ``events`` and ``signals`` wait to be taken, in their order; ``seen`` and
    ``dropped`` are the last ids by which repeats, and events of ended subscriptions, are told.
    """

    line: int = 0
    encoded: bool = False
    subscriptions: list[list[JSON]] = field(default_factory=list)
    awaited: list[str] = field(default_factory=list)
    children: list[str] = field(default_factory=list)
    events: list[dict[str, JSON]] = field(default_factory=list)
    signals: list[list[JSON]] = field(default_factory=list)
    seen: list[str] = field(default_factory=list)
    dropped: list[str] = field(default_factory=list)


_SUMMARY_BYTES = 360  # of the text as JSON: a server may refuse a payload over 400, its metadata included
_SURELY_SHORT = _SUMMARY_BYTES // 6 - 1  # JSON writes no character with more than six bytes
_CUT = "…"


def brief(text: str) -> str:
    """A summary for Temporal's UI, cut where the server would not take it."""
    if len(text) <= _SURELY_SHORT and text.isascii():
        return text
    text = text.encode(errors="replace").decode()
    if _size(text) <= _SUMMARY_BYTES:
        return text
    while _size(text + _CUT) > _SUMMARY_BYTES:
        text = text[: -max(1, (_size(text + _CUT) - _SUMMARY_BYTES) // 12)]
    return text + _CUT


def _size(text: str) -> int:
    return len(json.dumps(text, ensure_ascii=False).encode())


def static_details(session_id: str, memo: Mapping[str, str]) -> str:
    """What a person reads about a session's origin in Temporal's UI, as Markdown, and what to type to see more."""
    event = memo.get(MEMO_EVENT_ID, "")
    explain = f"\n- why: `ak event explain {event}`" if event else ""
    return f"- {origin_of(memo)}\n- what it did: `ak session show {session_id}`{explain}"


def run_details(session_id: str, memo: Mapping[str, str]) -> str:
    """The same in a line, for a run that has no such details: of a session that restarted, or was started in the UI."""
    restarts = int(memo.get(MEMO_RESTARTS) or 0)
    again = f"restarted {restarts} time{'s'[: restarts != 1]}, " if restarts else ""
    return f"{again}{origin_of(memo)}; what it did: `ak session show {session_id}`"


def edited_result(memo: Mapping[str, str]) -> dict[str, str] | None:
    """Of a fork that was given another outcome of its last step: how that ``was`` and is ``now``, in a few words."""
    text = memo.get(MEMO_FORKED_RESULT, "")
    return json.loads(text) if text else None


def in_code(text: str) -> str:
    """The text as it can stand between backquotes."""
    return " ".join(text.replace("`", "'").split())


def origin_of(memo: Mapping[str, str]) -> str:
    """Where a session comes from, as Markdown."""
    trigger, event, parent = (memo.get(name, "") for name in (MEMO_TRIGGER, MEMO_EVENT_ID, MEMO_PARENT))
    origin = "started by hand"
    if event:
        origin = f"started by trigger `{trigger}`, event `{event}`"
    elif parent:
        origin = f"started by session `{parent}`"
    if memo.get(MEMO_FORKED_FROM):
        at = memo.get(MEMO_FORKED_AT, "0")
        edited = edited_result(memo)
        other = f" with `{in_code(edited['now'])}` instead of `{in_code(edited['was'])}`" if edited else ""
        origin = f"fork of `{memo[MEMO_FORKED_FROM]}` at step {at}{other}, which was {origin}"
    elif memo.get(MEMO_RESTARTED_FROM):
        origin = f"restart of `{memo[MEMO_RESTARTED_FROM]}`, which was {origin}"
    return origin


# Bytes have no place in JSON: an event's data keeps a request's body as base64, in the store, in Temporal and
# in its UI. Only the handler sees real bytes. Both directions live here and nowhere else.

_BODY_KEYS = frozenset({"bytes", "text", "form", "json"})


def encode_bytes(value: bytes) -> str:
    """Bytes as they stand in an event's data."""
    return base64.b64encode(value).decode("ascii")


def decode_data(data: JSON) -> JSON:
    """An event's data as a handler receives it: ``data["body"]["bytes"]`` of a request becomes real bytes.

    Data of any other shape, and text that is not base64, is returned as it is. The argument is not changed.
    """
    body = data.get("body") if isinstance(data, dict) else None
    if not isinstance(body, dict) or not body.keys() >= _BODY_KEYS or not isinstance(body["bytes"], str):
        return data
    try:
        value = base64.b64decode(body["bytes"], validate=True)
    except (binascii.Error, ValueError):
        return data
    return {**data, "body": {**body, "bytes": value}}
