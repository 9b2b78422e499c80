"""The health endpoints."""

from __future__ import annotations

from types import SimpleNamespace

import httpx
import pytest

from tests.helpers.fake_store import FakeStore
from worker.gateway import create_app


class FakeService:
    """Temporal's health check: an answer, or an error."""

    def __init__(self, answer=True):
        self.answer = answer

    async def check_health(self, *, timeout):
        """Answer, or fail."""
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


async def ask(path, *, temporal=True, store_error=None):
    """What the gateway answers in that state."""
    store = FakeStore()
    store.error = store_error
    client = SimpleNamespace(service_client=FakeService(temporal))
    transport = httpx.ASGITransport(create_app(store, client, None, None))
    async with httpx.AsyncClient(transport=transport, base_url="http://gateway") as http:
        return await http.get(path)


async def test_healthz_says_that_the_process_lives():
    """The process answers whatever the state of the rest."""
    answer = await ask("/healthz", temporal=False, store_error=OSError())
    assert (answer.status_code, answer.text) == (200, "ok")


async def test_readyz_when_all_is_well():
    """With store and Temporal in reach the gateway is ready."""
    answer = await ask("/readyz")
    assert (answer.status_code, answer.json()) == (200, {"ready": True})


@pytest.mark.parametrize(
    ("temporal", "store_error", "problems"),
    [
        (True, OSError("password"), {"store": "cannot be reached"}),
        (False, None, {"temporal": "cannot be reached"}),
        (TimeoutError(), None, {"temporal": "does not answer in time"}),
        (OSError(), OSError(), {"store": "cannot be reached", "temporal": "cannot be reached"}),
    ],
)
async def test_readyz_names_what_is_missing(temporal, store_error, problems):
    """What cannot be reached is named, without details for strangers."""
    answer = await ask("/readyz", temporal=temporal, store_error=store_error)
    assert (answer.status_code, answer.json()) == (503, {"ready": False, "problems": problems})
