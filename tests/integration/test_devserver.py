"""Our own Temporal server: starts, keeps its state through a kill, does not outlive us."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from tests.helpers.temporal import settings
from tests.helpers.waiting import eventually
from worker import devserver, temporal
from worker.devserver import DevServer
from worker.errors import TemporalError

ROOT = Path(__file__).parents[2]
PARENT = """
import asyncio, sys
from pathlib import Path
from tests.helpers.temporal import settings
from worker.devserver import DevServer
async def main():
    server = DevServer(settings(Path(sys.argv[1])))
    await server.start()
    print(server.pid, flush=True)
    await asyncio.Event().wait()
asyncio.run(main())
"""


def lives(pid: int) -> bool:
    """Whether a process exists and is no zombie."""
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/cmdline").read_bytes() != b""
    return False


async def test_server_keeps_workflows_through_a_kill(tmp_path):
    """After SIGKILL the same ports answer again and know the workflow; its end leaves no process and no pid file."""
    found = settings(tmp_path)
    server = DevServer(found)
    await server.start()
    address = server.address
    try:
        client = await temporal.connect_to(address, "default", {})
        await client.start_workflow("main.py:f", id="kept", task_queue="nobody")
        async with httpx.AsyncClient() as browser:
            assert (await browser.get(server.ui_url)).status_code == 200
        pid = server.pid
        assert pid is not None
        os.kill(pid, signal.SIGKILL)
        await eventually(lambda: not server.alive())
        await server.start()
        assert server.address == address
        client = await temporal.connect_to(address, "default", {})
        assert (await client.get_workflow_handle("kept").describe()).workflow_type == "main.py:f"
        pid = server.pid
    finally:
        await server.stop()
    assert pid is not None
    assert not lives(pid)
    assert not (tmp_path / "temporal.pid").exists()


async def test_server_takes_over_a_file_of_before(tmp_path, monkeypatch):
    """A file made with SQLite's defaults is gone on with in the faster way, with what is in it."""
    faster = devserver.PRAGMAS
    ways = []
    for number, pragmas in enumerate(({"journal_mode": "delete"}, faster, faster)):
        monkeypatch.setattr(devserver, "PRAGMAS", pragmas)
        server = DevServer(settings(tmp_path))
        await server.start()
        try:
            client = await temporal.connect_to(server.address, "default", {})
            for before in range(number):
                assert (await client.get_workflow_handle(f"of {before}").describe()).history_length
            await client.start_workflow("main.py:f", id=f"of {number}", task_queue="nobody")
        finally:
            await server.stop()
        with sqlite3.connect(tmp_path / "temporal.db") as connection:
            ways.append(connection.execute("PRAGMA journal_mode").fetchone()[0])
        connection.close()
    assert ways == ["delete", "wal", "wal"]


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux can tie a process to its parent")
async def test_server_ends_with_a_killed_parent(tmp_path):
    """SIGKILL of whoever started it does not leave a server behind."""
    parent = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", PARENT, str(tmp_path)), cwd=ROOT, stdout=subprocess.PIPE
    )
    assert parent.stdout is not None
    pid = int(await parent.stdout.readline())
    assert lives(pid)
    parent.kill()
    await parent.wait()
    await eventually(lambda: not lives(pid))


async def test_server_ends_a_leftover_of_its_own_home_only(tmp_path):
    """A recorded process is ended only when it really serves this home's file."""
    stranger = await asyncio.create_subprocess_exec("sleep", "600")
    server = DevServer(settings(tmp_path))
    (tmp_path / "temporal.pid").write_text(str(stranger.pid))
    await server.start()
    second = DevServer(settings(tmp_path))
    try:
        assert stranger.returncode is None
        assert lives(stranger.pid)
        await second.start()
        assert not server.alive()
    finally:
        await second.stop()
        await server.stop()
        stranger.kill()
        await stranger.wait()


async def test_port_lost_in_the_last_moment_is_another_one_then(tmp_path):
    """The server says first which port was taken, and then a long stack: it is started again on other ports."""
    found = settings(tmp_path)
    real = await devserver.find(found.cache_dir)
    loses = tmp_path / "loses"
    loses.write_text(
        f"""#!/bin/sh
echo "$@" >> {tmp_path}/starts
[ $(wc -l < {tmp_path}/starts) -gt 1 ] && exec {real} "$@"
echo 'level=ERROR msg="Failed to start gRPC listener" error="listen tcp: bind: address already in use"'
echo 'panic: nil pointer dereference'
seq 40
exit 2
"""
    )
    loses.chmod(0o755)
    server = DevServer(found)
    server._binary = loses
    await server.start()
    try:
        first, second = (tmp_path / "starts").read_text().splitlines()
        assert first.split("--ui-port")[0] != second.split("--ui-port")[0]
    finally:
        await server.stop()


async def test_server_shows_its_last_words(tmp_path, monkeypatch):
    """A server that ends while starting is reported with the end of its log."""
    monkeypatch.setattr(devserver, "SETTINGS", {"no value": "{"})
    with pytest.raises(TemporalError, match=r"(?s)ended while starting:.*\n.*temporal\.log"):
        await DevServer(settings(tmp_path)).start()


async def test_connect_names_an_unknown_namespace(temporal_server):
    """A namespace that does not exist is an error with its name, not a failure of a later call."""
    with pytest.raises(TemporalError, match="has no namespace 'nowhere'"):
        await temporal.connect_to(temporal_server.address, "nowhere", {})


async def test_connect_says_who_we_are(temporal_server, tmp_path):
    """The identity given is the one Temporal's histories show."""
    found = settings(tmp_path, TEMPORAL_ADDRESS=temporal_server.address)
    client = await temporal.connect(found, identity="ak-gateway@here")
    handle = await client.start_workflow("main.py:f", id="whose", task_queue="nobody")
    history = await handle.fetch_history()
    assert history.events[0].workflow_execution_started_event_attributes.identity == "ak-gateway@here"


async def test_connect_names_an_address_that_does_not_answer(tmp_path):
    """The message has the address and what to do."""
    port = devserver.choose_port(0, "AK_TEMPORAL_PORT")
    found = settings(tmp_path, TEMPORAL_ADDRESS=f"127.0.0.1:{port}")
    with pytest.raises(TemporalError, match=rf"127\.0\.0\.1:{port}.*\n.*ak up"):
        await temporal.connect(found, patience_seconds=0)
