"""Wait for a condition instead of sleeping for a time."""

from __future__ import annotations

import asyncio
import inspect
import time
from collections.abc import Awaitable, Callable
from typing import Any

_POLL_SECONDS = 0.05
_LONGEST_POLL_SECONDS = 1.0


async def eventually(condition: Callable[[], bool | Awaitable[bool]], seconds: float = 60) -> None:
    """Return once the condition holds; fail with its last answer when it never does."""
    end = time.monotonic() + seconds
    answer: Any = None
    while time.monotonic() < end:
        answer = condition()
        if inspect.isawaitable(answer):
            answer = await answer
        if answer:
            return
        await asyncio.sleep(_POLL_SECONDS)
    raise AssertionError(
        f"it did not happen within {seconds} s: {inspect.getsource(condition).strip()} → {answer!r}"
    )


def eventually_sync(condition: Callable[[], Any], seconds: float = 60, every: float = _POLL_SECONDS) -> Any:
    """The same without an event loop, no more often than every so many seconds; returns the condition's answer."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        began = time.monotonic()
        answer = condition()
        if answer:
            return answer
        # Who asks with a command keeps a core busy: three times as long it belongs to those who are waited for.
        pause = 3 * (time.monotonic() - began)
        time.sleep(max(every, min(pause, _LONGEST_POLL_SECONDS)))
    raise AssertionError(f"it did not happen within {seconds} s: {inspect.getsource(condition).strip()}")
