"""Sessions see the variables of their deployment, calls the connections of now."""

from __future__ import annotations

from worker.contracts import BootConfig, Credentials
from worker.process.credentials import KnownSecrets

OWN = {"chat__token": "first-token", "TOKEN": "own-secret"}


def known(**told) -> tuple[KnownSecrets, list[str]]:
    """A process of a deployment with two secrets, and what it hides in its own log."""
    boot = BootConfig("p", "dep", "bld", "v1", "/", [], "", "", "", {}, secrets=OWN, **told)
    hidden: list[str] = []
    return KnownSecrets(boot, hidden.extend), hidden


def test_before_anything_is_told_the_environment_counts():
    """A deployment that is not active yet runs with what it was asked for with."""
    made, hidden = known()
    assert made.connection("chat") is None
    assert made.mask("first-token own-secret") == "•••••• ••••••"
    assert hidden == ["first-token", "own-secret"]


def test_a_token_that_sessions_hold_becomes_the_new_one_in_calls():
    """The text of the old token travels by name, and is the new one where the call is made."""
    made, hidden = known()
    made.take(Credentials({"chat": {"token": "second-token"}}, {"chat__token": "second-token"}))
    assert made.connection("chat") == {"token": "second-token"}
    parts = made.of_sessions.split("Bearer first-token")
    assert made.of_calls.join(parts) == "Bearer second-token"
    back = made.of_calls.split("second-token")
    assert made.of_sessions.join(back) == "first-token"
    assert made.mask("first-token second-token own-secret") == "•••••• •••••• ••••••"
    assert "second-token" in hidden


def test_a_variable_that_is_deleted_is_gone_for_calls():
    """The connection exists, its variable does not: calls get nothing, sessions keep what they had."""
    made, _ = known()
    made.take(Credentials({"chat": {}}, {}))
    assert made.connection("chat") == {}
    parts = made.of_sessions.split("first-token")
    assert (made.of_calls.join(parts), made.of_sessions.join(parts)) == ("", "first-token")
    assert made.of_calls.join(made.of_calls.split("own-secret")) == "own-secret"


def test_a_connection_that_is_gone_is_as_the_deployment_knew_it():
    """A draining version finishes with what it was made for."""
    made, _ = known(connections={"other": {}})
    assert made.connection("chat") is None
    assert made.of_calls.join(made.of_sessions.split("first-token")) == "first-token"


def test_a_process_that_starts_late_knows_what_was_told_before():
    """A crash forgets nothing: it is started with the connections of now."""
    made, _ = known(
        connections={"chat": {"token": "third-tokens"}}, connection_secrets={"chat__token": "third-tokens"}
    )
    assert made.connection("chat") == {"token": "third-tokens"}
    assert made.of_calls.join(made.of_sessions.split("first-token")) == "third-tokens"
