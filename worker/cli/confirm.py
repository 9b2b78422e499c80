"""Ask a person before something is taken away; without one at a terminal, refuse."""

from __future__ import annotations

import sys

from worker.errors import WorkerError


def confirm(question: str, refusal: WorkerError, *, yes: bool, as_json: bool) -> None:
    """Return when the answer is yes.

    Args:
        question: what a yes means, as a person reads it.
        refusal: raised when the answer is no, and at once where nobody can be asked; names the option that says yes.
        yes: the option was given.
        as_json: a program is listening: it is never asked.

    Raises:
        WorkerError: the refusal.
    """
    if yes:
        return
    if as_json or not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise refusal
    sys.stderr.write(f"{question} [y/N] ")
    sys.stderr.flush()
    if sys.stdin.readline().strip().lower() not in {"y", "yes"}:
        raise refusal
