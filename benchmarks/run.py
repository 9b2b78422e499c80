"""Measure sessions against the same steps hand-written with plain temporalio, on the same server, in one run.

Prints the table of ``docs/performance.md``. Figures of one run are comparable with each other only: two cores, noisy.
"""

from __future__ import annotations

import asyncio
import shutil
import statistics
import sys
import tempfile
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from temporalio.client import Client  # noqa: E402
from temporalio.worker import UnsandboxedWorkflowRunner, Worker  # noqa: E402

from benchmarks.plain import Plain, add  # noqa: E402
from tests.helpers.bed import Bed  # noqa: E402
from tests.helpers.temporal import shared_server  # noqa: E402

LATENCY_RUNS = 30
THROUGHPUT_RUNS = 150
AT_ONCE = 50
SLEEPERS = 600


async def measure(client: Client, kind: str, queue: str, steps: int) -> tuple[float, float]:
    """Latency in milliseconds (p50, one after the other) and throughput in runs per second."""

    async def one() -> float:
        began = time.perf_counter()
        await client.execute_workflow(kind, {"n": steps}, id=uuid.uuid4().hex, task_queue=queue)
        return (time.perf_counter() - began) * 1000

    for _ in range(5):
        await one()
    latency = statistics.median([await one() for _ in range(LATENCY_RUNS)])
    gate = asyncio.Semaphore(AT_ONCE)

    async def gated() -> None:
        async with gate:
            await one()

    count = THROUGHPUT_RUNS // (1 if steps == 1 else 3)
    began = time.perf_counter()
    await asyncio.gather(*(gated() for _ in range(count)))
    return latency, count / (time.perf_counter() - began)


def memory_kib(pid: int) -> float:
    """What a process holds for itself."""
    text = Path(f"/proc/{pid}/smaps_rollup").read_text()
    return sum(
        float(line.split()[1])
        for line in text.splitlines()
        if line.startswith(("Private_Clean", "Private_Dirty"))
    )


async def sleepers(bed: Bed, handler: str) -> float:
    """KiB per sleeping session beyond the first hundred."""
    assert bed.process is not None
    handles = [await bed.begin(handler, {"seconds": 3600}) for _ in range(100)]
    await all_asleep(handles)
    before = memory_kib(bed.process.pid)
    more = []
    for _ in range((SLEEPERS - 100) // AT_ONCE):
        more += await asyncio.gather(*(bed.begin(handler, {"seconds": 3600}) for _ in range(AT_ONCE)))
    await all_asleep(more)
    after = memory_kib(bed.process.pid)
    for handle in handles + more:
        await handle.terminate()
    return (after - before) / len(more)


async def all_asleep(handles: list) -> None:
    """Return once each has started its timer."""
    for handle in handles:
        while (await handle.describe()).history_length < 5:
            await asyncio.sleep(0.05)


async def plain_rows(client: Client) -> dict[str, list[tuple[float, float]]]:
    """Plain temporalio, unsandboxed and with its default sandbox, each in this process."""
    rows = {}
    for label, options in (
        ("plain unsandboxed", {"workflow_runner": UnsandboxedWorkflowRunner()}),
        ("plain default", {}),
    ):
        queue = f"plain-{uuid.uuid4().hex}"
        with ThreadPoolExecutor(100) as pool:
            async with Worker(
                client,
                task_queue=queue,
                workflows=[Plain],
                activities=[add],
                activity_executor=pool,
                **options,
            ):
                rows[label] = [await measure(client, "Plain", queue, steps) for steps in (1, 10)]
    return rows


def inline_call_ns() -> float:
    """What routing one inline call adds."""
    from worker.session import router
    from worker.session.host import Host, RunningState
    from worker.usercode.policy import Policy

    def function() -> None:
        """The user's."""

    class Session:
        """Just enough of one."""

        class driver:  # noqa: N801
            """Open."""

            closed = False

        inline: frozenset = frozenset()

    state = RunningState()
    state.enter_thread()
    state.current = Session()
    policy = Policy(ROOT / "benchmarks")
    host = Host("p", ROOT, policy, None, None, None, None, b"", None, {}, state)
    route, _ref = router.build(host, (function,))
    rounds = 300_000
    began = time.perf_counter()
    for _ in range(rounds):
        route(function, "main.py:1:1")()
    routed = time.perf_counter() - began
    began = time.perf_counter()
    for _ in range(rounds):
        function()
    return (routed - (time.perf_counter() - began)) / rounds * 1e9


CLASSES = "\n".join(
    ["import time", "from dataclasses import dataclass, field", ""]
    + [
        f"@dataclass\nclass C{i}:\n    a: int = 0\n    b: str = ''\n    c: list = field(default_factory=list)\n"
        for i in range(20)
    ]
    + ["def waits(event):\n    time.sleep(event.data.seconds)\n    return C1(a=1).a\n"]
)


def main() -> None:
    """Measure everything, on a server of its own."""
    with tempfile.TemporaryDirectory() as directory:
        home = Path(directory)
        with shared_server(home / "temporal") as server:
            asyncio.run(compare(home, server.address))


async def compare(home: Path, address: str) -> None:
    """Measure and print the table."""
    client = await Client.connect(address)
    rows = await plain_rows(client)
    project = shutil.copytree(ROOT / "tests" / "projects" / "sessions", home / "project")
    (project / "classes.py").write_text(CLASSES)
    bed = Bed(project, home, address)
    bed.environment = {"PYTHONPATH_EXTRA": str(ROOT / "tests" / "projects" / "libraries")}
    await bed.start(["main.py:simple", "classes.py:waits"])
    rows["ours"] = [await measure(bed.client, "main.py:sums", bed.name, steps) for steps in (1, 10)]
    report(rows)
    per_session = await sleepers(bed, "main.py:waits")
    per_class_session = await sleepers(bed, "classes.py:waits")
    bed.stop()
    bed.store.close()
    report_memory(per_session, per_class_session)


def report(rows: dict[str, list[tuple[float, float]]]) -> None:
    """The table."""
    ours = rows["ours"]
    print(
        "| | 1 step: p50 ms | 1 step: runs/s | 10 steps: p50 ms | 10 steps: runs/s |\n|---|---|---|---|---|"
    )
    for label, ((l1, t1), (l10, t10)) in rows.items():
        print(f"| {label} | {l1:.1f} | {t1:.0f} | {l10:.1f} | {t10:.0f} |")
    for label in ("plain unsandboxed", "plain default"):
        (l1, t1), (l10, t10) = rows[label]
        speed = (l1 / ours[0][0], ours[0][1] / t1, l10 / ours[1][0], ours[1][1] / t10)
        print(f"| ours ÷ {label} (speed) | " + " | ".join(f"{value:.2f}" for value in speed) + " |")
    print(f"\n- one routed inline call: {inline_call_ns():.0f} ns", flush=True)


def report_memory(per_session: float, per_class_session: float) -> None:
    """What sleeping sessions hold."""
    print(
        f"- memory per sleeping session, of {SLEEPERS}: {per_session:.0f} KiB; with 20 dataclasses: {per_class_session:.0f} KiB"
    )


if __name__ == "__main__":
    main()
