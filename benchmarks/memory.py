"""What a sleeping session holds, hundreds of them in one build process."""

from __future__ import annotations

import asyncio
from pathlib import Path

from temporalio.client import WorkflowHandle

from tests.helpers.bed import Bed
from tests.helpers.memory import own_kib

ROOT = Path(__file__).parents[1]
FIRST = 100  # they also pay for what all sessions share
SLEEPERS = 1000
AT_ONCE = 50
CLASSES = "\n".join(
    ["import time", "from dataclasses import dataclass, field", ""]
    + [
        f"@dataclass\nclass C{i}:\n    a: int = 0\n    b: str = ''\n    c: list = field(default_factory=list)\n"
        for i in range(20)
    ]
    + ["def on_event(event):\n    print(C1(a=1))\n    time.sleep(36_000)\n"]
)
STATE = "SEEN = []\n"


def quickstart() -> str:
    """The quickstart's program, sleeping longer."""
    code = (ROOT / "examples" / "quickstart" / "main.py").read_text()
    assert "time.sleep(1)" in code
    return code.replace("time.sleep(1)", "time.sleep(36_000)")


PROGRAMS = {
    "the quickstart": quickstart(),
    "20 dataclasses": CLASSES,
    "20 dataclasses, in a module with state, which each session has to itself": STATE + CLASSES,
}


async def all_asleep(handles: list[WorkflowHandle]) -> None:
    """Return once each has started its timer."""
    for handle in handles:
        while (await handle.describe()).history_length < 5:
            await asyncio.sleep(0.05)


async def sleepers(bed: Bed, count: int) -> list[WorkflowHandle]:
    """So many more, asleep."""
    handles: list[WorkflowHandle] = []
    while len(handles) < count:
        handles += await asyncio.gather(*(bed.begin("main.py:on_event", {}) for _ in range(AT_ONCE)))
    await all_asleep(handles)
    return handles


async def per_session(home: Path, address: str, code: str) -> float:
    """KiB per sleeping session beyond the first hundred."""
    project = home / "project"
    project.mkdir(parents=True)
    (project / "main.py").write_text(code)
    bed = Bed(project, home, address, cached=2 * SLEEPERS)
    await bed.start(["main.py:on_event"])
    assert bed.process is not None
    handles = await sleepers(bed, FIRST)
    before = own_kib(bed.process.pid)
    more = await sleepers(bed, SLEEPERS - FIRST)
    after = own_kib(bed.process.pid)
    bed.stop()
    bed.store.close()
    gate = asyncio.Semaphore(AT_ONCE)

    async def end(handle: WorkflowHandle) -> None:
        async with gate:
            await handle.terminate()

    await asyncio.gather(*map(end, handles + more))
    return (after - before) / len(more)
