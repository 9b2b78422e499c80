"""Forks on a real server: what is given from the record, what is registered again, and that they survive like any session."""

from __future__ import annotations

import asyncio
import contextlib
import datetime as dt
import json

import pytest
import sqlalchemy as sa
from temporalio.worker import Worker

from tests.helpers.bed import KEY
from tests.helpers.desired import trigger
from tests.helpers.waiting import eventually
from worker import cutting, ids, recording
from worker.cli import histories
from worker.contracts import MEMO_FORKED_AT, MEMO_FORKED_FROM, SEAL_FORK, SYSTEM_QUEUE
from worker.dispatch import Dispatcher, Outbox
from worker.dispatch.ticks import Ticks
from worker.payload.outside import outside_codec
from worker.steps import steps_of
from worker.store import tables
from worker.store.records import Event

pytestmark = pytest.mark.asyncio(loop_scope="module")
NOW = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)


async def fork(bed, origin: str, at: int, outcome=None):
    """Start a fork, as the command does."""
    codec = outside_codec(KEY, bed.name)
    events = await histories.events_of(bed.client, origin)
    start = await histories.start_of(bed.client, events)
    before = json.loads(start.input[1].data)["fork"] if MEMO_FORKED_FROM in start.memo else None
    record = cutting.cut(recording.recording_of(origin, events, before), at, outcome)
    data = json.loads(start.input[0].data or b"null") if start.input else None
    return await bed.client.start_workflow(
        start.handler,
        args=[data, {"fork": record, "seal": codec.seal(record, SEAL_FORK)}],
        id=ids.new("ses"),
        task_queue=bed.name,
        memo={MEMO_FORKED_FROM: origin, MEMO_FORKED_AT: str(at)},
    )


async def calls(bed, session: str) -> list[str]:
    """What a session asked for itself."""
    history = await bed.client.get_workflow_handle(session).fetch_history()
    return [step.name for step in steps_of(history.events)]


@contextlib.asynccontextmanager
async def delivering(bed):
    """The project has a trigger ``feed``; its events are delivered as a gateway would."""
    with bed.store.database.write() as connection:
        connection.execute(sa.delete(tables.triggers).where(tables.triggers.c.project == bed.name))
        row = dict(trigger("feed", call="").items())
        connection.execute(sa.insert(tables.triggers).values(id=ids.new("trg"), project=bed.name, **row))
    outbox = Outbox(bed.store, bed.client, "test")
    running = asyncio.create_task(outbox.run())

    async def send(data: dict) -> None:
        """One event of the trigger."""
        event = Event(ids.new("evt"), bed.name, "trigger", "feed", "post", data, {}, NOW)
        await Dispatcher(bed.store, bed.client).receive(event)
        outbox.wake()

    try:
        yield send
    finally:
        running.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await running


async def test_fork_has_what_had_come_and_hears_of_what_comes(bed):
    """Events up to the cut come from the record; the subscription is the fork's own from there on, like names of signals."""
    async with delivering(bed) as send:
        first = await bed.begin("forks.py:listens")
        await eventually(lambda: bed.lines(first.id) == ["waiting"])
        await send({"n": 1})

        async def called() -> bool:
            """It has asked for the call."""
            return "outside.add" in await calls(bed, first.id)

        await eventually(called)
        await eventually(lambda: bed.store.mailbox.subscriptions(first.id))
        history = await first.fetch_history()
        steps = steps_of(history.events)
        at = next(step.n for step in steps if step.name == "outside.add")

        async def settled() -> bool:
            """The call has its result."""
            return steps_of((await first.fetch_history()).events)[at - 1].state == "done"

        await eventually(settled)
        other = await fork(bed, first.id, at)
        await eventually(lambda: bed.store.mailbox.subscriptions(other.id))
        await send({"n": 2})
        for session in (first, other):

            async def waits(session=session) -> bool:
                """It waits for the signal."""
                return "await_signal" in await calls(bed, session.id)

            await eventually(waits)
            await session.signal("go", session.id)
        assert await first.result() == [1, 2, first.id]
        assert await other.result() == [1, 2, other.id]
        assert bed.lines(other.id) == ["waiting"]
        assert await calls(bed, other.id) == ["subscribe", "await_signal", "unsubscribe"]
        await eventually(lambda: not bed.store.mailbox.subscriptions(other.id))


async def test_clock_and_chance_are_the_recorded_ones_up_to_the_cut(bed):
    """Before it the same numbers and times, after it new ones; a seeded sequence goes on."""
    first = await bed.begin("forks.py:numbers")
    before, after = await first.result()
    other = await fork(bed, first.id, 1)
    taken, live = await other.result()
    assert taken == before
    assert live[0] != after[0]
    assert live[1] > after[1]
    assert live[2] == after[2]
    assert await calls(bed, other.id) == ["outside.add"]


async def test_calls_at_once_go_on_from_any_step(bed):
    """Whichever of the calls that ran at once is the last one taken over, the result is the same."""
    first = await bed.begin("forks.py:at_once")
    result = await first.result()
    steps = len(await calls(bed, first.id))
    forks = [await fork(bed, first.id, at) for at in range(1, steps + 1)]
    assert [await item.result() for item in forks] == [result] * steps
    assert [len(await calls(bed, item.id)) for item in forks] == list(range(steps - 1, -1, -1))


