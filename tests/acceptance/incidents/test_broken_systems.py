"""What goes wrong below the projects: a full store, a worker that crashes, a dead gateway. Two commands name the cause."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.helpers.ak import AK, running
from tests.helpers.projects import write
from tests.helpers.waiting import eventually_sync

CODE = """
import os

if os.path.exists({flag!r}):
    os.kill(os.getpid(), 9)  # as the kernel does when memory runs out


def on_event(event):
    print("hello")
"""
ROOMY = "600m"  # more than doctor wants to see


class Disk:
    """A file system in memory that can be made full, which costs nothing: it is only made small."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def mount(self, *options: str) -> bool:
        """Mount it, where this user may."""
        command = ["mount", "-t", "tmpfs", "-o", ",".join(options), "tmpfs", str(self.folder)]
        return os.geteuid() == 0 and not subprocess.run(command, capture_output=True, check=False).returncode

    def fill(self) -> None:
        """No byte more goes in."""
        used = os.statvfs(self.folder)
        size = (used.f_blocks - used.f_bfree) * used.f_frsize
        assert self.mount("remount", f"size={size}")

    def empty(self) -> None:
        """There is room again."""
        assert self.mount("remount", f"size={ROOMY}")


@pytest.fixture(scope="module")
def disk(tmp_path_factory) -> Iterator[Disk | None]:
    """A disk for the database alone; None where this user may mount none."""
    found = Disk(tmp_path_factory.mktemp("small"))
    if not found.mount(f"size={ROOMY}", "mode=0700"):
        assert not os.environ.get("CI"), "needs the right to mount a small file system"
        yield None
        return
    yield found
    subprocess.run(["umount", "--lazy", str(found.folder)], check=True)


@pytest.fixture(scope="module")
def up(tmp_path_factory, disk):
    """An ``ak up`` that these tests may break."""
    home = tmp_path_factory.mktemp("up") / "home"
    home.mkdir(mode=0o700)
    changes = {"AK_DATABASE_URL": f"sqlite:///{disk.folder}/autokitteh.db"} if disk is not None else {}
    with running(home, **changes) as started:
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


def test_full_store(up, disk, deployed, transcript):
    """Webhooks are refused: the disk of the database is full, which is not the disk of the home."""
    if disk is None:
        pytest.skip("needs the right to mount a small file system")
    url = up.ready["gateway"] + httpx.URL(deployed["webhooks"]["go"]).path  # it may have been started again
    disk.fill()
    try:
        body = {"filler": "x" * 200_000}
        eventually_sync(lambda: httpx.post(url, json=body).status_code >= 500)
        text = transcript("full-store", "ak doctor", SMALL=disk.folder)
    finally:
        disk.empty()
    assert f"disk: 0 MB are left where {disk.folder}" in text
    eventually_sync(lambda: httpx.post(url, json={}).status_code == 202)


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
    """A gateway of its own dies: the address that does not answer, and how to start it."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}"
    where = {"AK_LISTEN": url.removeprefix("http://"), "TEMPORAL_ADDRESS": up.ready["temporal"]}
    gateway = subprocess.Popen(
        [AK, "gateway", "--json"],
        env=up.environment | where,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    assert gateway.stdout is not None
    assert url.encode() in gateway.stdout.readline()
    gateway.kill()
    gateway.communicate()
    text = transcript("dead-gateway", "ak doctor", settings={"AK_PUBLIC_URL": url})
    assert f"no gateway answers at {url}" in text


def test_everything_is_dead(up, deployed, transcript):
    """The one process of a small installation was killed: one line, not one for each of its parts."""
    assert up.process is not None
    pid = up.process.pid
    up.kill()
    try:
        text = transcript("dead-up", "ak doctor", PID=pid)
    finally:
        up.start()
    assert f"its process {pid} ended without being stopped" in text
    assert "not running" not in up.run("doctor", check=False).stdout
