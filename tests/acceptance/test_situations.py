"""Situations on the page of errors that take a whole installation: processes are killed or held, and a disk is full."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.helpers import catalogue
from tests.helpers.ak import environment, running
from tests.helpers.commands import run
from tests.helpers.projects import write
from tests.helpers.situations.place import OF_INSTALLATIONS
from tests.helpers.waiting import eventually_sync

CODE = """
import os

if os.path.exists({flag!r}):
    os.kill(os.getpid(), 9)  # as the kernel does when memory runs out


def on_event(event):
    pass
"""
FREE = 81_000_000


def lines_of(said: str, check: str) -> str:
    """What ``ak doctor`` says of one thing."""
    lines = said.splitlines()
    at = [number for number, line in enumerate(lines) if line.startswith(f"{check}: ")]
    return "\n".join(line for number in at for line in lines[number : number + 2])


def test_these_are_the_situations_of_installations():
    """Each that the page shows and no other test makes is made here."""
    assert set(OF_INSTALLATIONS) <= set(catalogue.situations())


def test_ak_up_was_killed(tmp_path):
    """With everything that belongs to it."""
    with running(tmp_path / "home") as up:
        assert up.process is not None
        process = up.process.pid
        up.kill_everything()
        said = lines_of(up.run("doctor", check=False).stdout, "up")
    names = {"~/.autokitteh": str(tmp_path / "home"), "process 4711": f"process {process}"}
    catalogue.check_situation("`ak up` was killed", said, names)


def test_the_gateway_has_lost_temporal(up, tmp_path, monkeypatch):
    """The Temporal server is there and does not answer, as one that is swapped out."""
    up.ak(
        "deploy", str(write(tmp_path / "served", "served", {"main.py": "def on_event(event):\n    pass\n"}))
    )
    gateway = up.ready["gateway"]
    names = {"127.0.0.1:9980": gateway.removeprefix("http://")}
    monkeypatch.setitem(up.environment, "AK_LISTEN", names["127.0.0.1:9980"])
    temporal = up.temporal_pid()
    os.kill(temporal, signal.SIGSTOP)
    try:
        eventually_sync(lambda: httpx.get(f"{gateway}/readyz", timeout=30).status_code == 503)
        asked = up.run("gateway", "--healthcheck", check=False).stderr
        said = lines_of(up.run("doctor", check=False).stdout, "gateway")
    finally:
        os.kill(temporal, signal.SIGCONT)
    catalogue.check_situation("A container asks whether its gateway can work", asked, names)
    catalogue.check_situation("The gateway has lost Temporal", said, names)
    eventually_sync(lambda: httpx.get(f"{gateway}/readyz", timeout=30).status_code == 200)


def test_a_process_is_killed_again_and_again(up, tmp_path):
    """It loads once, is deployed, and from then on is killed as soon as it is started."""
    flag = tmp_path / "crash"
    code = {"main.py": CODE.format(flag=str(flag))}
    triggers = "- {name: go, type: webhook, call: 'main.py:on_event'}"
    deployed = up.ak("deploy", str(write(tmp_path / "shop", "shop", code, triggers=triggers)))
    flag.touch()
    try:
        for pid in up.build_pids():
            os.kill(pid, signal.SIGKILL)
        eventually_sync(lambda: "does not start" in up.run("doctor", check=False).stdout)
        said = lines_of(up.run("doctor", check=False).stdout, "process")
    finally:
        flag.unlink()
    names = {"on alpha": f"on {socket.gethostname()}", "shop-dep_…": f"shop-{deployed['deployment']}"}
    catalogue.check_situation("A process is killed again and again", said, names)


@contextlib.contextmanager
def disk(at: Path, size: int) -> Iterator[None]:
    """A small one; skips where this user may mount none."""
    at.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", f"size={size},mode=0700", "tmpfs", str(at)]
    if os.geteuid() != 0 or subprocess.run(command, capture_output=True, check=False).returncode:
        pytest.skip("needs the right to mount a disk")
    try:
        yield
    finally:
        subprocess.run(["umount", at], check=True)


def test_the_disk_is_nearly_full(tmp_path):
    """A small one, with the home on it."""
    home = tmp_path / "home"
    with disk(home, FREE + 1_000_000):
        run(["project", "list"], environment(home))
        left = os.statvfs(home)
        room = f"{left.f_bavail * left.f_frsize // 1_000_000} MB"
        said = lines_of(run(["doctor"], environment(home)).stdout, "disk")
    catalogue.check_situation("The disk is nearly full", said, {"~/.autokitteh": str(home), "81 MB": room})


def test_the_disk_of_the_home_is_full(tmp_path):
    """No byte more goes in."""
    home = tmp_path / "home"
    with disk(home, 65_536):
        left = os.statvfs(home)
        (home / "filler").write_bytes(bytes(left.f_bavail * left.f_frsize))
        said = run(["up"], environment(home)).stderr
    catalogue.check_situation("The disk of the home is full", said, {"~/.autokitteh": str(home)})
