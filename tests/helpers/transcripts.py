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
# What is told while something takes its time is chance, too.
_MEANWHILE = re.compile(
    r"^(?:\w+: (?:(?:pending|starting) …|deployment \S+ has no sessions left and was stopped)|deleting \w+: .*)\n?",
    re.MULTILINE,
)

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
    return typed(up, name, *commands, settings=settings, folder=FOLDER, **names)


def typed(
    up: AkUp,
    name: str,
    *commands: str,
    settings: Mapping[str, str] | None = None,
    folder: Path = golden.FOLDER,
    unlike: str = "",
    **names: object,
) -> str:
    """The same for any number of commands, in a file beside the tests that compare what a command prints.

    ``ak var set p NAME < text`` gives the text on standard input; a status other than 0 stands behind the output.
    What matches ``unlike`` depends on what else there is, and is left out.
    """
    lines, printed = [], []
    for command in commands:
        command_line, _, given = command.partition(" < ")
        # With that many columns nothing is cut, wherever a duration ends.
        wide = up.environment | {"COLUMNS": "200"} | dict(settings or {})
        done = run(shlex.split(command_line)[1:], wide, given=given)
        printed.append(done.stdout + done.stderr)
        shown = steady(printed[-1]) if folder != FOLDER else told(printed[-1])
        status = f"(ended with {done.returncode})" if done.returncode and folder != FOLDER else ""
        lines += ["\n".join(filter(None, (f"$ {command}", shown, status)))]
    if unlike:
        lines = [re.sub(unlike, "…", line) for line in lines]
    golden.check("\n".join(lines), name, folder=folder, HOME=up.home, **names)
    return "\n".join(printed)


def told(text: str) -> str:
    """The text without what differs with durations."""
    return _TRIED.sub("N attempts failed", _COLUMNS.sub("  ", text)).rstrip()


def steady(text: str) -> str:
    """The same, also without what a command tells while it waits."""
    return told(_MEANWHILE.sub("", text))
