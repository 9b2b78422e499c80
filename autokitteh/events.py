"""Wait for events inside a handler."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from typing import Any, Literal, NoReturn, overload

from autokitteh import _runtime
from autokitteh.event import Event, NextEvent

Timeout = timedelta | int | float | None


def subscribe(connection_or_trigger_name: str, filter: str | None = None) -> str:  # noqa: A002 - the SDK's name
    """Queue the events of a connection or trigger for this session, from now on.

    Nothing that arrives after this call returns is missed, whatever dies meanwhile.

    Args:
        connection_or_trigger_name: a connection or trigger of the project's manifest.
        filter: a CEL expression over ``data`` and ``event_type``; None and "" let every event pass.

    Returns:
        The subscription's id, for ``next_event`` and ``unsubscribe``.

    Raises:
        AutoKittehError: there is no such source, the filter does not compile, or the call stands in an activity.
    """
    return _runtime.current().subscribe(connection_or_trigger_name, filter or "")


@overload
def next_event(
    *subscription_ids: str | Iterable[str], timeout: Timeout = None, full: Literal[False] = False
) -> NextEvent | None: ...


@overload
def next_event(
    *subscription_ids: str | Iterable[str], timeout: Timeout = None, full: Literal[True]
) -> Event | None: ...


def next_event(
    *subscription_ids: str | Iterable[str], timeout: Timeout = None, full: bool = False
) -> NextEvent | Event | None:
    """Wait for the next event of one or more subscriptions.

    With several, the first in the given order that has an event waiting gives it; within one, events come in order.

    Args:
        subscription_ids: ids, or lists of ids, from ``subscribe``.
        timeout: seconds or a timedelta; None and 0 wait for ever.
        full: return an ``Event`` instead of data that also has an event's attributes.

    Returns:
        The event, or None after the timeout. Always true, also when its data are empty.

    Raises:
        AutoKittehError: no such subscription, or the call stands in an activity.
    """
    ids: list[str] = []
    for item in subscription_ids:
        ids.extend([item] if isinstance(item, str) else item)
    if not ids:
        return None
    found = _runtime.current().next_event(ids, seconds(timeout))
    if found is None:
        return None
    return found if full else NextEvent(found)


def unsubscribe(subscription_id: str) -> None:
    """End a subscription; what it still held is dropped."""
    _runtime.current().unsubscribe(subscription_id)


def start(
    loc: str, data: dict[str, Any] | None = None, memo: dict[str, str] | None = None, project: str = ""
) -> str:
    """Start a child session and return its id at once.

    Args:
        loc: the handler, ``file.py:function``.
        data: what it finds in ``event.data``.
        memo: texts shown with the session.
        project: start it in this project's active deployment instead of in this session's.

    Raises:
        AutoKittehError: there is no such handler, or the call stands in an activity.
    """
    return _runtime.current().start(loc, data, memo, project)


def restart(data: dict[str, Any] | None = None) -> NoReturn:
    """End this run of the handler and begin it anew as the same session, with a fresh history.

    For loops that run for ever: Temporal ends a run at 51,200 events of its history. Id, log, subscriptions, events and
    signals that wait, and open children stay; variables and module-level state begin as they did the first time.
    ``finally`` blocks run. It never returns, and passes through ``except Exception``. The session stays on its deployment.

    Args:
        data: what the new run finds in ``event.data``; the same data as this run when not given.

    Raises:
        AutoKittehError: the data cannot be sent, or the call stands in an activity, a thread or at module level.
    """
    _runtime.current().restart(data)


def seconds(timeout: Timeout) -> float | None:
    """A timeout in seconds; None for no limit."""
    if timeout is None:
        return None
    value = timeout.total_seconds() if isinstance(timeout, timedelta) else float(timeout)
    return value if value > 0 else None
