"""Record histories for the replay corpus: ``python -m tests.helpers.record`` runs handlers on a real server.

A history is only added, under the name of its handler; those that exist are left as they are. Of the project in
``tests/replay/project`` only the end may grow: the histories hold its line numbers.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import shutil
import tempfile
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from temporalio.client import WorkflowFailureError, WorkflowHandle
from temporalio.worker import Worker

from tests.helpers.bed import KEY, Bed
from tests.helpers.desired import trigger
from tests.helpers.temporal import shared_server
from tests.helpers.waiting import eventually
from worker import cutting, ids, recording
from worker.contracts import MEMO_FORKED_AT, MEMO_FORKED_FROM, SEAL_FORK, SYSTEM_QUEUE
from worker.dispatch import Dispatcher
from worker.dispatch.ticks import Ticks
from worker.payload.outside import outside_codec
from worker.steps import steps_of
from worker.store import tables

NAME = "recorded"
TESTS = Path(__file__).parents[1]
RUNS: dict[str, Any] = {
    "simple": {"name": "Ada"},
    "steps": {"n": 4},
    "naps": {"n": 3},
    "clocks": None,
    "uncalled": None,
    "fresh_state": None,
    "raises": None,
    "uncaught": None,
    "catches": None,
    "changes": None,
    "lock_argument": None,
    "lock_result": None,
    "open_file": None,
    "reads_file": None,
    "env": None,
    "logs": {"n": 5},
    "travels": None,
    "talks": None,
    "awaits": None,
    "threaded": None,
    "restarts": None,
    "live_error": None,  # recorded before its error was what the call raised
    "live_error_raised": None,
    "unheard": None,  # recorded before it was told in our words
    "unheard_told": None,
    "given_up": None,  # recorded before a step given up was cancelled as in asyncio
    "given_up_cancelled": None,
    "live_beside": None,
}
# The handler, and the step at which it is forked.
FORKS = {
    "fork_unregistered": (
        "hears",
        1,
    ),  # recorded before a registration that is the cut was the fork's as well
    "fork_registered": ("hears", 1),
    "fork_unsubscribed_late": ("leaves", 2),  # recorded when what the cut ends was registered all the same
    "fork_unsubscribed": ("leaves", 2),
    "fork_hears_twice": (
        "has_child",
        2,
    ),  # recorded when it was told of a child's end by its record and as it asked
    "fork_hears_once": ("has_child", 2),
}


async def record(home: Path, address: str) -> None:
    """Run every handler that has no history yet, and one that is stopped."""
    project = home / "project"
    shutil.copytree(TESTS / "replay" / "project", project)
    bed = Bed(project, home, address, name=NAME)
    bed.environment = {"GREETING": "hi", "PYTHONPATH_EXTRA": str(TESTS / "replay" / "libraries")}
    await bed.start(["main.py:simple"])
    try:
        for name, data in {**RUNS, "cleanup": None}.items():
            target = TESTS / "replay" / "histories" / f"{name}.json"
            if target.exists():
                continue
            handle = await bed.begin(f"main.py:{name}", data, identifier=f"ses_{name}")
            if name == "cleanup":
                await eventually(lambda: bed.lines("ses_cleanup") == ["waiting"])
                await handle.cancel()
            if name == "restarts":
                await send_restarts(handle)
            with contextlib.suppress(WorkflowFailureError):
                await handle.result()
            target.write_text(scrubbed((await handle.fetch_history()).to_json()))
            print("recorded", name)  # noqa: T201 - a tool for developers
        row = trigger("feed", call="")
        with bed.store.database.write() as connection:
            connection.execute(sa.insert(tables.triggers).values(id=ids.new("trg"), project=bed.name, **row))
        ticks = Ticks(bed.store, bed.client, Dispatcher(bed.store, bed.client), lambda: None)
        async with Worker(bed.client, task_queue=SYSTEM_QUEUE, activities=[ticks.wait_for_child]):
            for name, (handler, at) in FORKS.items():
                target = TESTS / "replay" / "histories" / f"{name}.json"
                if not target.exists():
                    target.write_text(scrubbed(await forked(bed, name, handler, at)))
                    print("recorded", name)  # noqa: T201
    finally:
        bed.stop()
        bed.store.close()


async def forked(bed: Bed, name: str, handler: str, at: int) -> str:
    """The history of a fork; where it waits for a signal, both sessions get one."""
    origin = f"ses_origin_of_{name}"
    first = await bed.begin(f"main.py:{handler}", None, identifier=origin)

    async def settled() -> bool:
        """The step has its result."""
        return [step.state for step in steps_of((await first.fetch_history()).events)][:at] == ["done"] * at

    await eventually(settled)
    if handler == "has_child":
        await first.result()
    cut = cutting.cut(recording.recording_of(origin, (await first.fetch_history()).events), at)
    second = await bed.client.start_workflow(
        f"main.py:{handler}",
        args=[None, {"fork": cut, "seal": outside_codec(KEY, NAME).seal(cut, SEAL_FORK)}],
        id=f"ses_{name}",
        task_queue=bed.name,
        memo={MEMO_FORKED_FROM: origin, MEMO_FORKED_AT: str(at)},
    )
    for handle in (first, second):
        if handler == "hears":
            await handle.signal("turn", {"n": 1})
        await handle.result()
    return (await second.fetch_history()).to_json()


async def send_restarts(handle: WorkflowHandle[Any, Any]) -> None:
    """Signals for all of its runs, in one that takes one: the last run's history has mail that was carried."""
    for n in range(4):
        await handle.signal("a" if n % 2 else "b", {"n": n})


def scrubbed(text: str) -> str:
    """The history without what names the machine it was recorded on."""

    def clean(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: "recorded" if key == "identity" else clean(item) for key, item in value.items()}
        return [clean(item) for item in value] if isinstance(value, list) else value

    return json.dumps(clean(json.loads(text)), indent=1) + "\n"


def main() -> None:
    """Record on a server of its own."""
    with tempfile.TemporaryDirectory() as directory:
        home = Path(directory)
        with shared_server(home / "temporal") as server:
            asyncio.run(record(home, server.address))


if __name__ == "__main__":
    main()
