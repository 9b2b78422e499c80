"""Errors of user code as Temporal failures whose message says what and where first: ``KeyError: 'id' (main.py:33)``.

A plain exception in workflow code would leave the run *Running* for ever; an application failure ends it. The
details carry what the command line shows: type, message and the traceback of the user's frames.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from temporalio.exceptions import ApplicationError

from autokitteh import AutoKittehError
from worker.contracts import JSON
from worker.errors import OverBudget, WorkerError
from worker.payload.exceptions import remote_frames
from worker.usercode import frames

_MESSAGE_LIMIT = 4_000  # characters of a failure's message


def type_name(error: BaseException) -> str:
    """The type as a traceback shows it: no module for built-in exceptions; of an error of ours its code."""
    if isinstance(error, WorkerError):
        return error.code
    if isinstance(error, OverBudget):
        return OverBudget.__name__
    kind = type(error)
    return (
        kind.__qualname__
        if kind.__module__ in {"builtins", "__main__"}
        else f"{kind.__module__}.{kind.__qualname__}"
    )


def message_of(error: BaseException) -> str:
    """The error's text; never raises, whatever its ``__str__`` does."""
    try:
        return error.message if isinstance(error, WorkerError) else str(error)
    except Exception as failure:
        return f"<its message cannot be shown: {type(failure).__name__}>"


def to_failure(
    error: BaseException, directory: Path, traceback: str = "", mask: Callable[[str], str] = str
) -> ApplicationError:
    """The failure that ends the session for this uncaught error, with secrets hidden by ``mask``."""
    where = place(error, directory)
    message = mask(message_of(error))
    code, hint = "", ""
    if isinstance(error, WorkerError):
        code, hint, where = error.code, error.hint, where or error.where
    elif isinstance(error, AutoKittehError):
        code = error.code
    text = f"{type_name(error)}: {message}".removesuffix(": ")
    if isinstance(error, ModuleNotFoundError):
        text += "; is it in requirements.txt?"
    text = text[:_MESSAGE_LIMIT]
    if code and not text.startswith(code):
        text += f" [{code}]"
    first = "\n  ".join(filter(None, [f"{text} ({where})" if where else text, hint]))
    details: dict[str, JSON] = {
        "type": type_name(error),
        "code": code,
        "message": message[:_MESSAGE_LIMIT],
        "hint": hint,
        "where": where,
        "traceback": mask(
            traceback
            or frames.render(
                error, directory, remote=[frames.Frame(*frame) for frame in remote_frames(error)]
            )
        ),
    }
    return ApplicationError(first, details, type=type_name(error), non_retryable=True)


def place(error: BaseException, directory: Path) -> str:
    """``file:line`` of the innermost frame of the user's, also when it was in an activity."""
    remote = remote_frames(error)
    if remote:
        return f"{remote[-1][0]}:{remote[-1][1]}"
    return frames.where(error, directory)
