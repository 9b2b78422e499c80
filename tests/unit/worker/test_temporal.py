"""What a person hears who waits for a Temporal server that is not there."""

from __future__ import annotations

import pytest

from worker import temporal
from worker.errors import TemporalError


async def test_who_waits_for_temporal_is_told_so_once(monkeypatch):
    """After a second, and how long it may take; then comes the error."""
    monkeypatch.setattr(temporal, "_TELL_AFTER_SECONDS", 0.0)
    monkeypatch.setattr(temporal, "_RETRY_SECONDS", 0.01)
    said: list[str] = []
    with pytest.raises(TemporalError, match="does not answer at 127"):
        await temporal.connect_to("127.0.0.1:1", "default", {}, 0.2, tell=said.append)
    assert said == ["Temporal does not answer at 127.0.0.1:1: waiting for it, up to 0 s …"]
