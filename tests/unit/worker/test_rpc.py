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
