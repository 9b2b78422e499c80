"""Sessions that restart, on a real Temporal server; warm, and with no cache, where every step replays."""

from __future__ import annotations

import asyncio
import contextlib
import datetime as dt
from unittest import mock

import pytest
import sqlalchemy as sa
from temporalio.client import WorkflowFailureError

from tests.helpers.desired import trigger
from tests.helpers.histories import refusals
from tests.helpers.temporal import shared_server
from tests.helpers.waiting import eventually
from worker import devserver, ids
from worker.dispatch import Dispatcher, Outbox
from worker.store import tables
from worker.store.records import Event

pytestmark = pytest.mark.asyncio(loop_scope="module")
NOW = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)


@pytest.fixture(scope="module")
def temporal_server(tmp_path_factory):
    """A server that lets a session restart sooner than after a second: more restarts, and more that race."""
    quick = {"history.workflowIdReuseMinimalInterval": '"20ms"'}
    with (
        mock.patch.dict(devserver.SETTINGS, quick),
        shared_server(tmp_path_factory.mktemp("temporal")) as server,
    ):
        yield server


@contextlib.asynccontextmanager
async def delivering(bed):
    """The project has a trigger ``feed``; its events are delivered as a gateway would."""
    row = trigger("feed", call="")
    with bed.store.database.write() as connection:
        connection.execute(sa.insert(tables.triggers).values(id=ids.new("trg"), project=bed.name, **row))
    outbox = Outbox(bed.store, bed.client, "test")
    running = asyncio.create_task(outbox.run())
    try:
        yield lambda data: send(bed, outbox, data)
    finally:
        outbox.stop()
        await running
        with bed.store.database.write() as connection:
            connection.execute(sa.delete(tables.triggers))


async def send(bed, outbox: Outbox, data: dict) -> None:
    """One event of the trigger."""
    event = Event(ids.new("evt"), bed.name, "trigger", "feed", "post", data, {}, NOW)
    await Dispatcher(bed.store, bed.client).receive(event)
    outbox.wake()


async def histories(bed, session: str) -> list:
    """The histories of all runs of a session."""
    runs = [item async for item in bed.client.list_workflows(f'WorkflowId="{session}"')]
    return [
        await bed.client.get_workflow_handle(session, run_id=item.run_id).fetch_history() for item in runs
    ]


async def test_restart_begins_a_new_run_of_the_same_session(bed):
    """New data, fresh modules, one log; finally blocks run and may call, except Exception sees nothing."""
    assert await bed.run("restarts.py:counts", {"to": 2}) == 2
    assert bed.lines() == ["run 0 1", "finally 1", "run 1 1", "finally 2", "run 2 1", "finally 3"]
    assert bed.lines(kind="state") == ["running", "restarted", "restarted", "completed"]
    lines = [(line.line, line.sub) for line in bed.store.log.read(bed.last)]
    assert lines == sorted(set(lines))


async def test_restart_without_data_begins_with_the_same_data(bed):
    """As they came, whatever the run before did to them."""
    assert await bed.run("restarts.py:again", {"text": "hello"}) == [3, "hello", bed.last]


async def test_chance_differs_from_run_to_run(bed):
    """No number comes twice."""
    made = await bed.run("restarts.py:chance")
    assert len({number for number, _ in made}) == len({text for _, text in made}) == 3


async def test_code_that_swallows_the_restart_meets_it_again(bed):
    """At its next blocking call, or when the handler returns."""
    assert await bed.run("restarts.py:swallows") == "again"
    assert await bed.run("restarts.py:swallows", {"blocks": True}) == "again"
    assert bed.lines() == []


async def test_signals_that_wait_go_along_in_order(bed):
    """Sent before the restarts, received after them, each once."""
    handle = await bed.begin("restarts.py:kept_mail")
    await eventually(lambda: bed.lines(handle.id) == ["waiting"])
    for n in range(12):
        await handle.signal("first" if n < 8 else "second", {"n": n})
    assert await handle.result() == [["first" if n < 8 else "second", {"n": n}] for n in range(12)]


async def test_restart_where_it_cannot_be_is_an_error(bed):
    """In a thread, an activity, a handler that is not durable, with data that cannot be sent; it says what to do."""
    assert await bed.run("restarts.py:in_a_thread") == [
        "restart in a thread: call it in the handler; its threads end with the run"
    ]
    assert (await bed.run("restarts.py:in_an_activity")).startswith("restart inside an activity: ")
    message = await bed.run("restarts.py:cannot_be_sent")
    assert message == "restart: the data cannot be sent: a value of type Lock has no place in JSON"
    handle = await bed.begin("restarts.py:not_durable", memo={"durable": "false"})
    with pytest.raises(Exception, match="Workflow execution failed"):
        await handle.result()
    (error,) = bed.lines(handle.id, "error")
    assert "restart in a handler that is not durable" in error


async def test_restart_in_a_task_of_asyncio(bed):
    """It ends all tasks of the run."""
    assert await bed.run("restarts.py:in_a_task") == [2, None]


async def test_error_while_cleaning_up_is_the_sessions_error(bed):
    """As in Python: it replaces what was on its way."""
    assert (
        await bed.error("restarts.py:fails_in_finally") == "ValueError: cleaning up failed (restarts.py:145)"
    )


