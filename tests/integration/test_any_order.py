"""Whatever order activities finish in, a replay takes the path that was taken."""

from __future__ import annotations

import asyncio
import random

import pytest

from tests.helpers.replaying import replaying

pytestmark = pytest.mark.asyncio(loop_scope="module")
GATES = [f"{n}{step}" for n in range(4) for step in "ab"]


@pytest.mark.parametrize("handler", ["by_executor", "by_asyncio", "by_threads", "by_parallel"])
@pytest.mark.parametrize("seed", range(4))
async def test_replay_takes_the_path_that_was_taken(bed, tmp_path, handler, seed):
    """The gates open in a random order, with random pauses; the log and the result of a replay are the session's."""
    chance = random.Random(f"{handler} {seed}")
    handle = await bed.begin(f"anyorder.py:{handler}", {"directory": str(tmp_path)})
    for gate in chance.sample(GATES, len(GATES)):
        await asyncio.sleep(chance.choice([0, 0, 0.01, 0.05]))
        (tmp_path / gate).touch()
    result = await asyncio.wait_for(handle.result(), 60)
    path = bed.lines(handle.id)
    assert sorted(path) == GATES
    assert result[: len(GATES) + 1].count("0a") == 1
    history = await handle.fetch_history()
    with replaying(bed.name, bed.directory, f"anyorder.py:{handler}") as (replayer, prints):
        await replayer.replay_workflow(history)
    assert prints.texts == path
