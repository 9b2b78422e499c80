"""What commands say that need Temporal for a part of their answer only, while it does not answer."""

from __future__ import annotations

import json

import pytest

from tests.helpers.ak import environment
from tests.helpers.commands import run
from tests.helpers.projects import write
from worker import target
from worker.config import Settings
from worker.store import open_store

UNANSWERED = "Temporal does not answer at 127.0.0.1:1"


@pytest.fixture
def installation(tmp_path):
    """An installation with an active deployment, of which nothing runs: the environment, and the project."""
    project = write(tmp_path / "p", "quiet", {"main.py": "def on_event(event):\n    pass\n"})
    found = environment(tmp_path / "home", TEMPORAL_ADDRESS="127.0.0.1:1")
    settings = Settings.load(found)
    store = open_store(settings.database_url, secret_key=settings.installation_key())
    store.deployments.activate(target.request(target.prepare(project, store), store).id)
    store.close()
    return found, project


@pytest.fixture
def ak(installation):
    """Run a command there; returns its JSON and what it says beside it."""

    def type_(*arguments):
        """One command."""
        done = run([*arguments, "--json"], installation[0])
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout), done.stderr

    return type_


def test_deployments_are_shown_without_their_sessions(installation, ak):
    """All that the store knows; the number is unknown, not 0."""
    shown, said = ak("deployment", "get", "quiet")
    assert (shown["state"], shown["sessions"], shown["triggers"][0]["name"]) == ("active", None, "go")
    assert f"open sessions are not counted: {UNANSWERED}" in said
    (_, line) = run(["deployment", "list"], installation[0]).stdout.splitlines()
    assert line.split()[1:4] == ["quiet", "active", "unknown"]


def test_project_is_shown_without_its_sessions(ak):
    """Likewise."""
    shown, said = ak("project", "get", "quiet")
    assert (shown["state"], shown["open_sessions"]) == ("active", None)
    assert UNANSWERED in said


def test_retention_is_shown_without_what_would_go(installation, ak):
    """What is kept how long is a setting; what is past its time depends on the open sessions."""
    shown, said = ak("retention", "show")
    assert (shown["kept"]["event_days"], shown["removed"]) == (30.0, None)
    assert f"what would be deleted is not known: {UNANSWERED}" in said
    text = run(["retention", "show"], installation[0]).stdout.splitlines()
    assert (text[:2], len(text)) == (["kept", "  events       30 days, at most 1,000,000"], 4)


def test_empty_installation_needs_no_temporal(tmp_path):
    """There is nothing to ask about."""
    done = run(["deployment", "list"], environment(tmp_path / "home", TEMPORAL_ADDRESS="127.0.0.1:1"))
    assert (done.stdout, done.stderr) == ("nothing\n", "")


def test_unchanged_deploy_warns_when_nothing_serves_it(ak, installation):
    """The answer is true, and of no use until a worker runs."""
    answer, said = ak("deploy", str(installation[1]))
    assert answer["changed"] is False
    assert "no worker is running, so nothing serves it" in said


def test_deactivation_says_what_it_did(ak):
    """It happened, whether or not the sessions that go on can be counted."""
    done, said = ak("deployment", "deactivate", "quiet")
    assert (done["state"], done["sessions"]) == ("draining", None)
    assert UNANSWERED in said
