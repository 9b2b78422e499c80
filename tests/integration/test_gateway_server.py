"""The gateway as a real HTTP server on the loopback interface, over a fake Temporal."""

from __future__ import annotations

import asyncio
import dataclasses
import signal
from pathlib import Path

import httpx
import pytest

from tests.helpers.fake_store import FakeStore, webhook
from worker.config import Settings
from worker.dispatch import webhook_url
from worker.errors import ConfigError
from worker.gateway import Gateway
from worker.gateway.webhooks import MAX_BODY_BYTES
from worker.store import open_store


class FakeWorker:
    """Ticks never come."""

    def __init__(self, client, **options):
        self.stopped = asyncio.Event()

    async def run(self):
        """Until it is shut down."""
        await self.stopped.wait()

    async def shutdown(self):
        """End."""
        self.stopped.set()


def gateway_of(settings, store, client):
    """A gateway without a worker on Temporal."""
    return Gateway(settings, store, client, new_worker=FakeWorker)


class FakeClient:
    """Keeps the ids of the sessions it was asked to start."""

    def __init__(self):
        self.started = []
        self.changed = asyncio.Event()

    async def start_workflow(self, workflow, arg, *, id, **options):  # noqa: A002
        """Keep the id."""
        self.started.append(id)
        self.changed.set()


@pytest.fixture
def settings(tmp_path: Path):
    """Settings of a fresh home, with any free port."""
    environ = {"AK_HOME": str(tmp_path), "AK_LISTEN": "127.0.0.1:0"}
    return Settings.load(environ)


async def test_gateway_receives_and_delivers(settings):
    """A webhook is answered with 202, and its session started at once."""
    store, client = FakeStore(webhook()), FakeClient()
    async with gateway_of(settings, store, client) as gateway, httpx.AsyncClient() as http:
        answer = await http.post(webhook_url(settings, gateway.url, "abc") + "/x?y=%20", json={"n": 1})
        assert (answer.status_code, answer.content) == (202, b"")
        assert "server" not in answer.headers
        async with asyncio.timeout(5):
            await client.changed.wait()
    ((event, (delivery,)),) = store.recorded.values()
    assert event.data["raw_url"] == "/webhooks/abc/x?y=%20"
    assert client.started == [delivery.session_id]
    assert store.states == {delivery.id: ("done", "")}


async def test_gateway_takes_unusual_requests(settings):
    """Invented methods, HEAD, and bodies too large get through the HTTP server to a proper answer."""
    store = FakeStore(webhook())
    async with (
        gateway_of(settings, store, FakeClient()) as gateway,
        httpx.AsyncClient(base_url=gateway.url) as http,
    ):
        assert (await http.request("X-MINE", "/webhooks/abc")).status_code == 202
        assert (await http.head("/webhooks/abc")).status_code == 202
        assert (await http.post("/webhooks/abc", content=b"x" * (MAX_BODY_BYTES * 4))).status_code == 413
        assert (await http.get("/healthz")).text == "ok"


async def test_gateway_leaves_signals_alone(settings):
    """Stopping on a signal is up to whoever built the gateway."""
    before = signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGINT)
    async with gateway_of(settings, FakeStore(), FakeClient()):
        assert (signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGINT)) == before


async def test_gateway_says_which_setting_is_wrong(settings):
    """A port that is taken is an error that names the setting and the remedy."""
    async with gateway_of(settings, FakeStore(), FakeClient()) as first:
        port = int(first.url.rsplit(":", 1)[1])
        with pytest.raises(ConfigError, match=f"AK_LISTEN: cannot listen on 127.0.0.1:{port}") as caught:
            await gateway_of(
                dataclasses.replace(settings, listen_port=port), FakeStore(), FakeClient()
            ).__aenter__()
    assert "AK_LISTEN" in caught.value.hint


async def test_gateway_finishes_the_request_under_way_before_it_stops(settings):
    """A request whose body was still coming when the gateway was told to stop is recorded and answered."""
    store, client = FakeStore(webhook()), FakeClient()
    reading, stopping = asyncio.Event(), asyncio.Event()

    async def slow():
        """A request that is under way for a while."""
        yield b"one "
        reading.set()
        await stopping.wait()
        yield b"two"

    async with httpx.AsyncClient() as http:
        async with gateway_of(settings, store, client) as gateway:
            request = asyncio.create_task(http.post(gateway.url + "/webhooks/abc", content=slow()))
            await reading.wait()
            asyncio.get_running_loop().call_later(0.05, stopping.set)
        answer = await request
    assert answer.status_code == 202
    ((event, _),) = store.recorded.values()
    assert event.data["body"]["text"] == "one two"
    assert len(client.started) == 1


TRIGGER = {
    "name": "hook",
    "kind": "webhook",
    "call": "main.py:on_event",
    "event_type": "",
    "filter": "data.body.json.n > 1",
    "is_sync": False,
    "is_durable": True,
    "connection": "",
    "schedule": "",
}


def activate(store, version, **changes):
    """Make a version with the trigger active."""
    project = {"name": "shop", "connections": [], "vars": [], "triggers": [TRIGGER | changes]}
    desired = {"version": "v2", "project": project}
    deployment = store.deployments.request("shop", "bld_1", version, desired, {}, [], "")
    store.deployments.activate(deployment.id)


async def test_gateway_on_a_real_store(settings):
    """Slug, activation, filter, delivery and redeploy work together on SQLite."""
    store = open_store(settings.database_url, secret_key=b"k" * 32)
    client = FakeClient()
    store.projects.ensure("shop")
    path = "/webhooks/" + store.triggers.reserve_slug("shop", "hook")
    try:
        async with (
            gateway_of(settings, store, client) as gateway,
            httpx.AsyncClient(base_url=gateway.url) as http,
        ):
            assert (await http.post(path, json={"n": 2})).status_code == 404
            activate(store, "v1")
            answers = [await http.post(path, json=body) for body in ({"n": 2}, {"n": 1}, {}, {"n": 2})]
            assert [answer.status_code for answer in answers] == [202] * 4
            activate(store, "v2", is_sync=True)
            assert (await http.post(path)).status_code == 502
        matches = [store.events.deliveries(answer.headers["AutoKitteh-Event-ID"])[0] for answer in answers]
    finally:
        store.close()
    assert [(delivery.state, delivery.reason.partition(":")[0]) for delivery in matches] == [
        ("done", ""),
        ("skipped", "the filter 'data.body.json.n > 1' is false"),
        ("skipped", "the filter 'data.body.json.n > 1' failed"),
        ("done", ""),
    ]
    assert client.started == [matches[0].session_id, matches[3].session_id]


@pytest.mark.parametrize(
    ("changes", "running", "expected"),
    [
        ({}, "http://127.0.0.1:4711", "http://127.0.0.1:4711/webhooks/abc"),
        (
            {"public_url": "https://x.example/base/"},
            "http://127.0.0.1:4711",
            "https://x.example/base/webhooks/abc",
        ),
        ({"listen_port": 9980}, "", "http://127.0.0.1:9980/webhooks/abc"),
        ({"listen_port": 9980, "listen_host": "::1"}, "", "http://[::1]:9980/webhooks/abc"),
    ],
)
def test_webhook_url_prefers_the_public_address(settings, changes, running, expected):
    """The configured public address comes first, then the running gateway's, then the one it will have."""
    assert webhook_url(dataclasses.replace(settings, **changes), running, "abc") == expected
