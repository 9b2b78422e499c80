"""The builtins that mean something else in a project: ``print``, ``input`` and ``breakpoint``.

They stand in every user module's namespace, in sessions and in activities, so each looks up where it runs.
"""

from __future__ import annotations

import builtins
import io
import logging
import sys
import threading
import types
from typing import Any

from worker.activities.recorder import CURRENT
from worker.contracts import LINE_LOG, LINE_PRINT, LINE_WARNING
from worker.errors import CallError
from worker.session.host import RunningState

_OUR_LOGGERS = frozenset({"autokitteh", "temporalio", "asyncio"})


def make(state: RunningState) -> dict[str, Any]:
    """The replaced builtins, by name."""

    def print(  # noqa: A001
        *values: object, sep: str | None = " ", end: str | None = "\n", file: Any = None, flush: bool = False
    ) -> None:
        if file is not None and file is not sys.stdout:
            builtins.print(*values, sep=sep, end=end, file=file, flush=flush)
            return
        text = io.StringIO()
        builtins.print(*values, sep=sep, end=end, file=text)
        add(state, LINE_PRINT, text.getvalue().removesuffix("\n"))

    def input(prompt: object = "") -> str:  # noqa: A001
        raise CallError(
            f"input({str(prompt)!r}) in a session: nobody sits at its terminal",
            hint="Start the session with the answer in its data.",
        )

    def breakpoint(*_args: object, **_kwargs: object) -> None:  # noqa: A001
        add(state, LINE_WARNING, "breakpoint() was passed over: a session has no terminal")

    return {"print": print, "input": input, "breakpoint": breakpoint}


def record_logging(state: RunningState) -> None:
    """Let what ``logging`` lets through stand in the session log as well, whatever handlers the program sets up."""
    plain = logging.Logger.callHandlers

    def call_handlers(self: logging.Logger, record: logging.LogRecord) -> None:
        if record.name.partition(".")[0] not in _OUR_LOGGERS:
            add(state, LINE_LOG, f"{record.levelname}: {record.getMessage()}")
        plain(self, record)

    logging.Logger.callHandlers = call_handlers  # type: ignore[method-assign]


def functions(replaced: dict[str, Any]) -> tuple[types.FunctionType, ...]:
    """The replaced builtins as functions, for the router."""
    return tuple(replaced.values())


def add(state: RunningState, kind: str, text: str) -> None:
    """One line in the log of whatever runs here: a session, an activity, or the loading of the project."""
    session = state.current if threading.get_ident() == state.thread else None
    if session is not None:
        session.driver.check_open()
        session.output.add(kind, text)
        return
    recorder = CURRENT.get()
    if recorder is not None:
        recorder.add(kind, text)
