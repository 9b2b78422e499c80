"""Starting the session of a delivery."""

from __future__ import annotations

import datetime as dt
import json

import pytest
from temporalio.common import WorkflowIDReusePolicy
from temporalio.exceptions import WorkflowAlreadyStartedError
from temporalio.service import RPCError, RPCStatusCode

from worker.dispatch.deliver import MAX_UNKNOWN_ATTEMPTS, Outcome, deliver, plain_json, summary
from worker.store.records import Delivery, Event, Trigger

EVENT = Event(
    id="evt_1",
    project="shop",
    source_kind="trigger",
    source="hook",
    event_type="get",
    data={"method": "GET"},
    memo={"method": "GET", "webhook_slug": "abc", "remote_addr": "1.2.3.4:5"},
    created_at=dt.datetime(2026, 1, 1, tzinfo=dt.UTC),
)
TRIGGER = Trigger(id="trg_1", project="shop", name="hook", kind="webhook", call="main.py:on_event")
DELIVERY = Delivery(
    id="dlv_1",
    event_id="evt_1",
    project="shop",
    trigger="hook",
    handler="main.py:on_event",
    session_id="ses_1",
    state="pending",
)


class FakeClient:
    """Answers ``start_workflow`` with an error, or keeps what it was asked for."""

    def __init__(self, error=None):
        self.error = error
        self.started = []

    async def start_workflow(self, workflow, arg, **options):
        """Keep what is asked for, then answer."""
        self.started.append((workflow, arg, options))
        if self.error is not None:
            raise self.error


def rpc_error(status, message="no"):
    """What the client raises for a gRPC status."""
    return RPCError(message, status, b"")


async def test_deliver_starts_the_handler_as_a_workflow():
    """The workflow type is the handler, its one input the data, its queue the project, its id the session's."""
    client = FakeClient()
    assert await deliver(client, DELIVERY, EVENT, TRIGGER) == Outcome("done")
    ((workflow, arg, options),) = client.started
    assert workflow == "main.py:on_event"
    assert (arg.payload.metadata["encoding"], arg.payload.data) == (b"json/plain", b'{"method":"GET"}')
    assert (options["id"], options["task_queue"]) == ("ses_1", "shop")
    assert options["id_reuse_policy"] is WorkflowIDReusePolicy.REJECT_DUPLICATE
    assert options["task_timeout"] == dt.timedelta(seconds=20)
    assert options["static_summary"] == "webhook get → main.py:on_event"
    assert options["memo"] == {
        "project": "shop",
        "trigger": "hook",
        "trigger_id": "trg_1",
        "event_id": "evt_1",
        "event_type": "get",
        "method": "GET",
        "webhook_slug": "abc",
        "remote_addr": "1.2.3.4:5",
    }


async def test_deliver_of_a_connection_event_names_the_connection():
    """A session started by a connection's event has the connection in its memo and summary."""
    client = FakeClient()
    event = Event("evt_2", "shop", "connection", "chat", "message", {}, {}, EVENT.created_at)
    await deliver(client, DELIVERY, event, None)
    options = client.started[0][2]
    assert options["memo"]["connection"] == "chat"
    assert options["static_summary"] == "chat message → main.py:on_event"


async def test_deliver_again_is_done():
    """A session that exists already is what was asked for."""
    client = FakeClient(WorkflowAlreadyStartedError("ses_1", "main.py:on_event"))
    assert await deliver(client, DELIVERY, EVENT, TRIGGER) == Outcome("done")


@pytest.mark.parametrize(
    "error",
    [
        rpc_error(RPCStatusCode.UNAVAILABLE),
        rpc_error(RPCStatusCode.DEADLINE_EXCEEDED),
        rpc_error(RPCStatusCode.RESOURCE_EXHAUSTED),
        rpc_error(RPCStatusCode.NOT_FOUND),
        rpc_error(RPCStatusCode.PERMISSION_DENIED),
        ConnectionRefusedError("no"),
        TimeoutError(),
    ],
)
async def test_deliver_waits_for_temporal(error):
    """What may be better in a moment is tried again, however often it was tried."""
    delivery = Delivery(**{**vars(DELIVERY), "attempts": 10_000})
    outcome = await deliver(FakeClient(error), delivery, EVENT, TRIGGER)
    assert (outcome.state, outcome.outage) == ("retry", True)


@pytest.mark.parametrize(
    ("status", "message"),
    [
        (RPCStatusCode.INVALID_ARGUMENT, "Blob data size exceeds limit."),
        (
            RPCStatusCode.RESOURCE_EXHAUSTED,
            "grpc: received message after decompression larger than max 4194304",
        ),
    ],
)
async def test_deliver_gives_up_what_temporal_will_never_take(status, message):
    """A request that is wrong in itself fails at once, with Temporal's reason."""
    outcome = await deliver(FakeClient(rpc_error(status, message)), DELIVERY, EVENT, TRIGGER)
    assert outcome.state == "failed"
    assert message in outcome.reason


def test_plain_json_is_compact_utf8():
    """Letters are not escaped, so that a body of any language that fits into Temporal's limit gets there."""
    assert plain_json({"a": ["ж", 10**20]}).payload.data == '{"a":["ж",100000000000000000000]}'.encode()
    assert plain_json("\ud800").payload.data == b'"?"'


@pytest.mark.parametrize(("attempts", "state"), [(0, "retry"), (MAX_UNKNOWN_ATTEMPTS, "failed")])
async def test_deliver_retries_an_unknown_error_a_few_times(attempts, state):
    """An error nobody foresaw is retried, not for ever, and does not count as an outage."""
    delivery = Delivery(**{**vars(DELIVERY), "attempts": attempts})
    outcome = await deliver(FakeClient(TypeError("odd")), delivery, EVENT, TRIGGER)
    assert (outcome.state, outcome.outage) == (state, False)
    assert "TypeError: odd" in outcome.reason


@pytest.mark.parametrize("event_type", ["x" * 1000, "é" * 1000])
def test_summary_is_cut_to_what_temporal_takes(event_type):
    """A very long method does not make the request too large; the cut is between characters."""
    event = Event(**{**vars(EVENT), "event_type": event_type})
    text = summary(DELIVERY, event)
    assert len(json.dumps(text, ensure_ascii=False).encode()) <= 400
    assert text.endswith("…")
