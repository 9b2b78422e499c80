"""The guard: what it stops, what it reports, and what it lets pass."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from worker.errors import CallError
from worker.usercode.guard import Guard


class Watched:
    """A project whose code is run under a guard."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory / "project"
        self.directory.mkdir()
        self.told: list[tuple[str, str]] = []
        self.guard = Guard(self.directory, lambda text, where: self.told.append((text, where)))

    def function(self, line: str):
        """A function of the project with this line in it, the third one of main.py."""
        scope: dict = {}
        source = f"import os, socket, subprocess, sys\ndef run(arg=None):\n    {line}\n"
        exec(compile(source, str(self.directory / "main.py"), "exec"), scope)
        return scope["run"]

    def run(self, line: str, arg=None):
        """Run the line while this thread is watched."""
        function = self.function(line)
        self.guard.arm()
        try:
            return function(arg)
        finally:
            self.guard.disarm()


@pytest.fixture
def watched(tmp_path):
    """A watched project."""
    return Watched(tmp_path)


@pytest.mark.parametrize(
    ("line", "what"),
    [
        ("subprocess.run(['true'])", "a process was used"),
        ("os.system('true')", "os was used"),
        ("socket.getaddrinfo('localhost', 1)", "socket was used"),
        ("os.posix_spawn('/bin/true', ['true'], {})", "os was used"),
        ("__import__('sqlite3').connect(':memory:')", "sqlite3 was used"),
    ],
)
def test_guard_stops_what_reaches_outside(watched, line, what):
    """Processes, name look-ups and databases are refused with the user's line."""
    with pytest.raises(CallError, match=f"{what} outside an activity") as refused:
        watched.run(line)
    assert refused.value.where == "main.py:3"


def test_guard_lets_the_rest_of_the_process_be(watched):
    """Other threads, our own code, and everything after it is disarmed are not watched."""
    found = []
    function = watched.function("return os.system('true')")
    watched.guard.arm()
    try:
        assert subprocess.run([sys.executable, "-I", "-S", "-c", ""], check=False).returncode == 0
        thread = threading.Thread(target=lambda: found.append(function()))
        thread.start()
        thread.join()
    finally:
        watched.guard.disarm()
    assert [*found, function()] == [0, 0]


@pytest.mark.parametrize("mode", ["w", "a", "r+"])
def test_guard_reports_writing_even_inside_the_project(watched, mode):
    """What is written is written again by a replay."""
    file = watched.directory / "out.txt"
    file.touch()
    watched.run(f"open(arg, {mode!r}).close()", str(file))
    assert watched.told == [(f"writes {file} outside an activity: a replay does it again", "main.py:3")]


def test_guard_reports_writing_by_descriptor(watched):
    """``os.open`` has flags where ``open`` has a mode."""
    file = watched.directory / "out.txt"
    watched.run("os.close(os.open(arg, os.O_CREAT | os.O_WRONLY))", str(file))
    assert [text.split(" ")[0] for text, _ in watched.told] == ["writes"]


@pytest.mark.parametrize("name", [os.devnull, os.__file__, "/proc/self/status"])
def test_guard_lets_python_and_devices_be_read(watched, name):
    """Python's own files and the null device say nothing about the world."""
    watched.run("open(arg).close()", name)
    assert watched.told == []


def test_guard_lets_the_null_device_be_written(watched):
    """Nothing is kept there."""
    watched.run("open(os.devnull, 'w').close()")
    assert watched.told == []


def test_guard_knows_directories_by_their_whole_name(watched, tmp_path, monkeypatch):
    """``/lib-data`` does not lie in ``/lib``."""
    (tmp_path / "lib").mkdir()
    (tmp_path / "lib-data").mkdir()
    for name in ("lib", "lib-data"):
        (tmp_path / name / "a.txt").touch()
    monkeypatch.setattr(sys, "path", [*sys.path, str(tmp_path / "lib")])
    watched.guard = Guard(watched.directory, lambda text, where: watched.told.append((text, where)))
    watched.run("open(arg).close()", str(tmp_path / "lib" / "a.txt"))
    assert watched.told == []
    watched.run("open(arg).close()", str(tmp_path / "lib-data" / "a.txt"))
    assert len(watched.told) == 1


def test_guard_lets_imports_read_and_open(watched, tmp_path, monkeypatch):
    """Whatever an import does belongs to the import."""
    (tmp_path / "lib").mkdir()
    (tmp_path / "lib" / "guard_probe.py").write_text(f"open({str(tmp_path / 'data.txt')!r}).close()\n")
    (tmp_path / "data.txt").touch()
    monkeypatch.syspath_prepend(tmp_path / "lib")
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    watched.run("import guard_probe")
    monkeypatch.delitem(sys.modules, "guard_probe")
    assert watched.told == []
