"""The rows of the store, as the rest of the worker sees them."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from typing import Any

from worker.masking import Mask


@dataclass(frozen=True)
class Project:
    """A project: its name is its task queue and its worker deployment in Temporal."""

    id: str
    name: str
    display_name: str
    created_at: dt.datetime


@dataclass(frozen=True)
class Variable:
    """A variable of a project, or of one of its connections (``connection`` not empty).

    ``manifest_value`` is the value the manifest gave last, or None when it never named the variable: a value
    set by hand is kept on redeploy unless the manifest's own value changed.
    """

    project: str
    name: str
    value: str
    connection: str = ""
    secret: bool = False
    description: str = ""
    manifest_value: str | None = None


@dataclass(frozen=True)
class Connection:
    """A connection of a project to an integration."""

    id: str
    project: str
    name: str
    integration: str


@dataclass(frozen=True)
class Trigger:
    """What starts a handler. ``kind`` is webhook, schedule or connection."""

    id: str
    project: str
    name: str
    kind: str
    call: str = ""
    event_type: str = ""
    filter: str = ""
    is_sync: bool = False
    is_durable: bool = True
    connection: str = ""
    schedule: str = ""
    timezone: str = ""
    overlap: str = ""
    catchup: str = ""
    jitter: str = ""
    slug: str = ""


@dataclass(frozen=True)
class Build:
    """An archive of a project's files; the id is the hash of their content."""

    id: str
    project: str
    content: bytes
    files: list[str]
    created_at: dt.datetime


@dataclass(frozen=True)
class Deployment:
    """A build with a configuration. ``version`` is the build id in Temporal: the hash of all that decides behaviour.

    ``state``: pending (asked for) → starting → active → draining → inactive, or failed (with ``error``).
    ``desired`` is the checked manifest as JSON, applied when the deployment becomes active.
    ``environment`` is the snapshot of variables its process sees; ``secret_names`` says which of them are secret.
    """

    id: str
    project: str
    build_id: str
    version: str
    state: str
    desired: dict[str, Any]
    environment: dict[str, str]
    secret_names: list[str]
    requirements: str
    created_at: dt.datetime
    activated_at: dt.datetime | None = None
    error: dict[str, str] | None = None


@dataclass(frozen=True)
class Event:
    """Something that happened outside. ``source_kind`` is trigger or connection, ``source`` its name.

    ``deployment`` is the one that was active when the event was recorded: its manifest says what the triggers were.
    ``repeats`` is the event that this one lets happen again.
    """

    id: str
    project: str
    source_kind: str
    source: str
    event_type: str
    data: Any
    memo: dict[str, str]
    created_at: dt.datetime
    seq: int = 0
    deployment: str = ""
    repeats: str = ""


@dataclass(frozen=True)
class Delivery:
    """One effect an event must have.

    ``kind`` ``start``: start ``handler`` as session ``session_id`` for ``trigger``; ``event``: hand the event to the
    subscription ``trigger`` of the session; ``inbox``: the same, fetched by a handler that runs as one activity;
    ``signal``: hand the signal in ``payload`` to the session.

    ``state``: pending, done, skipped (no match: ``reason`` says why) or failed.
    """

    id: str
    event_id: str
    project: str
    trigger: str
    handler: str
    session_id: str
    state: str
    reason: str = ""
    attempts: int = 0
    kind: str = "start"
    payload: Any = None
    finished_at: dt.datetime | None = None


@dataclass(frozen=True)
class StoredLine:
    """One line of a session's log as read back."""

    project: str
    workflow_id: str
    run_id: str
    line: int
    attempt: int
    sub: int
    at: dt.datetime
    kind: str
    text: str
    where: str
    seq: int = 0


@dataclass(frozen=True)
class Service:
    """A running process of ours (supervisor, gateway) with its last sign of life."""

    id: str
    kind: str
    host: str
    pid: int
    seen_at: dt.datetime
    details: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Subscription:
    """A session's wish for the events of a trigger or connection that pass a filter.

    ``term_path`` and ``term_value`` are one equality without which the filter cannot match: events are compared with
    few filters. ``direct`` subscriptions are read from the store instead of being signalled.
    """

    id: str
    project: str
    source: str
    session_id: str
    filter: str = ""
    term_path: str = ""
    term_value: str = ""
    direct: bool = False


@dataclass(frozen=True)
class PastSubscription:
    """A subscription with its lifetime; ``ended_at`` is None while it lives. ``mask`` hides its filter's secrets.

    ``ended_by``: unsubscribe, or session where that had ended; empty where it was not noted yet.
    """

    id: str
    project: str
    source: str
    session_id: str
    filter: str
    created_at: dt.datetime
    ended_at: dt.datetime | None = None
    ended_by: str = ""
    mask: Mask = field(default_factory=Mask, repr=False)


@dataclass(frozen=True)
class Value:
    """A value of a project: ``value`` as encoded for sessions, ``shown`` as plain JSON for everybody else."""

    key: str
    value: Any
    shown: Any
    published: bool
    updated_at: dt.datetime


@dataclass(frozen=True)
class Outcome:
    """What a session answers to the event of a synchronous webhook."""

    seq: int
    event_id: str
    session_id: str
    value: Any


@dataclass(frozen=True)
class Refused:
    """Requests to the gateway that became no event: the same method, path and answer, counted.

    ``project`` and ``trigger`` are those that the path belongs to, or once did; ``reason`` says what was wrong.
    """

    method: str
    path: str
    code: str
    sender: str
    count: int
    first_at: dt.datetime
    last_at: dt.datetime
    project: str = ""
    trigger: str = ""
    reason: str = ""
