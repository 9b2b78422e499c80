"""Which callables of the standard library have a deterministic stand-in in a session, and its name.

The session implements the stand-ins (``worker.session.standins``); here is only the table. It may name ``time.sleep``;
nothing here calls it.
"""

from __future__ import annotations

import asyncio
import builtins
import concurrent.futures
import datetime as dt
import importlib
import os
import queue
import random
import secrets
import threading
import time
import types
import uuid
from typing import Any

_CLOCKS = ("time", "monotonic", "perf_counter", "process_time", "thread_time")
_TIME = ("sleep", "localtime", "gmtime", "ctime", "asctime", "strftime")
_WAITING: dict[type, tuple[str, ...]] = {
    threading.Thread: ("start", "join", "is_alive"),
    threading.Event: ("wait",),
    queue.Queue: ("get", "put", "join"),
}
_SECRETS = ("token_bytes", "token_hex", "token_urlsafe", "randbelow", "choice", "randbits")


def _table() -> dict[int, tuple[Any, str]]:
    found: dict[int, tuple[Any, str]] = {}

    def add(function: Any, name: str) -> None:
        found[id(function)] = (function, name)

    for clock in _CLOCKS:
        add(getattr(time, clock), f"time.{clock}")
        add(getattr(time, f"{clock}_ns"), f"time.{clock}_ns")
    for name in _TIME:
        add(getattr(time, name), f"time.{name}")
    for name in _SECRETS:
        add(getattr(secrets, name), f"secrets.{name}")
    for name in ("uuid1", "uuid4"):
        add(getattr(uuid, name), f"uuid.{name}")
    add(os.urandom, "os.urandom")
    if hasattr(os, "getrandom"):
        add(os.getrandom, "os.getrandom")
    add(random.Random, "random.Random")
    add(random.SystemRandom, "random.SystemRandom")
    add(importlib.import_module, "importlib.import_module")
    add(asyncio.run, "asyncio.run")
    add(asyncio.new_event_loop, "asyncio.new_event_loop")
    add(asyncio.as_completed, "asyncio.as_completed")
    for name in ("Lock", "RLock", "Semaphore", "BoundedSemaphore", "Timer", "Condition", "Barrier", "local"):
        add(getattr(threading, name), f"threading.{name}")
    for name in ("current_thread", "get_ident"):
        add(getattr(threading, name), f"threading.{name}")
    for name in ("ThreadPoolExecutor", "as_completed", "wait"):
        add(getattr(concurrent.futures, name), f"concurrent.futures.{name}")
    for kind, methods in _WAITING.items():
        for method in methods:
            add(getattr(kind, method), f"{kind.__module__}.{kind.__name__}.{method}")
    return found


_TABLE = _table()
_SHARED_GENERATOR = getattr(random, "_inst")  # noqa: B009 - what the functions of ``random`` are bound to
_CLASS_CLOCKS = {"now": "datetime.datetime.now", "utcnow": "datetime.datetime.utcnow"}
LOOP = "asyncio.loop"
_LOOPS_OWN = frozenset({"run_until_complete", "run_in_executor", "create_task", "close", "is_closed"})
_BUILTINS = {id(getattr(builtins, name)): name for name in ("print", "input", "breakpoint")}


def also(function: Any, name: str) -> None:
    """Another callable that has this stand-in: ours, which the process put in the place of the real one."""
    _TABLE[id(function)] = (function, name)


def lookup(callee: Any) -> str | None:
    """The name of the stand-in for this callable; None when it has none."""
    entry = _TABLE.get(id(callee))
    if entry is not None and entry[0] is callee:
        return entry[1]
    if isinstance(callee, types.MethodType):
        entry = _TABLE.get(id(callee.__func__))
        if entry is not None and entry[0] is callee.__func__:
            return entry[1]
    if isinstance(callee, types.BuiltinFunctionType | types.MethodType):
        owner = callee.__self__
        if isinstance(owner, asyncio.AbstractEventLoop) and callee.__name__ not in _LOOPS_OWN:
            return LOOP
        if owner is _SHARED_GENERATOR:
            return f"random.{callee.__name__}"
        # Built-in methods only: a class that defines a ``now`` of its own means its own.
        builtin = isinstance(callee, types.BuiltinFunctionType)
        if builtin and isinstance(owner, type) and issubclass(owner, dt.date):
            if callee.__name__ == "today":
                return "datetime.datetime.today" if issubclass(owner, dt.datetime) else "datetime.date.today"
            if issubclass(owner, dt.datetime):
                return _CLASS_CLOCKS.get(callee.__name__)
    return f"builtins.{_BUILTINS[id(callee)]}" if id(callee) in _BUILTINS else None


def names() -> frozenset[str]:
    """The stand-ins of the table; those bound to the shared generator of ``random`` are not listed."""
    return (
        frozenset(name for _, name in _TABLE.values())
        | frozenset(_CLASS_CLOCKS.values())
        | {
            "datetime.datetime.today",
            "datetime.date.today",
            LOOP,
        }
        | frozenset(f"builtins.{name}" for name in _BUILTINS.values())
    )
