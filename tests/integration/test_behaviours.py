"""What programs count on, as durable sessions and as single steps, warm and replaying every step.

A handler that is not durable is one activity: whatever it calls is no step of its own, and its results are the same.
"""

from __future__ import annotations

import asyncio
import shutil

import pytest
import pytest_asyncio

from tests.helpers.bed import Bed
from tests.integration.conftest import PROJECTS

pytestmark = pytest.mark.asyncio(loop_scope="module")
MARKED = "main.marked"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def bed(temporal_server, cached, tmp_path_factory):
    """A build process of the project."""
    home = tmp_path_factory.mktemp("bed")
    project = home / "project"
    shutil.copytree(PROJECTS / "behaviours", project)
    made = Bed(project, home, temporal_server.address, cached=cached)
    made.environment = {"PYTHONPATH_EXTRA": str(PROJECTS / "libraries")}
    await made.start(["main.py:imports"])
    yield made
    status = await asyncio.to_thread(made.stop)
    made.store.close()
    assert status == 0, (home / "process.log").read_text()[-3000:]


@pytest.fixture(params=["durable", "not durable"])
def durable(request):
    """Whether the handler is."""
    return request.param == "durable"


CASES = {
    "imports": (
        ["helper", "hello depth", "hello Ada", 4, "through a helper"],
        ["outside.double", "main.marked"],
    ),
    "calls_an_object": (7, []),
    "sends_values": ([True] * 5, [MARKED] * 5),
    "catches": ("division by zero", ["main.divides"]),
    "catches_slack": (["no_channel", "it failed"], ["outside.raise_it"]),
    "registers": (["GET", 2, 3, 3], ["outside.triple"]),
    "inhibits": ([[2, 4], 6], ["outside.double"]),
    "uses_sdk": (5, []),
    "sleeps": (None, []),
    "formats": (26, []),
    "opens": (["", "", "main.py"], []),
    "locks": (["locked", True], None),
    "dumps": ({"a": [1, 2.5, None]}, []),
}


@pytest.mark.parametrize("handler", CASES)
async def test_results_are_pythons_and_steps_are_calls_to_the_outside(bed, durable, handler):
    """Imports of every kind, objects that are called, values that travel, exceptions, marks, sleep, files."""
    result, steps = CASES[handler]
    memo = None if durable else {"durable": "false"}
    assert await bed.run(f"main.py:{handler}", memo=memo) == result
    if not durable:
        assert await bed.activities() == [f"main.{handler}"]
    elif steps is not None:
        assert await bed.activities() == steps


async def test_error_of_an_activity_ends_the_session(bed):
    """With Python's own words and the user's line."""
    message = await bed.error("main.py:does_not_catch")
    assert "ZeroDivisionError: division by zero" in message
    assert "main.py:" in message


async def test_prints_come_in_order(bed, durable):
    """At module level, in the handler, and inside an activity, each once."""
    await bed.run("main.py:prints", memo=None if durable else {"durable": "false"})
    expected = ["at module level", "before", "in the activity", "after"]
    assert [line for line in bed.lines() if durable or line != "at module level"] == (
        expected if durable else expected[1:]
    )


async def test_missing_library_is_named_with_the_remedy(bed):
    """As at a deployment."""
    message = await bed.error("broken.py:on_event")
    assert "No module named 'no_such_library'" in message
    assert "requirements.txt" in message
