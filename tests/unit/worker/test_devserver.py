"""How a Temporal server is found, and which ports it gets; nothing is downloaded or built here."""

from __future__ import annotations

import socket

import pytest

from worker import devserver
from worker.errors import TemporalError


def command(path, output):
    """A program that prints a version."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\necho '{output}'\n")
    path.chmod(0o755)
    return path


@pytest.fixture
def cache(tmp_path, monkeypatch):
    """An empty cache, an empty PATH, and no way to download or build unless a test gives one."""

    async def nothing(*_arguments):
        """No network."""
        return False

    async def no_go(*_arguments):
        """No compiler."""
        return "Go is not installed, so it cannot be built"

    monkeypatch.setattr(devserver, "download", nothing)
    monkeypatch.setattr(devserver, "build", no_go)
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    return tmp_path / "cache"


async def test_find_takes_a_recent_binary_of_path(cache, tmp_path):
    """What the machine has comes first, and is told."""
    binary = command(tmp_path / "bin" / "temporal", "temporal version 1.5.1 (Server 1.29.1, UI 2.42.1)")
    told = []
    assert await devserver.find(cache, told.append) == binary
    assert told == [f"Temporal: {binary}"]


@pytest.mark.parametrize(
    ("output", "reason"),
    [
        ("temporal version 1.3.0 (Server 1.27.1, UI 2.36.0)", "has server 1.27, 1.29 or newer is needed"),
        ("something else", "is no Temporal command line with a server"),
    ],
)
async def test_find_passes_over_an_unsuitable_binary_of_path(cache, tmp_path, output, reason):
    """A server that is too old is not used, and the reason is told when nothing else is found."""
    command(tmp_path / "bin" / "temporal", output)
    with pytest.raises(TemporalError, match=reason):
        await devserver.find(cache)


async def test_find_takes_the_cache_before_the_network(cache):
    """What was downloaded or built once is used again."""
    binary = command(cache / "temporal" / devserver.VERSION / "temporal", "")
    assert await devserver.find(cache) == binary


async def test_find_lists_everything_it_tried(cache):
    """The error says all that was tried and what helps."""
    with pytest.raises(TemporalError) as caught:
        await devserver.find(cache)
    text = str(caught.value)
    for part in ("PATH", "does not exist", "downloaded", "Go is not installed", "TEMPORAL_ADDRESS"):
        assert part in text


async def test_build_tells_why_go_failed(tmp_path, monkeypatch):
    """The last lines of Go are the reason."""
    go = tmp_path / "bin" / "go"
    go.parent.mkdir()
    go.write_text("#!/bin/sh\necho 'go: no such module' >&2\nexit 1\n")
    go.chmod(0o755)
    monkeypatch.setenv("PATH", str(go.parent))
    told = []
    reason = await devserver.build(tmp_path / "cache" / "temporal", told.append)
    assert reason == "building it with Go failed: go: no such module"
    assert "minutes, once" in told[0]


async def test_build_puts_the_binary_into_the_cache(tmp_path, monkeypatch):
    """Go is told to install into the cache."""
    go = tmp_path / "bin" / "go"
    go.parent.mkdir()
    go.write_text('#!/bin/sh\necho "$@" > "$GOBIN/temporal"\n')
    go.chmod(0o755)
    monkeypatch.setenv("PATH", str(go.parent))
    target = tmp_path / "cache" / "temporal"
    assert await devserver.build(target, devserver.quiet) == ""
    assert target.read_text() == f"install {devserver.MODULE}\n"


async def test_download_takes_only_a_binary_that_runs(tmp_path, monkeypatch):
    """The SDK's file counts when it is complete, whatever became of the process that fetched it."""
    script = (
        "import os, sys\n"
        "path = sys.argv[1] + '/temporal-sdk'\n"
        "open(path, 'w').write('#!/bin/sh\\necho \"Server 1.29.1\"\\n')\n"
        "os.chmod(path, 0o755)\n"
        "os._exit(1)\n"
    )
    monkeypatch.setattr(devserver, "_DOWNLOAD", script)
    target = tmp_path / "1" / "temporal"
    assert await devserver.download(target)
    assert target.exists()
    assert [path.name for path in target.parent.iterdir()] == ["temporal"]


async def test_download_gives_up_when_no_byte_arrives(tmp_path, monkeypatch):
    """A network that swallows packets costs seconds, not minutes, and leaves nothing behind."""
    monkeypatch.setattr(devserver, "_DOWNLOAD", "import signal; signal.pause()")
    monkeypatch.setattr(devserver, "_DOWNLOAD_IDLE_SECONDS", 0.01)
    monkeypatch.setattr(devserver, "_DOWNLOAD_POLL_SECONDS", 0.01)
    target = tmp_path / "1" / "temporal"
    assert not await devserver.download(target)
    assert list(target.parent.iterdir()) == []


def test_port_taken_is_told_with_its_variable():
    """Whoever has the port, the remedy is a setting."""
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(TemporalError, match=rf"port {port} is taken\n.*AK_UI_PORT"):
            devserver.choose_port(port, "AK_UI_PORT")


def test_port_of_our_other_server_is_taken():
    """Two settings that name one port are told as such, not tried for ever."""
    port = devserver.choose_port(0, "AK_TEMPORAL_PORT")
    with pytest.raises(TemporalError, match=rf"port {port} is taken\n.*AK_UI_PORT"):
        devserver.choose_port(port, "AK_UI_PORT", {port})


def test_port_zero_is_any_free_one():
    """Zero never gives a port that was given before."""
    first = devserver.choose_port(0, "AK_TEMPORAL_PORT")
    assert devserver.choose_port(0, "AK_UI_PORT", {first}) not in {0, first}
