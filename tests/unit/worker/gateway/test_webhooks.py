"""The webhook endpoint: what it answers, and that it answers only what is true."""

from __future__ import annotations

import asyncio

import httpx
import pytest

from tests.helpers import catalogue
from tests.helpers.fake_store import FakeStore, deployment, webhook
from worker.dispatch import Dispatcher
from worker.gateway import create_app, webhooks
from worker.gateway.webhooks import MAX_BODY_BYTES

METHODS = ["GET", "POST", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS", "PURGE", "X-MINE"]


class Site:
    """The application over a fake store, and a count of the wake-ups."""

    def __init__(self, store):
        self.store = store
        self.wakes = 0
        self.refused = []
        app = create_app(
            store,
            None,
            Dispatcher(store, None),
            self.wake,
            refused=lambda request, code: self.refused.append((request.url.path, code)),
        )
        transport = httpx.ASGITransport(app, client=("1.2.3.4", 5))
        self.http = httpx.AsyncClient(transport=transport, base_url="http://gateway")

    def wake(self):
        """Count, and check that there is something to deliver."""
        assert self.store.recorded, "woken before the event was recorded"
        self.wakes += 1

    def event(self):
        """The one recorded event."""
        ((event, _),) = self.store.recorded.values()
        return event


@pytest.fixture
async def site():
    """The application with one webhook."""
    site = Site(FakeStore(webhook()))
    async with site.http:
        yield site


async def test_webhook_answers_202_with_the_recorded_event(site):
    """The answer is empty and names the event, which is in the store with its delivery."""
    answer = await site.http.post("/webhooks/abc/a/b?x=1", json={"n": 1})
    assert (answer.status_code, answer.content) == (202, b"")
    assert answer.headers["cache-control"] == "no-cache"
    event = site.event()
    assert answer.headers["AutoKitteh-Event-ID"] == event.id
    assert (event.project, event.source_kind, event.source, event.event_type) == (
        "shop",
        "trigger",
        "hook",
        "post",
    )
    assert event.memo == {
        "method": "POST",
        "webhook_slug": "abc",
        "remote_addr": "1.2.3.4:5",
        "trigger_id": "trg_1",
    }
    assert event.data["url"] == {"path": "/webhooks/abc/a/b", "path_suffix": "a/b", "query": {"x": "1"}}
    assert event.data["body"]["json"] == {"n": 1}
    assert event.data["headers"]["Content-Type"] == "application/json"
    assert [d.state for d in site.store.events.deliveries(event.id)] == ["pending"]
    assert site.wakes == 1


@pytest.mark.parametrize("method", METHODS)
async def test_webhook_takes_every_method(site, method):
    """Any method is an event whose type is the method in lower case."""
    answer = await site.http.request(method, "/webhooks/abc/")
    assert answer.status_code == 202
    assert site.event().event_type == method.lower()


async def test_webhook_that_matches_nothing_is_still_202(site):
    """The event type selects sessions, it does not refuse requests."""
    site.store.all = [webhook(event_type="get")]
    assert (await site.http.post("/webhooks/abc")).status_code == 202
    assert [d.state for d in site.store.events.deliveries(site.event().id)] == ["skipped"]


@pytest.mark.parametrize(
    "path", ["/webhooks/nope", "/webhooks/nope/abc", "/webhooks/", "/webhooks", "/", "/other"]
)
async def test_unknown_path_is_404(site, path):
    """Nothing is known under other paths, and nothing is recorded."""
    answer = await site.http.post(path)
    assert (answer.status_code, answer.text) == (404, "Not Found: nothing is at this URL [AK3404]")
    assert not site.store.recorded
    assert site.refused == [(path, "AK3404")]


async def test_webhook_without_active_deployment_is_404(site):
    """A webhook whose project is not active does not exist."""
    site.store.current = None
    answer = await site.http.get("/webhooks/abc")
    assert (answer.status_code, answer.text) == (404, "Not Found: nothing is at this URL [AK3404]")


async def test_synchronous_webhook_without_a_session_is_502(site):
    """A synchronous webhook whose event starts no session says so at once; the event is recorded."""
    site.store.all = [webhook(is_sync=True, call="")]
    answer = await site.http.get("/webhooks/abc")
    assert answer.status_code == 502
    event = answer.headers["AutoKitteh-Event-ID"]
    assert answer.text == f"Bad Gateway: no session was started: see `ak event explain {event}` [AK3502]"
    assert site.refused == []
    assert site.store.recorded


async def test_webhook_follows_a_new_deployment(site):
    """The request after an activation meets the new trigger: another handler, a synchronous one, none, and back."""
    assert (await site.http.get("/webhooks/abc")).status_code == 202
    steps = [
        ([webhook(call="main.py:g")], 202),
        ([webhook(is_sync=True, call="")], 502),
        ([], 404),
        ([webhook()], 202),
    ]
    for number, (triggers, status) in enumerate(steps, 2):
        site.store.all, site.store.current = triggers, deployment(number)
        assert (await site.http.get("/webhooks/abc")).status_code == status
    recorded = [delivery for _, deliveries in site.store.recorded.values() for delivery in deliveries]
    handlers = [delivery.handler for delivery in recorded if delivery.handler]
    assert handlers == ["main.py:f", "main.py:g", "main.py:f"]


@pytest.mark.parametrize(("size", "status"), [(MAX_BODY_BYTES, 202), (MAX_BODY_BYTES + 1, 413)])
@pytest.mark.parametrize("chunked", [False, True])
async def test_webhook_limits_the_body(site, size, status, chunked):
    """512 KiB are taken, one byte more is refused, whether the length is declared or not."""

    async def chunks():
        """More than the limit, in parts."""
        for start in range(0, size, 65536):
            yield b"\xff" * min(65536, size - start)

    answer = await site.http.post("/webhooks/abc", content=chunks() if chunked else b"\xff" * size)
    assert answer.status_code == status
    assert status == 202 or answer.text == catalogue.answer("AK3413")
    assert len(site.store.recorded) == (status == 202)


async def test_webhook_refuses_a_flood(site, monkeypatch):
    """Beyond what may be held in memory requests get 429, and the account is settled afterwards."""
    monkeypatch.setattr(webhooks, "MAX_HELD_BYTES", 10)
    for _ in range(3):
        answer = await site.http.post("/webhooks/abc", content=b"12345678901")
        assert (answer.status_code, answer.headers["retry-after"]) == (429, "1")
        assert answer.text == catalogue.answer("AK3429")
    for _ in range(3):
        assert (await site.http.post("/webhooks/abc", content=b"1234567890")).status_code == 202


async def test_webhook_body_that_does_not_come_is_408(site, monkeypatch):
    """A sender that stalls in the middle of a body does not hold the request for ever."""
    monkeypatch.setattr(webhooks, "BODY_TIMEOUT_SECONDS", 0.001)

    async def stalled():
        """A body that never comes."""
        yield b"x"
        await asyncio.Event().wait()

    answer = await site.http.post("/webhooks/abc", content=stalled())
    assert (answer.status_code, answer.text) == (408, catalogue.answer("AK3408"))


async def test_webhook_is_500_when_the_store_fails(site, caplog):
    """Without a committed event there is no 202; the sender sees no details, the log does."""
    site.store.error = OSError("disk is full")
    answer = await site.http.post("/webhooks/abc")
    assert (answer.status_code, answer.text) == (500, catalogue.answer("AK3500"))
    assert "disk is full" in caplog.text
    assert site.wakes == 0


async def test_webhook_of_a_client_that_left_records_nothing(site):
    """A request that broke off in its body is no event."""
    app = create_app(site.store, None, Dispatcher(site.store, None), site.wake)
    sent = []

    async def receive():
        """The client is gone."""
        return {"type": "http.disconnect"}

    async def send(message):
        """Nobody listens."""
        sent.append(message)

    scope = {"type": "http", "method": "POST", "path": "/webhooks/abc", "raw_path": b"/webhooks/abc"}
    await app(scope | {"query_string": b"", "headers": [], "client": None}, receive, send)
    assert (sent, site.store.recorded) == ([], {})
