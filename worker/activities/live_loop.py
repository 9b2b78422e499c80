"""The event loop on which coroutines of live objects run: one for the whole process.

A client such as ``httpx.AsyncClient`` keeps connections that belong to the loop they were opened on. A loop for each call
would leave it with connections of loops that are closed.

May import: the standard library. Never: a session.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import threading
from collections.abc import Coroutine
from typing import Any

_LOOK_SECONDS = 0.5
_lock = threading.Lock()
_loop: asyncio.AbstractEventLoop | None = None


def run(coroutine: Coroutine[Any, Any, Any]) -> Any:
    """Run it to its end while this thread waits; whoever interrupts the thread cancels it.

    It runs in this thread's context, so that what it prints belongs to the call.
    """
    future = asyncio.run_coroutine_threadsafe(coroutine, _started())
    try:
        while not future.done():
            concurrent.futures.wait(
                [future], _LOOK_SECONDS
            )  # a thread is interrupted only when it does something
        return future.result()
    finally:
        future.cancel()


def _started() -> asyncio.AbstractEventLoop:
    global _loop  # noqa: PLW0603 - one for the process
    with _lock:
        if _loop is None:
            # Not uvloop's: objects are closed from the session's thread as well, where their blocks end.
            _loop = asyncio.SelectorEventLoop()
            threading.Thread(target=_loop.run_forever, name="live coroutines", daemon=True).start()
        return _loop
