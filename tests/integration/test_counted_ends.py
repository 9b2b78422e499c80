"""What a build process tells of the ends of sessions, on a real Temporal server; warm and with no cache."""

from __future__ import annotations

import asyncio
from collections import Counter

import pytest
import pytest_asyncio
from temporalio.api.enums.v1 import EventType
from temporalio.client import WorkflowFailureError

from tests.helpers.bed import Bed
from tests.helpers.histories import refusals
from tests.helpers.waiting import eventually

pytestmark = pytest.mark.asyncio(loop_scope="module")
PROGRAM = """
from autokitteh import activity, restart

@activity
def step():
    return 1

def busy(event):
    step()
    print("before")
    sum(range(20_000_000))
    print("after")

def fails(event):
    step()
    raise ValueError("no")

def again(event):
    if event.data.n:
        restart({"n": event.data.n - 1})
"""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def counting(temporal_server, cached, tmp_path_factory):
    """A build process that is asked for the ends of its sessions."""
    home = tmp_path_factory.mktemp("counting")
    (home / "project").mkdir()
    (home / "project" / "main.py").write_text(PROGRAM)
    made = Bed(home / "project", home, temporal_server.address, cached=cached, budget=20.0)
    made.tracing = True
    await made.start(["main.py:busy"])
    yield made
    await asyncio.to_thread(made.stop)
    made.store.close()


async def told(bed, session: str) -> tuple[dict[str, float], list[str]]:
    """How often each state was counted until the end of the session's last run was told, and the runs that ended."""
    handle = bed.client.get_workflow_handle(session)
    last = (await handle.describe()).run_id
    counted: Counter[str] = Counter()
    ends: list[str] = []
    complete = False
    while not complete:
        report = await asyncio.to_thread(bed.read_report)
        if report["state"] == "ended":
            assert report["message"] == session
            ends.append(report["where"])
        complete = report["state"] == "metrics" and last in ends  # the sums that come with an end follow it
        for name, labels, *amount in report["sums"]:
            if name == "autokitteh_sessions_total":
                counted[labels[-1]] += amount[0]
    return dict(counted), ends


async def test_an_end_that_temporal_refuses_at_first_counts_once(counting):
    """A signal arrives while the last task runs: the task is run again, beginning and end are told once."""
    handle = await counting.begin("main.py:busy")

    async def at_last_task():
        """The call is over, and what follows it runs."""
        events = (await handle.fetch_history()).events
        kinds = [event.event_type for event in events]
        done = EventType.EVENT_TYPE_ACTIVITY_TASK_COMPLETED in kinds
        return done and kinds[-1] == EventType.EVENT_TYPE_WORKFLOW_TASK_STARTED

    await eventually(at_last_task)
    await handle.signal("greeting", "hello")
    await handle.result()
    assert refusals(await handle.fetch_history()) == 1
    assert counting.lines(handle.id) == ["before", "after"]
    counted, ends = await told(counting, handle.id)
    assert counted == {"running": 1, "completed": 1}
    assert len(ends) == 1


async def test_a_failed_end_counts_once(counting):
    """An exception ends the session with the state ``error``."""
    handle = await counting.begin("main.py:fails")
    with pytest.raises(WorkflowFailureError):
        await handle.result()
    counted, ends = await told(counting, handle.id)
    assert counted == {"running": 1, "error": 1}
    assert len(ends) == 1


async def test_each_run_of_a_session_that_restarts_is_told(counting):
    """A restart ends its run without ending the session: one completed session, three runs."""
    handle = await counting.begin("main.py:again", {"n": 2})
    await handle.result()
    counted, ends = await told(counting, handle.id)
    assert counted == {"running": 1, "restarted": 2, "completed": 1}
    assert len(set(ends)) == len(ends) == 3


async def test_what_is_asked_of_an_ended_session_counts_nothing(counting):
    """A query replays the session to its end; that end was told long ago."""
    handle = await counting.begin("main.py:busy")
    await handle.result()
    assert (await told(counting, handle.id))[0] == {"running": 1, "completed": 1}
    await handle.query("__stack_trace")
    other = await counting.begin("main.py:fails")
    with pytest.raises(WorkflowFailureError):
        await other.result()
    assert (await told(counting, other.id))[0] == {"running": 1, "error": 1}
