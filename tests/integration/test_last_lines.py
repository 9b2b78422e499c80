"""What a session's log holds when it has ended."""

from __future__ import annotations

import asyncio
import contextlib

import pytest
import pytest_asyncio
from temporalio.client import WorkflowFailureError

from tests.helpers.bed import Bed
from tests.helpers.projects import write
from tests.helpers.waiting import eventually

pytestmark = pytest.mark.asyncio(loop_scope="module")
PROGRAM = """
import pathlib
import time

import autokitteh


@autokitteh.activity
def slow(path):
    print("in the call")
    pathlib.Path(path).touch()
    time.sleep(60)


@autokitteh.activity(timeout=2)
def late(path):
    slow(path)


def stops(event):
    slow(event.data["path"])


def runs_out(event):
    try:
        late(event.data["path"])
    except TimeoutError:
        print("given up")

"""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def own(temporal_server, tmp_path_factory):
    """A build process of the program above."""
    home = tmp_path_factory.mktemp("last")
    project = home / "project"
    write(project, "last", {"main.py": PROGRAM})
    made = await Bed(project, home, temporal_server.address).start(["main.py:stops"])
    yield made
    with contextlib.suppress(ProcessLookupError):
        await asyncio.to_thread(made.stop)
    made.store.close()


@pytest.mark.parametrize("handler", ["stops", "runs_out"])
async def test_lines_of_a_call_that_goes_on_are_there_before_the_end(own, tmp_path, handler):
    """The session was stopped, or gave its call up, before the call's lines were due: they are in the log, ahead of it."""
    mark = tmp_path / "printed"
    handle = await own.begin(f"main.py:{handler}", {"path": str(mark)})
    if handler == "stops":
        await eventually(mark.exists)
        await handle.cancel()
    with contextlib.suppress(WorkflowFailureError):
        await handle.result()
    lines = [(line.kind, line.text) for line in own.store.log.read(handle.id) if line.kind != "call"]
    end = ["stopped"] if handler == "stops" else ["given up", "completed"]
    assert [text for _, text in lines] == ["running", "in the call", *end]
