"""``ak session debug``: at a terminal, and with commands for scripts."""

from __future__ import annotations

import fcntl
import json
import os
import pty
import select
import signal
import subprocess
import termios
import time
from pathlib import Path

import pytest

from tests.helpers.ak import AK, CommandError
from tests.helpers.counting import counting
from tests.helpers.projects import write
from tests.helpers.waiting import eventually_sync

PROGRAM = """
import autokitteh
import requests


@autokitteh.activity
def get(path):
    return requests.get(URL + path, timeout=10).json()


def total(items):
    found = 0
    for item in items:
        found += item["amount"]
    return found


def on_event(event):
    first = get("/first")
    print("first", first["n"])
    second = get("/second")
    return total([first, second])
"""


@pytest.fixture(scope="module")
def server():
    """What the program calls."""
    with counting() as made:
        yield made


@pytest.fixture(scope="module")
def failed(up, server, tmp_path_factory):
    """A session that failed; the project has another version since."""
    project = tmp_path_factory.mktemp("debugged")
    write(project, "debugged", {"main.py": PROGRAM.replace("URL +", f"{server.url!r} +")})
    up.ak("deploy", str(project))
    ended = up.ak("session", "start", "debugged", "main.py:on_event", "--wait")
    assert ended["error"]["type"] == "KeyError", ended
    write(project, "debugged", {"main.py": "def on_event(event):\n    return 'another program'\n"})
    up.ak("deploy", str(project))
    return ended["id"]


class Terminal:
    """A command at a terminal of its own."""

    def __init__(self, up, *arguments: str):
        self.end, slave = pty.openpty()
        self.process = subprocess.Popen(
            [AK, *arguments],
            env={**up.environment, "TERM": "dumb"},
            stdin=slave,
            stdout=slave,
            stderr=slave,
            start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),  # noqa: PLW1509 - its Control-C is for it
        )
        os.close(slave)
        self.seen = ""

    def expect(self, text: str, seconds: float = 60) -> str:
        """What comes up to a text."""
        end = time.monotonic() + seconds
        while text not in self.seen:
            ready, _, _ = select.select([self.end], [], [], 0.2)
            if ready:
                try:
                    self.seen += os.read(self.end, 4096).decode()
                except OSError:
                    break
            elif time.monotonic() > end:
                break
        assert text in self.seen, self.seen
        found, _, self.seen = self.seen.partition(text)
        return found

    def type(self, line: str) -> None:
        """Type a line."""
        os.write(self.end, f"{line}\n".encode())

    def press(self, keys: str) -> None:
        """Press keys, without the one that ends a line."""
        os.write(self.end, keys.encode())

    def close(self) -> int:
        """Wait for its end."""
        status = self.process.wait(30)
        os.close(self.end)
        return status


def test_failed_session_is_debugged_at_a_terminal(up, failed, server):
    """It stands at the line of the error, in the code it ran; nothing is called, and the prompt answers."""
    before = dict(server.counts)
    terminal = Terminal(up, "session", "debug", failed)
    assert "KeyError: 'amount'" in terminal.expect("(ak) ")
    terminal.type("l")
    assert 'found += item["amount"]' in terminal.expect("(ak) ")
    terminal.type("p item")
    assert "'path': '/first', 'n': 1" in terminal.expect("(ak) ")
    terminal.type("u")
    assert "return total([first, second])" in terminal.expect("(ak) ")
    terminal.type("p second['n'], event.session_id")
    assert failed in terminal.expect("(ak) ")
    terminal.type("q")
    assert terminal.close() == 0
    assert dict(server.counts) == before


def test_session_is_stepped_through_with_recorded_results(up, failed, server):
    """From step 1 on with ``n``: the program's prints appear, results are the recorded ones; ``c`` runs to the end."""
    before = dict(server.counts)
    terminal = Terminal(up, "session", "debug", failed, "--at", "1")
    assert 'first = get("/first")' in terminal.expect("(ak) ")
    terminal.type("n")
    assert 'print("first", first["n"])' in terminal.expect("(ak) ")
    terminal.type("p first")
    assert "'n': 1" in terminal.expect("(ak) ")
    terminal.type("n")
    assert "first 1" in terminal.expect("(ak) ")
    terminal.type("c")
    assert (
        f"the recording of {failed} ends here: it ended in an error"
        in terminal.expect("an error") + "an error"
    )
    assert terminal.close() == 0
    assert dict(server.counts) == before


