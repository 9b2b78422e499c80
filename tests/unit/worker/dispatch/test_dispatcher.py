"""Taking events in: what is recorded, and what becomes of it."""

from __future__ import annotations

import pytest
from temporalio.service import RPCError, RPCStatusCode

from tests.helpers.fake_store import AT, FakeStore, deployment, webhook
from worker.dispatch import Dispatcher, Work
from worker.store.records import Delivery, Event


class FakeClient:
    """Counts starts, or fails them."""

    def __init__(self, error=None):
        self.error = error
        self.started = []

    async def start_workflow(self, workflow, arg, *, id, **options):  # noqa: A002
        """Keep the id, or fail."""
        if self.error:
            raise self.error
        self.started.append(id)


def event(**changes):
    """An event of the webhook."""
    values = {"source_kind": "trigger", "source": "hook", "event_type": "get", "data": {}, "memo": {}}
    return Event(**{"id": "evt_1", "project": "shop", "created_at": AT} | values | changes)


async def test_receive_records_event_and_deliveries_together():
    """The event is written with a delivery for each of its triggers."""
    store = FakeStore(webhook(), webhook(id="trg_2", name="other", slug="xyz"))
    await Dispatcher(store, FakeClient()).receive(event())
    recorded, deliveries = store.recorded["evt_1"]
    assert recorded == event(deployment="dep_1")
    assert [(d.trigger, d.state) for d in deliveries] == [("hook", "pending")]


async def test_receive_of_a_connection_event_asks_every_trigger_of_it():
    """All triggers of a connection decide about its event; those that do not match are recorded too."""
    chat = {"kind": "connection", "connection": "chat", "slug": ""}
    store = FakeStore(
        webhook(id="1", name="a", **chat), webhook(id="2", name="b", event_type="x", **chat), webhook()
    )
    await Dispatcher(store, FakeClient()).receive(event(source_kind="connection", source="chat"))
    _, deliveries = store.recorded["evt_1"]
    assert [(d.trigger, d.state) for d in deliveries] == [("a", "pending"), ("b", "skipped")]


async def test_receive_for_one_trigger_asks_no_other():
    """Whatever the event's source: another trigger of it starts nothing, and subscriptions are not looked for."""
    store = FakeStore(webhook(), webhook(id="trg_2", name="other", slug="xyz"))
    await Dispatcher(store, FakeClient()).receive(event(), only="other")
    _, deliveries = store.recorded["evt_1"]
    assert [(d.trigger, d.state) for d in deliveries] == [("other", "pending")]


async def test_receive_without_active_deployment_starts_nothing():
    """Where no deployment is active the event is kept, and its deliveries say why nothing started."""
    store = FakeStore(webhook(), active=False)
    await Dispatcher(store, FakeClient()).receive(event())
    ((_, (delivery,)),) = store.recorded.values()
    assert (delivery.state, delivery.reason) == ("skipped", "the project has no active deployment")


async def test_deliver_pending_starts_each_session_once():
    """Pending deliveries are started and marked done; a second call finds nothing."""
    store, client = FakeStore(webhook()), FakeClient()
    dispatcher = Dispatcher(store, client)
    await dispatcher.receive(event())
    await dispatcher.receive(event())
    assert [outcome.state for outcome in await dispatcher.deliver_pending()] == ["done"]
    assert await dispatcher.deliver_pending() == []
    (delivery,) = store.events.deliveries("evt_1")
    assert client.started == [delivery.session_id]
    assert store.states == {delivery.id: ("done", "")}


@pytest.mark.parametrize(
    ("status", "released", "finished"),
    [(RPCStatusCode.UNAVAILABLE, 1, []), (RPCStatusCode.INVALID_ARGUMENT, 0, ["failed"])],
)
async def test_deliver_records_how_it_went(status, released, finished):
    """A delivery that may still succeed is released, one that never will is failed, each with the reason."""
    store = FakeStore(webhook())
    dispatcher = Dispatcher(store, FakeClient(RPCError("no", status, b"")))
    await dispatcher.receive(event())
    await dispatcher.deliver_pending()
    assert len(store.released) == released
    assert [state for state, _ in store.states.values()] == finished


async def test_deliver_without_its_event_fails():
    """A delivery whose event was deleted fails instead of being tried for ever."""
    outcome = await Dispatcher(FakeStore(), FakeClient()).deliver(
        Work(Delivery("dlv_1", "evt_9", "shop", "hook", "main.py:f", "ses_1", "pending"), None)
    )
    assert (outcome.state, outcome.reason) == ("failed", "the event evt_9 is gone")


async def test_webhook_is_looked_up_once_per_activation():
    """The trigger of a slug is kept until another deployment becomes active."""
    store = FakeStore(webhook())
    dispatcher = Dispatcher(store, FakeClient())
    first = await dispatcher.webhook("abc")
    reads = store.slug_reads
    assert await dispatcher.webhook("abc") is first
    assert store.slug_reads == reads
    store.all, store.current = [webhook(call="main.py:g")], deployment(2)
    assert (await dispatcher.webhook("abc")).call == "main.py:g"


async def test_webhook_is_unknown_without_active_deployment():
    """A slug is known from the moment its project is active, and no longer than that."""
    store = FakeStore(webhook(), active=False)
    dispatcher = Dispatcher(store, FakeClient())
    assert await dispatcher.webhook("abc") is None
    store.current = deployment()
    assert await dispatcher.webhook("abc") == webhook()
    assert await dispatcher.webhook("nope") is None
    store.current = None
    assert await dispatcher.webhook("abc") is None


async def test_receive_webhook_confirms_the_trigger():
    """An event is recorded only under the trigger that its webhook has now."""
    store = FakeStore(webhook())
    dispatcher = Dispatcher(store, FakeClient())
    assert dispatcher.known_webhook("abc") is None
    before = await dispatcher.webhook("abc")
    store.all, store.current = [webhook(call="main.py:g")], deployment(2)
    assert dispatcher.known_webhook("abc") is before
    assert not await dispatcher.receive_webhook(event(), before)
    assert not store.recorded
    assert await dispatcher.receive_webhook(event(), dispatcher.known_webhook("abc"))
    assert [d.handler for d in store.events.deliveries("evt_1")] == ["main.py:g"]


async def test_claim_looks_the_trigger_up_where_the_event_does_not_name_it():
    """A webhook's event names its trigger; for others the trigger is loaded with the delivery."""
    store = FakeStore(webhook())
    dispatcher = Dispatcher(store, FakeClient())
    await dispatcher.receive(event())
    await dispatcher.receive(event(id="evt_2", memo={"trigger_id": "trg_1"}))
    assert [work.trigger for work in await dispatcher.claim("me", 9)] == [webhook(), None]
