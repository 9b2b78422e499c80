"""Time that passes only when a handler waits: for tests of handlers.

The user's modules see it through ``time``, ``datetime`` and ``asyncio``, however they imported them. ``time.sleep`` is
virtual for libraries as well, on the thread that runs the handler; every other clock of theirs stays real, since event
loops and sockets go by it.
"""

from __future__ import annotations

import asyncio
import contextlib
import datetime as dt
import sys
import threading
import time
import types
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from unittest import mock


class Clock:
    """A clock that stands still until it is moved.

    Attributes:
        slept: the seconds that sleeping took so far.
    """

    def __init__(self, now: dt.datetime) -> None:
        """Stand at a time; one without a zone is in UTC."""
        self._begin = now if now.tzinfo is not None else now.replace(tzinfo=dt.UTC)
        self._seconds = 0.0
        self.slept = 0.0

    @property
    def seconds(self) -> float:
        """Seconds since the beginning."""
        return self._seconds

    def now(self, zone: dt.tzinfo | None = None) -> dt.datetime:
        """The time in a zone; local and without one, as ``datetime.now``."""
        moment = self._begin + dt.timedelta(seconds=self._seconds)
        return moment.astimezone(zone) if zone is not None else moment.astimezone().replace(tzinfo=None)

    def move_to(self, seconds: float) -> None:
        """Go on to a time; never back."""
        self._seconds = max(self._seconds, seconds)

    def sleep(self, seconds: float) -> None:
        """Let time pass.

        Raises:
            ValueError: the time is negative.
        """
        if seconds < 0:
            raise ValueError("sleep length must be non-negative")
        self._seconds += seconds
        self.slept += seconds

    def timestamp(self) -> float:
        """Seconds since the epoch."""
        return self._begin.timestamp() + self._seconds


class _DatetimeKind(type):
    def __instancecheck__(cls, value: object) -> bool:
        return isinstance(value, cls.__mro__[1])

    def __subclasscheck__(cls, kind: type) -> bool:
        return issubclass(kind, cls.__mro__[1])

    def __call__(cls, *args: Any, **kwargs: Any) -> Any:
        return cls.__mro__[1](*args, **kwargs)


def stand_ins(clock: Clock) -> dict[int, Any]:
    """What stands in the place of what, by the identity of the real thing."""
    real_sleep = asyncio.sleep

    class Datetime(dt.datetime, metaclass=_DatetimeKind):
        @classmethod
        def now(cls, tz: dt.tzinfo | None = None) -> Any:
            return clock.now(tz)

        @classmethod
        def utcnow(cls) -> Any:
            return clock.now(dt.UTC).replace(tzinfo=None)

        @classmethod
        def today(cls) -> Any:
            return clock.now()

    class Date(dt.date, metaclass=_DatetimeKind):
        @classmethod
        def today(cls) -> Any:
            return clock.now().date()

    async def sleep(delay: float, result: Any = None) -> Any:
        clock.sleep(max(delay, 0))
        return await real_sleep(0, result)

    functions: dict[Any, Any] = {
        time.sleep: clock.sleep,
        time.time: clock.timestamp,
        time.time_ns: lambda: int(clock.timestamp() * 1e9),
        time.monotonic: lambda: clock.seconds,
        time.monotonic_ns: lambda: int(clock.seconds * 1e9),
        time.perf_counter: lambda: clock.seconds,
        asyncio.sleep: sleep,
        dt.datetime: Datetime,
        dt.date: Date,
    }
    found = {id(real): stand_in for real, stand_in in functions.items()}
    for module in (time, dt, asyncio):
        copy = types.ModuleType(module.__name__, module.__doc__)
        vars(copy).update({name: found.get(id(value), value) for name, value in vars(module).items()})
        found[id(module)] = copy
    return found


def modules_of(directory: Path) -> list[types.ModuleType]:
    """The modules that stand in a directory, without its virtual environments."""
    root = directory.resolve()
    found = []
    for module in list(sys.modules.values()):
        file = getattr(module, "__file__", None)
        if isinstance(file, str):
            path = Path(file).resolve()
            if path.is_relative_to(root) and "site-packages" not in path.parts:
                found.append(module)
    return found


@contextlib.contextmanager
def passing(clock: Clock, modules: list[types.ModuleType]) -> Iterator[None]:
    """Let these modules see the clock, on this thread."""
    replacements = stand_ins(clock)
    thread, real_sleep = threading.get_ident(), time.sleep

    def sleep(seconds: float) -> None:
        here: Callable[[float], None] = clock.sleep if threading.get_ident() == thread else real_sleep
        here(seconds)

    with contextlib.ExitStack() as stack:
        for module in modules:
            changed = {n: replacements[id(v)] for n, v in vars(module).items() if id(v) in replacements}
            if changed:
                stack.enter_context(mock.patch.dict(vars(module), changed))
        stack.enter_context(mock.patch.object(time, "sleep", sleep))
        yield
