"""``ak session show --follow`` and ``log --follow`` at a terminal, in a pipe, and when they are interrupted."""

from __future__ import annotations

import os
import pty
import signal
import subprocess
import termios

import pytest

from tests.helpers.ak import AK
from tests.helpers.projects import write
from tests.helpers.waiting import eventually_sync

CODE = """
import time


def sleeps(event):
    print("sleeping")
    time.sleep(3600)


def repeats(event):
    while True:
        print("all the words", "word " * 100)
        time.sleep(0.5)
"""


@pytest.fixture(scope="module")
def deployed(up, tmp_path_factory):
    """A project with a quiet handler and one that goes on and on."""
    up.ak(
        "deploy",
        str(
            write(
                tmp_path_factory.mktemp("following"),
                "following",
                {"main.py": CODE},
                triggers="- {name: go, type: webhook, call: main.py:sleeps}",
            )
        ),
    )


def followed(up, command, session, **changes):
    """A follower that has shown what there is, and what it wrote so far."""
    process = subprocess.Popen(
        [AK, "session", command, session, "--follow"],
        env=up.environment | changes,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        # A shell's background job, as these tests may be, is started with interrupts ignored.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # noqa: PLW1509
    )
    assert process.stdout is not None
    assert process.stderr is not None
    text = b""
    while b"sleeping" not in text.rpartition(b"\n")[0]:
        text += process.stdout.readline()
    return process, text


@pytest.fixture(scope="module")
def sleeping(up, deployed):
    """A session in which nothing happens any more."""
    session = up.ak("session", "start", "following", "main.py:sleeps")["id"]
    eventually_sync(lambda: up.prints(session) == ["sleeping"])
    yield session
    up.ak("session", "stop", session, "--force")


@pytest.mark.parametrize("command", ["log", "show"])
def test_follow_can_be_interrupted(up, sleeping, command):
    """With status 130 and a word that ends the terminal's line, also while nothing happens."""
    process, _ = followed(up, command, sleeping)
    with process:
        process.send_signal(signal.SIGINT)
        assert (process.stderr.read(), process.wait(30)) == (b"interrupted\n", 130)


@pytest.mark.parametrize("command", ["log", "show"])
def test_follow_ends_when_its_reader_has_gone(up, sleeping, command):
    """As with `| head -1`, without another line to write, and without a word; what was read had the forced colours."""
    process, text = followed(up, command, sleeping, FORCE_COLOR="1", PYTHONIOENCODING="ascii")
    with process:
        process.stdout.close()
        assert (process.stderr.read(), process.wait(30)) == (b"", 0)
    assert (b"\x1b[1;36m" in text) == (command == "show")
    assert text.isascii()


def test_follow_is_as_wide_as_the_terminal_is_now(up, deployed):
    """Lines after it was made narrower are cut at its new width."""
    session = up.ak("session", "start", "following", "main.py:repeats")["id"]
    first, second = pty.openpty()
    try:
        termios.tcsetwinsize(second, (24, 200))
        process = subprocess.Popen(
            [AK, "session", "show", session, "--follow"], env=up.environment | {"TERM": "dumb"}, stdout=second
        )
        with os.fdopen(first, newline="\n", encoding="utf-8", closefd=False) as lines:
            line = next(line for line in lines if "all the words" in line)
            assert 150 < len(line) <= 202
            termios.tcsetwinsize(second, (24, 50))
            narrow = [next(line for line in lines if "all the words" in line) for _ in range(3)][-1]
            assert 45 < len(narrow.rstrip()) <= 50
            assert narrow.rstrip().endswith("…")
        process.terminate()
        process.wait(30)
    finally:
        os.close(first)
        os.close(second)
        up.ak("session", "stop", session, "--force")
