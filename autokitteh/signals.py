"""Messages between sessions."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from autokitteh import _runtime
from autokitteh.errors import AutoKittehError
from autokitteh.events import Timeout, seconds

_SESSION_PREFIX = "ses_"
_TARGETED = 3  # arguments: session, name, payload
_LONGEST = 1000  # as Temporal takes them
_SHOWN = 60


@dataclass
class Signal:
    """A signal that was received.

    Attributes:
        name: its name; for the end of a child session, that session's id.
        payload: what was sent with it.
    """

    name: str
    payload: Any = None


def signal(*args: Any, **kwargs: Any) -> None:
    """Send a signal: ``signal(name, data)`` to the project's sessions, ``signal(session_id, name, payload)`` to one.

    The first form reaches all sessions of the project that run at that moment and wait for the name, now or later.

    Args:
        args: name and data, or session id, name and payload. A first argument that begins with ``ses_`` is a session.
        kwargs: the same by name: ``signal_name``, ``data``; ``session_id``, ``name``, ``payload``.

    Raises:
        AutoKittehError: the session has ended or never was, an id or a name that none can have, or the call stands in an
            activity.
        TypeError: the arguments fit neither form.
    """
    to_session = (
        "session_id" in kwargs
        or len(args) == _TARGETED
        or (len(args) > 1 and isinstance(args[0], str) and args[0].startswith(_SESSION_PREFIX))
        or (len(args) == 1 and "name" in kwargs)
    )
    session_id, name, payload = _to_session(*args, **kwargs) if to_session else _to_all(*args, **kwargs)
    if session_id is not None:
        _check("session's id", session_id)
        _check("signal's name", name)
    _runtime.current().signal(session_id, name, payload)


def _check(what: str, text: object) -> None:
    if not isinstance(text, str) or not 0 < len(text) <= _LONGEST:
        shown = repr(text)
        shown = shown if len(shown) < _SHOWN else f"{shown[:_SHOWN]}…"
        raise AutoKittehError(f"signal: the {what} is a text of 1 to {_LONGEST} characters, not {shown}")


def _to_session(session_id: str, name: str, payload: Any = None) -> tuple[str | None, str, Any]:
    return session_id, name, payload


def _to_all(signal_name: str, data: Any = None) -> tuple[str | None, str, Any]:
    return None, signal_name, data


def wait_for_signal(signal_name: str, timeout: Timeout = None) -> Any:
    """Wait for a signal of this name.

    Args:
        signal_name: the name.
        timeout: seconds or a timedelta; None and 0 wait for ever.

    Returns:
        The signal's data, ``{}`` when it had none, or None after the timeout.

    Raises:
        AutoKittehError: the call stands in an activity.
    """
    found = next_signal(signal_name, timeout=timeout)
    if found is None:
        return None
    return {} if found.payload is None else found.payload


def next_signal(name: str | Iterable[str], *, timeout: Timeout = None) -> Signal | None:
    """Wait for a signal of one of these names; the first name in order that has one waiting gives it.

    Args:
        name: a name, or several. The id of a child session is the name of the signal of its end, whose payload is
            ``{"completed": True, "value": …}`` or ``{"completed": False}``.
        timeout: seconds or a timedelta; None and 0 wait for ever.

    Returns:
        The signal, or None after the timeout.

    Raises:
        AutoKittehError: the call stands in an activity.
    """
    names = [name] if isinstance(name, str) else list(name)
    found = _runtime.current().next_signal(names, seconds(timeout))
    return None if found is None else Signal(*found)
