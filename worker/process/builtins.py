"""The builtins that mean something else in a project: ``print``, ``input`` and ``breakpoint``.

They stand in every user module's namespace, in sessions and in activities, so each looks up where it runs.
"""

from __future__ import annotations

import builtins
import io
import logging
import sys
import types
from typing import Any

from worker.activities.recorder import CURRENT
from worker.contracts import LINE_LOG, LINE_PRINT, LINE_WARNING
from worker.errors import CallError
from worker.process.streams import Stream, install, isolate_redirection, keep_input, taken
from worker.session.host import Host, RunningState

_OUR_LOGGERS = frozenset({"autokitteh", "temporalio", "asyncio"})


def make(state: RunningState) -> dict[str, Any]:
    """The replaced builtins, by name."""

    def print(*values: object, **options: Any) -> None:  # noqa: A001
        file: Any = options.pop("file", None) or sys.stdout
        ours = isinstance(file, Stream)
        if not ours and (taken() or file is not sys.stdout):
            builtins.print(*values, file=file, **options)
            return
        text = io.StringIO()
        builtins.print(*values, file=text, **options)
        if ours:
            file.say(owner(state), text.getvalue())
        else:
            add(state, LINE_PRINT, text.getvalue().removesuffix("\n"))

    print.__qualname__ = "print"

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
    found = owner(state)
    if found is not None:
        found.add(kind, text)


def owner(state: RunningState) -> Any:
    """The log of whatever runs on this thread; None while the project is loaded."""
    session = state.here
    if session is not None:
        session.driver.check_open()
        return session.output
    return CURRENT.get()


def take_output(host: Host) -> None:
    """Let what a program writes to standard output and error, and logs, stand in the session log."""
    state = host.state
    record_logging(state)
    for kind, name in ((LINE_PRINT, "stdout"), (LINE_LOG, "stderr")):
        install(kind, name, lambda: owner(state))
    keep_input()
    isolate_redirection()
    host.surroundings.settle()