async def test_fork_of_a_fork_takes_over_both(bed):
    """An edited result, and the steps the first fork made itself."""
    first = await bed.begin("forks.py:naps")
    assert await first.result() == "slept"
    other = await fork(bed, first.id, 3)
    assert await other.result() == "slept"
    third = await fork(bed, other.id, 6)
    assert await third.result() == "slept"
    assert await calls(bed, third.id) == ["sleep 0.2 s", "outside.add"]
    assert bed.lines(third.id) == bed.lines(first.id)
    fourth = await fork(bed, third.id, 2)
    assert await fourth.result() == "slept"
    assert len(await calls(bed, fourth.id)) == 6


async def test_fork_survives_the_death_of_its_process(bed):
    """SIGKILL while it waits, live: another process goes through the record again and on."""
    first = await bed.begin("forks.py:calls_until", {"gate": True})
    await eventually(lambda: len(bed.lines(first.id)) == 5)
    await first.signal("gate")
    assert await first.result() == "done"
    other = await fork(bed, first.id, 2)
    await eventually(lambda: len(bed.lines(other.id)) == 5)
    bed.kill()
    bed._report.close()
    bed.process.stdin.close()
    bed.spawn(["main.py:simple"])
    assert (await asyncio.to_thread(bed.read_report))["state"] == "ready"
    await other.signal("gate")
    assert await asyncio.wait_for(other.result(), 60) == "done"
    assert bed.lines(other.id) == bed.lines(first.id)


async def test_record_of_others_is_refused(bed):
    """A record that this installation did not sign ends the session before its handler begins."""
    first = await bed.begin("forks.py:naps")
    await first.result()
    events = await histories.events_of(bed.client, first.id)
    record = cutting.cut(recording.recording_of(first.id, events), 2)
    seal = outside_codec(KEY, bed.name).seal(record, SEAL_FORK)
    record["tasks"][1]["jobs"] = []
    handle = await bed.client.start_workflow(
        "forks.py:naps",
        args=[None, {"fork": record, "seal": seal}],
        id=ids.new("ses"),
        task_queue=bed.name,
        memo={MEMO_FORKED_FROM: first.id, MEMO_FORKED_AT: "2"},
    )
    with pytest.raises(Exception, match="Workflow execution failed") as refused:
        await handle.result()
    assert "AK1401" in str(refused.value.cause)
    assert bed.lines(handle.id) == []


@pytest.mark.parametrize(("by", "step"), [("event", "subscribe"), ("signal", "await_signal")])
async def test_fork_at_a_registration_has_it_too(bed, by, step):
    """The last step taken over registers something: it is the fork's before the program waits for it."""
    async with delivering(bed) as send:
        first = await bed.begin("forks.py:waits_for", {"by": by})

        async def settled() -> bool:
            """The registration is over."""
            return [item.state for item in steps_of((await first.fetch_history()).events)][:1] == ["done"]

        await eventually(settled)
        other = await fork(bed, first.id, 1)

        async def registered(session: str) -> bool:
            """Its own registration, beside that of the first one."""
            steps = steps_of((await bed.client.get_workflow_handle(session).fetch_history()).events)
            return [(item.name, item.state) for item in steps] == [(step, "done")]

        await eventually(lambda: registered(other.id))
        third = await fork(bed, other.id, 1)
        await eventually(lambda: registered(third.id))
        if by == "event":
            await send({"n": 7})
        else:
            await bed.begin("forks.py:takes_turn", {"n": 7})
        for session in (first, other, third):
            assert await asyncio.wait_for(session.result(), 60) == 7
        last = await fork(bed, other.id, 3)  # behind the fork's own registration
        assert await asyncio.wait_for(last.result(), 60) == 7
        await eventually(lambda: not bed.store.mailbox.subscriptions(other.id))


async def test_fork_at_an_unsubscribe_subscribes_no_more(bed):
    """The last step taken over ends a subscription: nothing of it is the fork's, nor of a fork of that."""
    async with delivering(bed):
        first = await bed.begin("forks.py:leaves")

        async def has_left(session=first) -> bool:
            """Its own steps are over, up to the wait for a signal."""
            steps = steps_of((await session.fetch_history()).events)
            return [(item.name, item.state) for item in steps][-1:] == [("await_signal", "done")]

        await eventually(has_left)
        other = await fork(bed, first.id, 2)
        await eventually(lambda: has_left(other))
        third = await fork(bed, other.id, 2)
        fourth = await fork(bed, other.id, 3)
        kept = await fork(bed, first.id, 2, {"as": "failed", "failure": {"message": "no"}})
        await eventually(lambda: has_left(third))
        for session in (other, third, fourth):
            assert not bed.store.mailbox.subscriptions(session.id)
        assert await calls(bed, other.id) == await calls(bed, third.id) == ["await_signal"]
        await eventually(lambda: bed.store.mailbox.subscriptions(kept.id) or has_ended(kept))
        assert (await calls(bed, kept.id))[:1] == ["subscribe"]
        for session in (first, other, third, fourth):
            await session.signal("turn")
            assert await asyncio.wait_for(session.result(), 60) == "left"


async def has_ended(session) -> bool:
    """Whether it runs no more."""
    return (await session.describe()).close_time is not None


async def test_fork_hears_of_the_end_of_a_child_once(bed):
    """The record tells it of the end, and it asks as well: for the program that is one signal."""
    first = await bed.begin("forks.py:has_child")
    assert await first.result() == ["grown", None]
    ticks = Ticks(bed.store, bed.client, Dispatcher(bed.store, bed.client), lambda: None)
    async with Worker(bed.client, task_queue=SYSTEM_QUEUE, activities=[ticks.wait_for_child]):
        other = await fork(bed, first.id, 2)
        assert await other.result() == ["grown", None]
        assert "wait_for_child" in " ".join(await calls(bed, other.id))
        assert await (await fork(bed, other.id, 2)).result() == ["grown", None]
