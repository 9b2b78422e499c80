"""When a supervisor cleans: one of several, now and then, and not while Temporal is out of reach."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from temporalio.service import RPCError, RPCStatusCode

from tests.helpers.fake_supervised import FakeInstallation
from worker import clock
from worker.config import Keep, Settings
from worker.errors import TemporalError
from worker.retention import Sweep
from worker.supervisor import cleaning
from worker.supervisor.cleaning import Cleaning


class Swept:
    """Sweeps that count themselves."""

    def __init__(self, monkeypatch):
        """Take the place of the real ones."""
        self.count = 0
        self.error = None
        monkeypatch.setattr(cleaning, "Sweep", lambda *_args, **_kwargs: self)

    async def run(self):
        """One sweep."""
        if self.error is not None:
            raise self.error
        self.count += 1
        return SimpleNamespace(total=lambda: 0)


@pytest.fixture
def time(monkeypatch):
    """A clock that stands still until it is moved."""
    now = SimpleNamespace(seconds=0.0)
    monkeypatch.setattr(clock, "monotonic", lambda: now.seconds)
    return now


def settings(tmp_path, **changes) -> Settings:
    """Settings of a home of its own."""
    return Settings.load({"AK_HOME": str(tmp_path), "AK_CACHE_DIR": str(tmp_path / "cache"), **changes})


async def test_one_of_two_supervisors_cleans_now_and_then(monkeypatch, tmp_path, time):
    """After its first minute, and then once in the time that is set; the lease is free in between."""
    swept, shop = Swept(monkeypatch), FakeInstallation()
    both = [Cleaning(settings(tmp_path), shop, None, name) for name in ("one", "two")]
    for seconds, count in ((0.0, 0), (61.0, 1), (62.0, 1), (3600.0, 1), (3662.0, 2)):
        time.seconds = seconds
        for item in both:
            await item.round()
        assert swept.count == count
        assert "retention" not in shop.held


async def test_cleaning_that_failed_is_tried_again(monkeypatch, tmp_path, time):
    """At the next look, and the lease is free for others."""
    swept, shop = Swept(monkeypatch), FakeInstallation()
    made = Cleaning(settings(tmp_path), shop, None, "one")
    time.seconds, swept.error = 61.0, TemporalError("away")
    with pytest.raises(TemporalError):
        await made.round()
    assert "retention" not in shop.held
    swept.error = None
    await made.round()
    assert swept.count == 1


async def test_nothing_is_deleted_without_temporals_answer():
    """Whatever is open is not known then."""

    async def away(_request):
        """Temporal is out of reach."""
        raise RPCError("away", RPCStatusCode.UNAVAILABLE, b"")

    client = SimpleNamespace(namespace="default", workflow_service=SimpleNamespace(describe_namespace=away))
    with pytest.raises(TemporalError, match="away"):
        await Sweep(None, client, Keep(), delete=True).run()  # a store would be used, and there is none
