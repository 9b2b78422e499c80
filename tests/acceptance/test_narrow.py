"""What people read at 80 columns: on a terminal, and in a pipe where COLUMNS says so, with names of 60 characters."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import struct
import subprocess
import termios

import pytest

from tests.helpers.ak import AK
from tests.helpers.projects import write
from worker.story.widths import width

LONG = "a_name_that_somebody_thought_about_for_quite_a_while_0123456"
CODE = f"""
def {LONG}(event):
    print("got", event.data)
"""
TRIGGERS = f"""
- {{name: {LONG}, type: webhook, filter: 'data.body.json.number > 1', call: "{LONG}.py:{LONG}"}}
- {{name: {LONG}_daily, schedule: "0 9 * * *", call: "{LONG}.py:{LONG}"}}
- {{name: {LONG}_chat, connection: {LONG}_slack, call: "{LONG}.py:{LONG}"}}
"""
EXTRA = f"""
connections:
  - {{name: {LONG}_slack, integration: slack}}
vars:
  - {{name: {LONG.upper()}, value: "{"many words " * 40}", description: "{"told at length " * 10}"}}
"""
_LINK = re.compile(r"\x1b]8;;[^\x1b]*\x1b\\|\x1b\[[0-9;]*m")


@pytest.fixture(scope="module")
def event(up, tmp_path_factory):
    """A project with long names, and an event of it whose filter fails."""
    directory = write(
        tmp_path_factory.mktemp("narrow"), LONG, {f"{LONG}.py": CODE}, triggers=TRIGGERS, extra=EXTRA
    )
    up.ak("deploy", str(directory))
    up.ak("value", "set", LONG, LONG, '"a value"')
    return up.ak("event", "send", LONG, LONG, "--data", '{"text": "' + "many words " * 60 + '"}')["event_id"]


def on_terminal(up, *arguments: str) -> list[str]:
    """The lines of a command on a terminal of 80 columns, without links and colours."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
    found = b""
    with subprocess.Popen(
        [AK, *arguments], env=up.environment, stdin=subprocess.DEVNULL, stdout=theirs, stderr=subprocess.PIPE
    ) as process:
        os.close(theirs)
        while True:
            try:
                part = os.read(ours, 65_536)
            except OSError:  # how a terminal says that nobody writes any more
                break
            if not part:
                break
            found += part
        errors = process.stderr.read() if process.stderr else b""
    os.close(ours)
    assert found, errors
    return _LINK.sub("", found.decode()).replace("\r\n", "\n").splitlines()


def in_pipe(up, *arguments: str) -> list[str]:
    """The same in a pipe."""
    done = subprocess.run(
        [AK, *arguments],
        env=up.environment | {"COLUMNS": "80"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout, done.stderr
    return done.stdout.splitlines()


def too_wide(lines: list[str]) -> list[str]:
    """Lines that a terminal of 80 columns breaks although they could have been broken at a blank; not those of data."""
    lines = lines[: lines.index("{")] if "{" in lines else lines
    return [
        line for line in lines if width(line) > 80 and len(re.sub(r"`[^`]*`", "command", line).split()) > 1
    ]


COMMANDS = [
    ["event", "list"],
    ["event", "list", LONG],
    ["event", "get", "EVENT"],
    ["event", "explain", "EVENT"],
    ["event", "redispatch", "--project", LONG, "--dry-run"],
    ["trigger", "list", LONG],
    ["trigger", "get", LONG, LONG],
    ["trigger", "get", LONG, f"{LONG}_daily"],
    ["connection", "list", LONG],
    ["connection", "get", LONG, f"{LONG}_slack"],
    ["var", "list", LONG],
    ["value", "list", LONG],
    ["deployment", "list", LONG],
    ["deployment", "get", LONG],
    ["project", "list"],
    ["project", "get", LONG],
    ["retention", "show"],
    ["doctor"],
    ["filter", "test", f"data.{LONG} == 1 && data.{LONG} == 2", "--data", '{"number": 1}'],
]


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: " ".join(command).replace(LONG, "LONG"))
def test_nothing_is_wider_than_the_terminal(up, event, command):
    """Only a word or a command that is longer by itself is, for it is there to be pasted."""
    lines = on_terminal(up, *(event if word == "EVENT" else word for word in command))
    assert too_wide(lines) == [], "\n".join(lines)


def test_a_pipe_has_the_width_that_it_is_told(up, event):
    """With COLUMNS as on a terminal; without it tables have one line for each row."""
    for command in (["event", "list"], ["event", "explain", event], ["trigger", "list", LONG]):
        lines = in_pipe(up, *command)
        assert too_wide(lines) == [], "\n".join(lines)
    assert len(up.run("trigger", "list", LONG).stdout.splitlines()) == 4


def test_the_ids_of_a_narrow_list_are_taken_by_commands(up, event):
    """And the whole list is there with --wide, as it is in a pipe."""
    heads, first, *_ = on_terminal(up, "event", "list", LONG)
    assert heads.split()[0] == "ID"
    assert up.ak("event", "get", first.split()[0])["id"] == event
    wide = on_terminal(up, "event", "list", LONG, "--wide")[1]
    assert wide.startswith(event)
    assert LONG in wide
    assert wide.count("many words") > 2  # the same of its data as in a pipe
