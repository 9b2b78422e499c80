"""The guard in the life of a session: loading modules, telling each thing once, changing files."""

from __future__ import annotations

import sys

import pytest

from autokitteh import _runtime
from worker.errors import CallError
from worker.usercode.guard import Guard


class Runtime:
    """Stands for a session."""


@pytest.fixture
def told():
    """What the guard reported."""
    return []


@pytest.fixture
def run(tmp_path, told):
    """Run a source as the project's main.py under a guard."""
    project = tmp_path / "project"
    project.mkdir()
    guard = Guard(project, lambda text, where: told.append((text, where)))

    def execute(source: str):
        code = compile(source, str(project / "main.py"), "exec")
        scope: dict = {"tmp": str(tmp_path)}
        guard.arm()
        try:
            exec(code, scope)
        finally:
            guard.disarm()
        return scope

    execute.guard = guard
    return execute


def call(run, function, *args):
    """Call a function of the project, watched, from outside any module body."""
    run.guard.arm()
    try:
        return function(*args)
    finally:
        run.guard.disarm()


NETWORK = "import socket\ndef look():\n    return socket.getaddrinfo('127.0.0.1', 80)\n"


def test_network_at_module_level_is_reported(run, told):
    """A client made while a module loads may look around; the log says that it happens again each time."""
    run(NETWORK + "look()\n")
    assert told == [
        (
            "socket is used at module level (socket.getaddrinfo): again whenever the module is loaded",
            "main.py:3",
        )
    ]


def test_network_in_a_handler_is_an_error(run, told):
    """The same function, called by a handler, ends it with the line and the remedy."""
    look = run(NETWORK)["look"]
    with pytest.raises(CallError) as refused:
        call(run, look)
    assert (refused.value.where, told) == ("main.py:3", [])


def test_each_session_is_told_for_itself(run, told, tmp_path):
    """What one session's log holds does not depend on what another did before."""
    (tmp_path / "data.txt").touch()
    read = run("def read():\n    open(tmp + '/data.txt').close()\n")["read"]
    for runtime in (Runtime(), Runtime()):
        with _runtime.installed(runtime):
            call(run, read)
            call(run, read)
    assert [where for _, where in told] == ["main.py:2"] * 2


@pytest.mark.parametrize(
    "line", ["os.mkdir(tmp + '/new')", "os.remove(tmp + '/old')", "os.rename(tmp + '/old', tmp)"]
)
def test_changes_of_files_are_reported(run, told, tmp_path, line):
    """A replay would make them again."""
    (tmp_path / "old").touch()
    change = run(f"import os\ndef change():\n    try:\n        {line}\n    except OSError:\n        pass\n")[
        "change"
    ]
    call(run, change)
    assert [(text.split(" ")[0], where) for text, where in told] == [("changes", "main.py:4")]


def test_one_hook_serves_all_guards(tmp_path, monkeypatch):
    """A hook can never be removed, so the process gets one."""
    Guard(tmp_path)
    added: list = []
    monkeypatch.setattr(sys, "addaudithook", added.append)
    Guard(tmp_path)
    assert added == []


def test_reports_do_not_keep_a_session_alive(run, tmp_path):
    """What was told to a session is forgotten with it."""
    (tmp_path / "data.txt").touch()
    read = run("def read():\n    open(tmp + '/data.txt').close()\n")["read"]
    runtime = Runtime()
    with _runtime.installed(runtime):
        call(run, read)
    assert len(run.guard._reported) == 1
    del runtime
    assert len(run.guard._reported) == 0
