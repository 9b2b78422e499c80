"""Mark functions: run as one activity, or never as one. Marks only; what they mean is the worker's business."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, TypeVar, overload

from autokitteh import _runtime

F = TypeVar("F", bound=Callable[..., Any])
ACTIVITY_MARK = "__ak_activity__"
INHIBIT_MARK = "__ak_inhibit__"


@dataclass(frozen=True)
class ActivityMark:
    """How a marked function runs.

    Attributes:
        retries: how often an exception is tried again; 0 makes the first one final.
        timeout_seconds: how long one attempt may take; None for no limit.
        backoff_seconds: the pause before the first retry; None for half a second. Each next one is twice as long.
        idempotency_key: the parameter that is given the call's key; empty for none.
    """

    retries: int = 0
    timeout_seconds: float | None = None
    backoff_seconds: float | None = None
    idempotency_key: str = ""


@overload
def activity(fn: F, /) -> F: ...


@overload
def activity(
    *,
    retries: int = 0,
    timeout: timedelta | float | None = None,
    backoff: timedelta | float | None = None,
    idempotency_key: str = "",
) -> Callable[[F], F]: ...


def activity(
    fn: Callable[..., Any] | None = None,
    /,
    *,
    retries: int = 0,
    timeout: timedelta | float | None = None,
    backoff: timedelta | float | None = None,
    idempotency_key: str = "",
) -> Callable[..., Any]:
    """Mark a function as one unit of durable execution.

    Everything the function does is recorded as one step: it runs once, its result is kept, and what it calls is not
    recorded separately. Use it around objects that cannot be kept (files, database connections), for long operations,
    and to group several operations.

    Args:
        fn: the function, method or class.
        retries: how often an exception is tried again, with growing pauses.
        timeout: how long one attempt may take, in seconds or as a timedelta.
        backoff: the pause before the first retry, in seconds or as a timedelta; half a second when missing. Each next
            one is twice as long, at most a hundred times as long.
        idempotency_key: the name of a parameter of the function. Unless the caller gives it, it gets a text that is
            the same whenever this call is attempted again, after a crash for example, and that no other call gets:
            what services take as an idempotency key.

    Raises:
        TypeError: what is marked cannot be called.
        ValueError: retries are negative, a timeout or backoff is not positive, or there is no parameter with a default
            value of the name given as ``idempotency_key``.

    Example:
        >>> @activity
        ... def fetch(url):
        ...     return url
    """
    if retries < 0:
        raise ValueError(f"@activity(retries={retries}): a number of retries is 0 or more")
    mark = ActivityMark(retries, _seconds("timeout", timeout), _seconds("backoff", backoff), idempotency_key)
    if fn is None:
        return lambda function: _marked(function, mark)
    return _marked(fn, mark)


def _marked(fn: Any, mark: ActivityMark) -> Callable[..., Any]:
    if mark.idempotency_key:
        function = fn.__func__ if isinstance(fn, staticmethod | classmethod) else fn
        parameter = inspect.signature(function).parameters.get(mark.idempotency_key)
        if parameter is None or parameter.default is parameter.empty:
            name = mark.idempotency_key
            raise ValueError(
                f"@activity(idempotency_key={name!r}): give the function a parameter {name}=None"
            )
    marked: Callable[..., Any] = set_mark(fn, ACTIVITY_MARK, mark)
    return marked


def _seconds(name: str, value: timedelta | float | None) -> float | None:
    seconds = value.total_seconds() if isinstance(value, timedelta) else value
    if seconds is not None and not seconds > 0:
        raise ValueError(f"@activity({name}={value!r}): a {name} is longer than 0 seconds")
    return seconds


def inhibit_activities(fn: F) -> F:
    """Mark a function so that nothing it calls becomes an activity while it runs."""
    marked: F = set_mark(fn, INHIBIT_MARK, value=True)
    return marked


def register_no_activity(items: Iterable[Any]) -> None:
    """Run these functions, and all methods of these classes, where they are called: never as activities."""
    _runtime.current().register_no_activity(items)


def set_mark(fn: Any, name: str, value: Any) -> Any:
    """Put a mark on a callable; one that takes no attributes is wrapped in a function."""
    if isinstance(fn, staticmethod | classmethod):
        marked = set_mark(fn.__func__, name, value)
        return fn if marked is fn.__func__ else type(fn)(marked)
    if not callable(fn):
        # A property, too, would be run by an attribute, which is no call.
        raise TypeError(
            f"only what is called can be marked, not {type(fn).__name__!r}: mark a function instead"
        )
    try:
        setattr(fn, name, value)
    except (AttributeError, TypeError):

        @functools.wraps(fn)
        def carrier(*args: Any, **kwargs: Any) -> Any:
            return fn(*args, **kwargs)

        setattr(carrier, name, value)
        return carrier
    return fn
