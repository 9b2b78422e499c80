"""Settings of commands beside a running ``ak up``."""

from __future__ import annotations

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
