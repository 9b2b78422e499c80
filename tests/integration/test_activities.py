"""``@activity`` on everything that can be marked, and its options, warm and replaying every step."""

from __future__ import annotations

import asyncio

import pytest

from tests.helpers.waiting import eventually

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def stands_still(path) -> bool:
    """Whether nobody writes a file for half a second."""
    before = path.stat().st_size
    await asyncio.sleep(0.5)
    return path.stat().st_size == before


async def test_whatever_is_marked_is_one_activity(bed):
    """Functions, coroutine functions, methods of every kind, classes, below and above other decorators, nested."""
    assert await bed.run("marked.py:uses_all") == [
        *[1, "activity", 7, 12, 12, True, "activity"],
        *["A!", "B?", 4],
    ]
    names = [name.rpartition(".")[2] for name in await bed.activities()]
    assert names == [
        *["opened", "fetch", "pay", "later", "of_pid", "Report"],
        *["wrapped_inside", "wrapped_outside", "outer"],
    ]


async def test_marked_coroutines_run_side_by_side(bed):
    """``asyncio.gather`` over activities keeps the order of its arguments."""
    assert await bed.run("marked.py:parallel_coroutines") == [0, 1, 2, 3, 4]
    assert len(await bed.activities()) == 5


async def test_handler_may_be_an_activity(bed):
    """The whole handler is one step."""
    assert await bed.run("marked.py:handler_as_activity", {"n": 1}) == 2
    assert len(await bed.activities()) == 1


async def test_idempotency_key_is_that_of_the_call(bed, tmp_path):
    """All attempts of a call have one key, each call its own; the caller's own is kept."""
    path = tmp_path / "charges"
    first, second, third = await bed.run("marked.py:charges", {"path": str(path)})
    assert first.startswith("key_")
    assert second.startswith("key_")
    assert (first != second, third) == (True, "mine")
    lines = [f"{key} {amount}" for amount, key in ((1, first), (2, second), (3, "mine")) for _ in range(3)]
    assert path.read_text().splitlines() == lines


async def test_error_of_a_call_that_stays_in_the_process_is_the_programs_own(bed):
    """A call with an argument that cannot travel raises what any call raises, with its type and attributes."""
    assert await bed.run("marked.py:live_errors") == [[17, "17: no"], [18, "18: no"]]


async def test_timeout_is_an_error_of_the_call(bed):
    """The session may handle it."""
    assert await bed.run("marked.py:times_out") == "TimeoutError"


async def test_long_activity_ends_soon_after_its_session_was_stopped(bed, tmp_path):
    """Nothing goes on working for nobody."""
    path = tmp_path / "dots"
    handle = await bed.begin("marked.py:long_activity", {"path": str(path)})
    await eventually(path.exists)
    await handle.cancel()
    await eventually(lambda: "stopped" in bed.lines(handle.id))
    await eventually(lambda: stands_still(path), 20)
