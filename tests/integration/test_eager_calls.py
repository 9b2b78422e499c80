"""Calls begun at once: how many of them go through Temporal's queue, and how many the process takes along."""

from __future__ import annotations

import pytest
from temporalio.api.enums.v1 import TaskQueueType
from temporalio.api.workflowservice.v1 import DescribeTaskQueueRequest

from tests.helpers.bed import Bed
from tests.helpers.waiting import eventually
from worker.contracts import CALLS_AT_ONCE

CODE = """
import autokitteh

@autokitteh.activity
def same(n):
    return n

def on_event(event):
    return sum(autokitteh.parallel(same, range(event.data.n)))
"""
CALLS = 40


async def queued(bed: Bed) -> float:
    """How many activities per second went into the project's queue lately, as Temporal counts it."""
    request = DescribeTaskQueueRequest(
        namespace="default", task_queue_type=TaskQueueType.TASK_QUEUE_TYPE_ACTIVITY, report_stats=True
    )
    request.task_queue.name = bed.name
    answer = await bed.client.workflow_service.describe_task_queue(request)
    return answer.stats.tasks_add_rate


@pytest.fixture
def new_bed(tmp_path, temporal_server):
    """A build process that takes so many calls along."""
    beds = []

    def make(eager: int) -> Bed:
        """One that has its own home."""
        home = tmp_path / f"takes{eager}"
        (home / "project").mkdir(parents=True)
        (home / "project" / "main.py").write_text(CODE)
        bed = Bed(home / "project", home, temporal_server.address)
        bed.eager_calls = eager
        beds.append(bed)
        return bed

    yield make
    for bed in beds:
        bed.stop()
        bed.store.close()


async def test_calls_begun_at_once_spare_the_queue(new_bed):
    """A process that may take all of them asks Temporal for none; one that may take a few asks for the rest."""
    all_of_them, few = new_bed(CALLS_AT_ONCE), new_bed(3)
    for bed in (all_of_them, few):
        await bed.start(["main.py:on_event"])
        assert await bed.run("main.py:on_event", {"n": CALLS}) == sum(range(CALLS))

    await eventually(lambda: queued(few))
    assert await queued(all_of_them) == 0
