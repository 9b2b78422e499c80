"""A server that forgets its namespace for a moment loses nothing."""

from __future__ import annotations

import pytest
from temporalio.service import RPCError, RPCStatusCode

from worker import rpc

FORGOT = RPCError("Namespace default is not found.", RPCStatusCode.NOT_FOUND, b"")
GONE = RPCError("workflow not found for ID: ses_1", RPCStatusCode.NOT_FOUND, b"")


class Server:
    """Fails so often, then answers."""

    def __init__(self, *errors):
        self.errors = list(errors)

    async def signal_workflow(self, given):
        """The call under test."""
        if self.errors:
            raise self.errors.pop(0)
        return given


def test_only_what_does_not_exist_is_gone():
    """A namespace that was there a moment ago says nothing about what is in it."""
    assert rpc.is_gone(GONE)
    assert not rpc.is_gone(FORGOT)
    assert not rpc.is_gone(RPCError("busy", RPCStatusCode.UNAVAILABLE, b""))


async def test_calls_wait_for_the_namespace(monkeypatch):
    """They are repeated, and only for that reason."""
    monkeypatch.setattr(rpc, "_PAUSE_SECONDS", 0)
    client = rpc.Patience().intercept_client(Server(FORGOT, FORGOT))
    assert await client.signal_workflow("hello") == "hello"
    with pytest.raises(RPCError, match="workflow not found"):
        await rpc.Patience().intercept_client(Server(GONE)).signal_workflow("hello")
    with pytest.raises(RPCError, match="Namespace"):
        await rpc.Patience().intercept_client(Server(*[FORGOT] * 20)).signal_workflow("hello")


BUSY = RPCError("consistent query buffer is full", RPCStatusCode.RESOURCE_EXHAUSTED, b"")
REFUSED = RPCError("no", RPCStatusCode.FAILED_PRECONDITION, b"")


async def test_calls_of_our_own_wait_for_a_busy_server(monkeypatch):
    """The request is made again until there is an answer, and any other error comes through at once."""
    monkeypatch.setattr(rpc, "_PAUSE_SECONDS", 0)
    assert await rpc.patiently(Server(BUSY, FORGOT, BUSY).signal_workflow, "request") == "request"
    server = Server(BUSY, REFUSED, BUSY)
    with pytest.raises(RPCError, match="no"):
        await rpc.patiently(server.signal_workflow, "request")
    assert server.errors == [BUSY]


async def test_a_server_that_stays_busy_is_an_error(monkeypatch):
    """After half a minute its own words are told."""
    monkeypatch.setattr(rpc, "_PAUSE_SECONDS", 0)
    seconds = iter([0.0, 10.0, 31.0])
    monkeypatch.setattr(rpc.clock, "monotonic", lambda: next(seconds))
    with pytest.raises(RPCError, match="buffer is full"):
        await rpc.patiently(Server(*[BUSY] * 9).signal_workflow, "request")
