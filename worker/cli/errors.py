"""One handler for everything that goes wrong in a command: message and exit status, never a traceback of ours.

0 ok, 1 failure, 2 usage, 3 our bug (with a report), 4 not found, 130 interrupted.
"""

from __future__ import annotations

import asyncio
import errno
import json
import sys
import traceback
from collections.abc import Callable
from pathlib import Path

import typer

from worker import clock, config
from worker.cli import output, usage
from worker.errors import InternalError, UsageError, WorkerError

# What the command line library raises for a wrong command line, whichever copy of it typer uses.
USAGE_ERRORS: tuple[type[Exception], ...] = tuple(
    kind for kind in typer.BadParameter.__mro__ if issubclass(kind, Exception) and hasattr(kind, "show")
)
INTERRUPTED = 130
# What the operating system refuses whoever asks, and what to do.
_ROOM = "Make room on that disk, or set AK_HOME to a directory on another one."
_OF_THE_MACHINE = {
    errno.ENOSPC: _ROOM,
    errno.EDQUOT: _ROOM,
    errno.EROFS: "Make that disk writable, or set AK_HOME to a directory on another one.",
    errno.EMFILE: "Allow more open files: `ulimit -n`.",
    errno.ENFILE: "Too much runs on this machine: end some of it.",
}


def guarded(run: Callable[[], object], *, as_json: bool, explain: Callable[[Exception], WorkerError]) -> int:
    """Run a command; returns the exit status.

    Args:
        run: the command.
        as_json: errors are a JSON document as well.
        explain: what is wrong with the command line, of an error of the command line library.
    """
    try:
        result = run()
    except typer.Exit as end:
        return end.exit_code
    except (KeyboardInterrupt, asyncio.CancelledError, typer.Abort):
        return interrupted()
    except USAGE_ERRORS as error:
        if usage.asks_for_help(error):
            error.show()  # type: ignore[attr-defined]
            return UsageError.exit_code
        explained = explain(error)
        show(explained, as_json=as_json)
        return explained.exit_code
    except (BrokenPipeError, SystemExit):  # the command line library exits when the reader of a pipe has gone
        return 0
    except Exception as error:
        told = explained_error(error)
        show(told, as_json=as_json)
        return told.exit_code
    if result == INTERRUPTED:  # the command line library says it by its result
        return interrupted()
    return result if isinstance(result, int) else 0


def interrupted() -> int:
    """Say so, on the line on which a terminal shows ``^C``: the prompt of the shell stands on one of its own."""
    sys.stderr.write("interrupted\n")
    return INTERRUPTED


def explained_error(error: Exception) -> WorkerError:
    """An error as it is told: ours as it is, what Temporal refused, else a bug, of which a report is written."""
    if isinstance(error, WorkerError):
        return error
    if type(error).__name__ == "RPCError":  # named, not imported: most commands never talk to Temporal
        from worker.rpc import refused

        return refused("Temporal refused", error)  # type: ignore[arg-type]
    if isinstance(error, OSError) and error.errno in _OF_THE_MACHINE:
        ours = traceback.extract_tb(error.__traceback__)[-1].filename == output.__file__
        if ours and error.filename is None:
            return WorkerError(
                f"the output cannot be written: {error.strerror}", hint="Write it somewhere else."
            )
        return WorkerError(
            f"{error.filename or config.home_directory()}: {error.strerror}",
            hint=_OF_THE_MACHINE[error.errno],
        )
    try:
        report = str(write_report(error))
    except OSError as failure:
        report = f"it could not be written ({failure.strerror}), so here it is:\n{traced(error)}"
    return InternalError(
        f"a bug in ak: {type(error).__name__}: {error}",
        hint=f"Nothing is wrong with your command. The report: {report}",
    )


def show(error: WorkerError, *, as_json: bool) -> None:
    """An expected error, on stderr; as JSON on stdout too when that was asked for."""
    text, width = output.shown(f"{error.code}: {error}", sys.stderr), output.error_width()
    if width:
        from worker.cli.narrow import fitted

        text = fitted(text, width)
    sys.stderr.write(f"{text}\n")
    if as_json:
        facts = {"code": error.code, "message": error.message, "where": error.where, "hint": error.hint}
        sys.stdout.write(json.dumps({"error": facts}) + "\n")


def write_report(error: Exception) -> Path:
    """The traceback of a bug, in a file of the home."""
    directory = config.home_directory() / "reports"
    directory.mkdir(parents=True, exist_ok=True)
    path = directory / f"{clock.now():%Y%m%d-%H%M%S-%f}.txt"
    path.write_text(traced(error))
    return path


def traced(error: Exception) -> str:
    """Where it was raised."""
    return "".join(traceback.format_exception(error))
