"""What somebody at a terminal types and sees, compared with a golden file."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Mapping
from pathlib import Path

from tests.helpers import golden
from tests.helpers.ak import AkUp
from tests.helpers.commands import run

FOLDER = Path(__file__).parents[1] / "acceptance" / "incidents" / "golden"
MOST_STEPS = 2
# The widths of columns follow the durations in them.
_COLUMNS = re.compile(r"(?<=\S) {2,}")
# How often a task was tried until somebody looked is chance.
_TRIED = re.compile(r"\b(?:one attempt|\d+ attempts) failed\b")

Transcript = Callable[..., str]


def record(
    up: AkUp, name: str, *commands: str, settings: Mapping[str, str] | None = None, **names: object
) -> str:
    """Type these commands, and compare what they print with the golden file of this name.

    Args:
        up: whose installation.
        name: of the incident.
        commands: at most two, as typed: ``ak session show ses_…``.
        settings: more environment variables.
        names: see `golden.normalised`.

    Returns:
        All that was printed, not normalised, without the commands.
    """
    assert len(commands) <= MOST_STEPS
    lines, printed = [], []
    for command in commands:
        # With that many columns nothing is cut, wherever a duration ends.
        wide = up.environment | {"COLUMNS": "200"} | dict(settings or {})
        done = run(shlex.split(command)[1:], wide)
        printed.append(done.stdout + done.stderr)
        lines += [f"$ {command}", _TRIED.sub("N attempts failed", _COLUMNS.sub("  ", printed[-1])).rstrip()]
    golden.check("\n".join(lines), name, folder=FOLDER, HOME=up.home, **names)
    return "\n".join(printed)
