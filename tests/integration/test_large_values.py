"""Values larger than Temporal takes: they lie in the store, and histories hold references."""

from __future__ import annotations

import pytest

from tests.helpers.waiting import eventually
from worker.payload.large import THRESHOLD_BYTES

pytestmark = pytest.mark.asyncio(loop_scope="module")
EACH_EVENT_BYTES = THRESHOLD_BYTES + 10_000


async def largest_event(bed) -> int:
    """The size of the largest event of the last session's history."""
    history = await bed.client.get_workflow_handle(bed.last).fetch_history()
    return max(event.ByteSize() for event in history.events)


async def test_megabytes_go_in_every_direction(bed):
    """Input, arguments, results and the session's own result."""
    result = await bed.run("large.py:megabytes", {"text": "i" * (1 << 20)})
    assert result[:3] == [1 << 20, 6 << 20, 4 << 20]
    assert result[3] == "y" * (1 << 20)
    assert await largest_event(bed) < EACH_EVENT_BYTES


async def test_signals_carry_megabytes(bed):
    """From whoever has the store."""
    handle = await bed.begin("large.py:gets_megabytes")
    bed.last = handle.id
    await eventually(lambda: bed.lines() == ["waiting"])
    await handle.signal("big", {"text": "s" * (2 << 20)})
    assert await handle.result() == 2 << 20
    assert await largest_event(bed) < EACH_EVENT_BYTES


async def test_exceptions_carry_megabytes(bed):
    """Their attributes are there on the other side."""
    assert await bed.run("large.py:raises_megabytes") == [2 << 20, 7]
    assert await largest_event(bed) < EACH_EVENT_BYTES


async def test_limit_is_named_at_the_call(bed):
    """Arguments, results and children's data above the limit are errors that the program sees."""
    call, result, child = await bed.run("large.py:too_large", timeout=120)
    assert call.startswith("CallError: large.py:29: outside.double: 41,943,0")
    assert call.endswith(" bytes of arguments, 33,554,432 are allowed")
    assert "the result of outside.double cannot be kept: 41,943,0" in result
    assert child.startswith("AutoKittehError: start('large.py:megabytes'): 41,943,0")