async def test_parent_hears_of_the_end_of_a_child_that_restarts(bed):
    """When its last run ends."""
    ended = await bed.run("restarts.py:waits_for_a_restarting_child")
    assert ended == {"completed": True, "value": 2}


async def test_signals_that_arrive_while_a_run_ends_are_not_lost(bed):
    """Temporal refuses to end a run that has not seen a signal; the one that follows has it, in order, once."""
    last = 49
    handle = await bed.begin("restarts.py:races", {"last": last})
    for n in range(last + 1):
        await handle.signal("n", {"n": n})
        await asyncio.sleep(0.01)
    assert await asyncio.wait_for(handle.result(), 60) == list(range(last + 1))
    found = await histories(bed, handle.id)
    assert len(found) == 5
    assert sum(map(refusals, found)) > 0


async def test_subscriptions_and_their_events_outlive_restarts(bed):
    """Four sessions restart all the time while events come: none is lost, none comes twice, all are in order."""
    people, each = 4, 16
    async with delivering(bed) as deliver:
        handles = [
            await bed.begin(
                "restarts.py:collects",
                {"me": str(me), "last": each - 1, "every": 1 + me % 4, "works": me % 2},
            )
            for me in range(people)
        ]
        await eventually(lambda: len(bed.store.mailbox.subscriptions(project=bed.name)) == people)
        for i in range(each):
            for me in range(people):
                await deliver({"to": str(me), "i": i})
        results = await asyncio.wait_for(asyncio.gather(*(item.result() for item in handles)), 120)
    assert results == [list(range(each))] * people
    assert bed.store.mailbox.subscriptions(project=bed.name) == []


async def test_secret_in_a_filter_stands_in_no_history(bed):
    """It travels by its name, to the store and to the next run, and the filter is compared with its value."""
    key = bed.secrets["FEED_KEY"]
    async with delivering(bed) as deliver:
        handle = await bed.begin("restarts.py:with_a_secret")
        refused = "subscribe(nosuch, data.key == '••••••') -> source \"nosuch\" not found"
        await eventually(lambda: bed.lines(handle.id) == [refused] * 2)
        await eventually(lambda: bed.store.mailbox.subscriptions(handle.id))
        await deliver({"key": "another", "i": 1})
        await deliver({"key": key, "i": 2})
        assert await handle.result() == 2
    runs = [run async for run in bed.client.list_workflows(f"WorkflowId = '{handle.id}'")]
    assert len(runs) == 2
    for run in runs:
        events = (await bed.client.get_workflow_handle(handle.id, run_id=run.run_id).fetch_history()).events
        said = [
            event for event in events if not event.HasField("workflow_execution_signaled_event_attributes")
        ]
        assert key not in str(said)
        assert "FEED_KEY" in str(said)


async def test_subscription_can_be_handed_on_by_its_id(bed):
    """It is the same one, and asking for another like it then makes another."""
    async with delivering(bed) as deliver:
        handle = await bed.begin("restarts.py:by_id")
        await eventually(lambda: bed.lines(handle.id) == ["waiting"])
        await deliver({"to": "id", "i": 7})
        assert await handle.result() == [7, True]


async def test_subscription_that_no_run_uses_is_warned_about(bed):
    """It stays, since it may be wanted later; the log says that it collects events."""
    async with delivering(bed):
        await bed.run("restarts.py:forgets")
    warning = "the subscription to feed was not used since the last restart: unsubscribe"
    assert bed.lines(kind="warning") == [warning]
    assert bed.store.mailbox.subscriptions(project=bed.name) == []


async def test_stop_of_a_session_that_restarts_stops_it(bed):
    """Also when it comes while the run ends: the new run would not hear of it."""
    for pause in (0.0, 0.0, 0.0, 0.02, 0.05, 0.1):
        handle = await bed.begin("restarts.py:waits_then_restarts", {"work": 10_000_000})
        await eventually(lambda: bed.lines(handle.id) == ["waiting 0"])  # noqa: B023
        await handle.signal("go")
        await asyncio.sleep(pause)
        await handle.cancel()
        with pytest.raises(WorkflowFailureError):
            await asyncio.wait_for(handle.result(), 30)
        assert bed.lines(handle.id, "state") in (["running", "stopped"], ["running", "restarted", "stopped"])
        assert bed.store.mailbox.subscriptions(handle.id) == []


async def test_signal_of_the_project_reaches_every_run_once(bed):
    """What was sent before the session waited, and what is sent between its runs."""
    handle = await bed.begin("restarts.py:waits_then_restarts")
    for run in range(3):
        await eventually(lambda: bed.lines(handle.id)[-1:] == [f"waiting {run}"])  # noqa: B023
        await bed.run("restarts.py:says_go")
    await eventually(lambda: bed.lines(handle.id)[-1:] == ["waiting 3"])
    await handle.cancel()


async def test_log_warns_of_a_history_that_grows(bed):
    """Once at each step, with the place where it waits; the lines keep their numbers in a replay."""
    bed.stop()
    bed.history_warning = 50
    bed.spawn()
    await asyncio.to_thread(bed.read_report)
    assert await bed.run("restarts.py:grows", {"steps": 45}) == "grown"
    warnings = [line for line in bed.store.log.read(bed.last) if line.kind == "warning"]
    assert [line.where for line in warnings] == ["restarts.py:184"] * 3
    assert all("call autokitteh.restart()" in line.text for line in warnings)
