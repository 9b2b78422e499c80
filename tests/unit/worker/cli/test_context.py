"""Settings of commands beside a running ``ak up``."""

from __future__ import annotations

import contextlib
import json
import os

import pytest

from tests.helpers.locked import held
from worker import config
from worker.cli import context


@pytest.fixture
def home(tmp_path, monkeypatch):
    """A home where ``ak up`` runs with a Temporal server of its own."""
    monkeypatch.setenv("AK_HOME", str(tmp_path))
    monkeypatch.delenv("TEMPORAL_ADDRESS", raising=False)
    monkeypatch.delenv("AK_VERSIONS_LIMIT", raising=False)
    monkeypatch.setenv("TEMPORAL_CONFIG_FILE", str(tmp_path / "none.toml"))
    config.write_running(tmp_path, gateway="g", temporal="127.0.0.1:2", ui="u", versions_limit=1000)
    with held(tmp_path):
        yield tmp_path


async def test_who_only_looks_is_told_what_stays_unknown(home, monkeypatch, capsys):
    """Temporal does not answer: the command goes on without it, and says so on standard error."""
    monkeypatch.setattr(context, "LOOK_SECONDS", 0.0)
    monkeypatch.setenv("TEMPORAL_ADDRESS", "127.0.0.1:1")
    found = context.settings()
    with context.opened(found) as store:
        async with context.looking(found, store, "open sessions are not counted") as client:
            assert client is None
    said = "warning: open sessions are not counted: Temporal does not answer at 127.0.0.1:1"
    assert capsys.readouterr().err.startswith(said)


@pytest.mark.parametrize(("configured", "starting", "waits"), [(1, 0, 20), (0, 1, 20), (0, 0, 2)])
async def test_temporal_is_waited_for_where_one_is_coming(tmp_path, monkeypatch, configured, starting, waits):
    """It is configured, or an ``ak up`` of this home starts it; nobody waits for one that nobody starts."""
    monkeypatch.setenv("AK_HOME", str(tmp_path))
    monkeypatch.setenv("TEMPORAL_CONFIG_FILE", str(tmp_path / "none.toml"))
    monkeypatch.delenv("TEMPORAL_ADDRESS", raising=False)
    if configured:
        monkeypatch.setenv("TEMPORAL_ADDRESS", "127.0.0.1:1")
    patience = []

    async def connect(*_arguments, patience_seconds, **_named):
        """Only note how long it may take."""
        patience.append(patience_seconds)

    monkeypatch.setattr("worker.temporal.connect", connect)
    found = context.settings()
    with held(tmp_path) if starting else contextlib.nullcontext(), context.opened(found) as store:
        async with context.connected(found, store):
            assert patience == [waits]


def test_commands_take_address_and_limit_of_a_running_up(home):
    """They are of one server, so they come together."""
    found = context.settings()
    assert (found.temporal_address, found.versions_limit) == ("127.0.0.1:2", 1000)


def test_commands_on_another_temporal_keep_their_own_limit(home, monkeypatch):
    """What is configured comes first: the running one's limit is of another server."""
    monkeypatch.setenv("TEMPORAL_ADDRESS", "t.example.com:7233")
    found = context.settings()
    assert (found.temporal_address, found.versions_limit) == ("t.example.com:7233", 100)


def test_commands_beside_an_older_up_take_the_configured_limit(home, monkeypatch):
    """An ``ak up`` that was started before an upgrade does not say its limit."""
    monkeypatch.setenv("AK_VERSIONS_LIMIT", "300")
    config.running_file(home).write_text(
        json.dumps({"gateway": "g", "temporal": "127.0.0.1:2", "ui": "u", "pid": os.getpid()})
    )
    assert context.settings().versions_limit == 300
