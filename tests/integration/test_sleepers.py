"""What a sleeping session costs in memory, many of them in one real build process."""

from __future__ import annotations

import asyncio
import statistics
import sys

import pytest

from tests.helpers.bed import Bed
from tests.helpers.memory import own_kib
from tests.helpers.waiting import eventually

pytestmark = [
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.skipif(sys.platform != "linux", reason="other systems count memory differently"),
]
FIRST, MORE, TIMES = 100, 50, 5
LIMIT_KIB = 64
CODE = "\n".join(
    ["import time", "from dataclasses import dataclass, field", ""]
    + [
        f"@dataclass\nclass C{i}:\n    a: int = 0\n    c: list = field(default_factory=list)\n"
        for i in range(20)
    ]
    + ["def on_event(event):\n    print(C1(a=1))\n    time.sleep(36_000)\n"]
)


async def fall_asleep(bed: Bed, count: int) -> list:
    """So many more sessions that sleep."""
    handles = []
    while len(handles) < count:
        handles += await asyncio.gather(*(bed.begin("main.py:on_event", {}) for _ in range(50)))

    async def asleep(handle) -> bool:
        """Whether it has begun its sleep."""
        return (await handle.describe()).history_length >= 5

    for handle in handles:
        await eventually(lambda handle=handle: asleep(handle))
    return handles


async def test_a_sleeping_session_holds_little(temporal_server, tmp_path):
    """Beyond what the first ones pay for all, and with classes that all sessions share."""
    project = tmp_path / "project"
    project.mkdir()
    (project / "main.py").write_text(CODE)
    bed = Bed(project, tmp_path, temporal_server.address)
    await bed.start(["main.py:on_event"])
    try:
        handles = await fall_asleep(bed, FIRST)
        held, grown = own_kib(bed.process.pid), []
        for _ in range(TIMES):
            handles += await fall_asleep(bed, MORE)
            before, held = held, own_kib(bed.process.pid)
            grown.append((held - before) / MORE)
        # What is allocated once, for a thread or a larger table, meets one of them.
        assert statistics.median(grown) < LIMIT_KIB, grown
        await asyncio.gather(*(handle.terminate() for handle in handles))
    finally:
        bed.stop()
        bed.store.close()