def test_commands_are_for_scripts(up, failed):
    """--commands prints what pdb would; --json says where it stood; wrong steps and sessions are told."""
    text = up.run("session", "debug", failed, "--at", "2", "--commands", "p first['n'];w").stdout
    assert "second = get" in text
    answer = up.ak("session", "debug", failed, "--commands", "p item['path']")
    assert (answer["session"], answer["at"]) == (failed, None)
    assert answer["where"] == "main.py:14"
    assert "'/first'" in answer["output"]
    piped = subprocess.run(
        [AK, "session", "debug", failed, "--at", "2"],
        env=up.environment,
        input="p first['path']\nq\n",
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert "'/first'" in piped.stdout
    for arguments, status in (
        ([failed, "--at", "9", "--commands", "w"], 4),
        (["ses_nowhere", "--commands", "w"], 4),
        ([failed], 2),
    ):
        with pytest.raises(CommandError) as refused:
            up.ak("session", "debug", *arguments)
        assert refused.value.status == status
        assert json.loads(refused.value.stdout)["error"]["message"]


WAITING = """
import autokitteh


@autokitteh.activity
def charge(n):
    print("charged", n)
    return n


def twice(n):
    return 2 * n


def on_event(event):
    paid = charge(1)
    autokitteh.next_signal("go")
    return twice(paid)
"""


POOLED = """
import os
from concurrent.futures import ThreadPoolExecutor


def at_once(paths):
    with ThreadPoolExecutor(4) as pool:
        return list(pool.map(os.path.getsize, paths))


def later(paths):
    with ThreadPoolExecutor(4) as pool:
        found = pool.map(os.path.getsize, paths)
        first = 1
        second = 2
    return list(found)


def on_event(event):
    return [at_once(["/etc/hostname", "/etc/hosts"]), later(["/etc/hostname"])]
"""


def test_a_librarys_function_in_a_pool_is_stopped_at_where_it_was_asked_for(up, tmp_path):
    """The thread has no line of the user's: the one that made the call is shown, or named where it waits elsewhere."""
    write(tmp_path / "p", "pooled", {"main.py": POOLED})
    up.ak("deploy", str(tmp_path / "p"))
    session = up.ak("session", "start", "pooled", "main.py:on_event", "--wait")["id"]

    def look(step: int, commands: str) -> tuple[str, str]:
        found = up.ak("session", "debug", session, "--at", str(step), "--commands", commands)
        return found["where"], found["output"]

    for step in (1, 2):
        where, output = look(step, "p paths; up; p event")
        assert where == "main.py:8"
        assert "['/etc/hostname', '/etc/hosts']" in output
    where, output = look(3, "p (first, second); n; n; p found")
    assert where == "main.py:12"
    assert "the call is asked for at main.py:13" in output
    assert "(1, 2)" in output
    assert "generator" in output


def test_recording_of_a_running_session_ends_where_it_waits(up, tmp_path):
    """Stepping over the open step is the end, told with what is waited for; typed activities are refused, the rest runs."""
    write(tmp_path / "p", "waiting", {"main.py": WAITING})
    up.ak("deploy", str(tmp_path / "p"))
    session = up.ak("session", "start", "waiting", "main.py:on_event")["id"]
    eventually_sync(
        lambda: (
            up.run("session", "debug", session, "--at", "2", "--commands", "w", check=False).returncode == 0
        ),
        60,
    )
    terminal = Terminal(up, "session", "debug", session, "--at", "2")
    assert 'autokitteh.next_signal("go")' in terminal.expect("(ak) ")
    for typed in ("charge(5)", "p charge(5)", "x = [charge(n) for n in (1, 2)]"):
        terminal.type(typed)
        seen = terminal.expect("(ak) ")
        assert "the debugger makes no calls" in seen
        assert "charged" not in seen
    terminal.type("p twice(paid)")
    assert "2" in terminal.expect("(ak) ")
    terminal.type("n")
    shown = terminal.expect("ends here: it still runs and waits for the signal go")
    assert "GreenletExit" not in shown
    assert f"the recording of {session}" in shown
    assert terminal.close() == 0
    assert up.ak("session", "get", session)["state"] == "running"
    up.ak("session", "stop", session, "--force")


LOOPING = """
import os
import time
import autokitteh


@autokitteh.activity
def work(n):
    return n + 1


def on_event(event):
    turns = work(0)
    while os.getenv("TURN"):
        turns += 1
        if turns % 100_000 == 2:
            print("looping")
    raise ValueError(turns)
"""


@pytest.fixture(scope="module")
def looping(up, tmp_path_factory):
    """A session that failed, of a program in which somebody may set a variable and have it loop for ever."""
    project = write(tmp_path_factory.mktemp("looping"), "looping", {"main.py": LOOPING})
    up.ak("deploy", str(project))
    return up.ak("session", "start", "looping", "main.py:on_event", "--wait")["id"]


def test_control_c_comes_back_to_the_prompt(up, looping):
    """At the prompt, in what was typed, and in the program itself, whose state is looked at; the terminal echoes after."""
    terminal = Terminal(up, "session", "debug", looping, "--at", "1")
    terminal.expect("(ak) ")
    terminal.press("\x03")
    assert "--KeyboardInterrupt--" in terminal.expect("(ak) ")
    terminal.type("print('typed'), [0 for _ in iter(int, 1)]")
    terminal.expect("typed\r\n")
    terminal.press("\x03")
    assert "*** KeyboardInterrupt" in terminal.expect("(ak) ")
    terminal.type("os.environ['TURN'] = '1'")
    terminal.expect("(ak) ")
    terminal.type("c")
    terminal.expect("looping\r\n")
    for _ in range(2):
        terminal.press("\x03")
        shown = terminal.expect("(ak) ")
        assert "Program interrupted." in shown
        assert "> main.py(" in shown
        terminal.type("p turns > 1")
        assert "True" in terminal.expect("(ak) ")
        terminal.type("c")
        terminal.expect("looping\r\n")
    terminal.press("\x03")
    terminal.expect("(ak) ")
    terminal.type("q")
    assert terminal.close() == 0
    assert "Traceback" not in terminal.seen


def debugging(parent: int) -> list[int]:
    """The debugging processes that a command has started."""
    children = Path(f"/proc/{parent}/task/{parent}/children")
    found = children.read_text().split() if children.exists() else []
    return [int(pid) for pid in found if b"worker.process.debug" in Path(f"/proc/{pid}/cmdline").read_bytes()]


def test_control_c_before_the_prompt_leaves_nothing_behind(up, looping):
    """As soon as the debugger's process is there, and a little later: one line, status 130, the terminal as it was."""
    for lead in (0, 0.2, 0.4):
        terminal = Terminal(up, "session", "debug", looping, "--at", "1")
        before = termios.tcgetattr(terminal.end)
        children = eventually_sync(lambda pid=terminal.process.pid: debugging(pid))
        end = time.monotonic() + lead
        eventually_sync(lambda end=end: time.monotonic() >= end)
        terminal.press("\x03")
        terminal.expect("interrupted\r\n")
        assert terminal.seen == ""
        assert termios.tcgetattr(terminal.end) == before
        assert terminal.close() == 130
        assert not any(Path(f"/proc/{pid}").exists() for pid in children)


def test_control_c_ends_what_has_no_prompt(up, looping):
    """Commands of a script that run for ever end with status 130, and without a traceback."""
    process = subprocess.Popen(
        [
            AK,
            "session",
            "debug",
            looping,
            "--at",
            "1",
            "--commands",
            "os.environ['TURN'] = '1';c",
        ],
        env=up.environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    with process:
        while "looping" not in process.stdout.readline():
            pass
        os.killpg(process.pid, signal.SIGINT)
        assert process.stderr.read() == "interrupted\n"
        assert process.wait(30) == 130
