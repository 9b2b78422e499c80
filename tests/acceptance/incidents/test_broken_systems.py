"""What goes wrong below the projects: a full store, a worker that crashes, a dead gateway. Two commands name the cause."""

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

from tests.helpers.ak import running
from tests.helpers.projects import write
from tests.helpers.transcripts import record
from tests.helpers.waiting import eventually_sync
from worker.config import Settings
from worker.store import open_store

CODE = """
import os

if os.path.exists({flag!r}):
    os.kill(os.getpid(), 9)  # as the kernel does when memory runs out


def on_event(event):
    print("hello")
"""


@pytest.fixture(scope="module")
def small(tmp_path_factory) -> Iterator[Path]:
    """A file system with little room, where this user may mount one."""
    folder = tmp_path_factory.mktemp("small")
    command = ["mount", "-t", "tmpfs", "-o", "size=16m,mode=0700", "tmpfs", str(folder)]
    mounted = os.geteuid() == 0 and not subprocess.run(command, capture_output=True, check=False).returncode
    if not mounted:
        (pytest.fail if os.environ.get("CI") else pytest.skip)("needs the right to mount a small file system")
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


@pytest.fixture(scope="module")
def up(tmp_path_factory):
    """An ``ak up`` that these tests may break."""
    home = tmp_path_factory.mktemp("up") / "home"
    home.mkdir(mode=0o700)
    with running(home) as started:
        yield started


@pytest.fixture(scope="module")
def flag(tmp_path_factory) -> Path:
    """The project's process kills itself while this file is there."""
    return tmp_path_factory.mktemp("flag") / "crash"


@pytest.fixture(scope="module")
def deployed(up, flag, tmp_path_factory):
    """A project that has run well so far."""
    code = {"main.py": CODE.format(flag=str(flag))}
    return up.ak("deploy", str(write(tmp_path_factory.mktemp("shop"), "shop", code)))


def test_full_store(small, tmp_path):
    """Webhooks are refused: the disk of the database is full, which is not the disk of the home."""
    home = tmp_path / "home"
    home.mkdir(mode=0o700)
    with running(home, AK_DATABASE_URL=f"sqlite:///{small}/autokitteh.db") as up:
        code = {"main.py": "def on_event(event): print('hello')\n"}
        deployed = up.ak("deploy", str(write(tmp_path / "shop", "shop", code)))
        filler = small / "filler"
        with filler.open("wb", buffering=0) as file, contextlib.suppress(OSError):
            while file.write(bytes(4096)):
                pass
        try:
            body = {"filler": "x" * 200_000}
            eventually_sync(lambda: httpx.post(deployed["webhooks"]["go"], json=body).status_code >= 500)
            text = record(up, "full-store", "ak doctor", SMALL=small)
        finally:
            filler.unlink()
        assert f"disk: 0 MB are left where {small}" in text
        eventually_sync(lambda: httpx.post(deployed["webhooks"]["go"], json={}).status_code == 202)


def test_crashed_worker(up, flag, deployed, transcript):
    """The project's process ends as soon as it is started: by which signal, and where its log is."""
    flag.touch()
    try:
        for pid in up.build_pids():
            os.kill(pid, signal.SIGKILL)
        eventually_sync(lambda: "does not start" in up.run("doctor", check=False).stdout)
        text = transcript("crashed-worker", "ak doctor", HOST=socket.gethostname())
    finally:
        flag.unlink()
    assert "its process is killed by SIGKILL, again and again" in text
    eventually_sync(lambda: "does not start" not in up.run("doctor", check=False).stdout)


def test_dead_gateway(up, deployed, transcript):
    """Nobody answers webhooks: the address that does not answer, and how to start it."""
    found = Settings.load({**up.environment})
    up.kill()
    try:
        with contextlib.closing(open_store(found.database_url, secret_key=found.installation_key())) as store:
            eventually_sync(lambda: not store.services.alive("supervisor", 15))
        text = transcript("dead-gateway", "ak doctor")
    finally:
        up.start()
    assert "no gateway answers at http://127.0.0.1:" in text
