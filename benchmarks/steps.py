"""Sessions of one and of ten steps, against the same steps hand-written, each worker in a process of its own.

The variants take turns: run by run for the time of one session, batch by batch for many at once, in several rounds. A
ratio is the median of the rounds' ratios, so that what else the machine does meanwhile hits all of them alike. CPU time
of the worker and of the server is measured beside the clock: it hardly depends on other load.
"""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import statistics
import subprocess
import sys
import time
import uuid
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

from temporalio.client import Client

from tests.helpers.bed import Bed

ROOT = Path(__file__).parents[1]
ROUNDS = 5
WARM_UP = 1
AT_ONCE = 30
SINGLE = {1: 20, 10: 8}  # sessions one after the other, per round and variant, by steps
BATCH = {1: 90, 10: 30}  # sessions at once
STEPS = (1, 10)
OURS = "ours"
CODE = """import outside


def sums(event):
    total = 0
    for i in range(event.data.n):
        total = outside.add(total, i)
    return total
"""


@dataclass
class Variant:
    """One way to run the steps, and what was measured of it: a figure per round, by steps."""

    label: str
    kind: str
    queue: str
    pid: int
    latency: dict[int, list[float]] = field(default_factory=lambda: {n: [] for n in STEPS})
    rate: dict[int, list[float]] = field(default_factory=lambda: {n: [] for n in STEPS})
    cpu: dict[int, list[float]] = field(default_factory=lambda: {n: [] for n in STEPS})
    server: dict[int, list[float]] = field(default_factory=lambda: {n: [] for n in STEPS})


def cpu_ms(pid: int) -> float:
    """CPU time that a process's threads have used."""
    total = 0
    for task in Path(f"/proc/{pid}/task").iterdir():
        with contextlib.suppress(OSError):
            total += int((task / "schedstat").read_text().split()[0])
    return total / 1e6


@contextlib.asynccontextmanager
async def variants(home: Path, address: str) -> AsyncIterator[list[Variant]]:
    """The workers, running."""
    found, workers = [], []
    for label, kind in (("plain unsandboxed", "unsandboxed"), ("plain default", "sandboxed")):
        queue = f"plain-{uuid.uuid4().hex}"
        worker = subprocess.Popen(  # noqa: ASYNC220 - nothing else happens until it is ready
            [sys.executable, "-m", "benchmarks.plain_worker", address, queue, kind],
            stdout=subprocess.PIPE,
            cwd=ROOT,
        )
        assert worker.stdout is not None
        worker.stdout.readline()
        workers.append(worker)
        found.append(Variant(label, "Plain", queue, worker.pid))
    project = home / "steps"
    project.mkdir()
    (project / "main.py").write_text(CODE)
    shutil.copy(ROOT / "tests" / "projects" / "libraries" / "outside.py", home / "outside.py")
    bed = Bed(project, home, address)
    bed.environment = {"PYTHONPATH_EXTRA": str(home)}
    await bed.start(["main.py:sums"])
    assert bed.process is not None
    found.append(Variant(OURS, "main.py:sums", bed.name, bed.process.pid))
    try:
        yield found
    finally:
        bed.stop()
        bed.store.close()
        for worker in workers:
            worker.kill()
            worker.wait()


async def one(client: Client, variant: Variant, steps: int) -> float:
    """Milliseconds of one session."""
    began = time.perf_counter()
    result = await client.execute_workflow(
        variant.kind, {"n": steps}, id=uuid.uuid4().hex, task_queue=variant.queue
    )
    assert result == sum(range(steps))
    return (time.perf_counter() - began) * 1000


async def measure(home: Path, address: str, server_pid: int) -> list[Variant]:
    """All rounds."""
    client = await Client.connect(address)
    async with variants(home, address) as all_of_them:
        for number in range(ROUNDS + WARM_UP):
            order = all_of_them[number % 3 :] + all_of_them[: number % 3]
            for steps in STEPS:
                await one_by_one(client, order, steps)
                for variant in order:
                    await at_once(client, variant, steps, server_pid)
        for variant in all_of_them:
            for figures in (variant.latency, variant.rate, variant.cpu, variant.server):
                for steps in STEPS:
                    del figures[steps][:WARM_UP]
        return all_of_them


async def one_by_one(client: Client, order: list[Variant], steps: int) -> None:
    """The time of one session, run by run in turns."""
    taken: dict[str, list[float]] = {variant.label: [] for variant in order}
    for _ in range(SINGLE[steps]):
        for variant in order:
            taken[variant.label].append(await one(client, variant, steps))
    for variant in order:
        variant.latency[steps].append(statistics.median(taken[variant.label]))


async def at_once(client: Client, variant: Variant, steps: int, server_pid: int) -> None:
    """Many sessions at once: how many per second, and what worker and server spend on each."""
    gate = asyncio.Semaphore(AT_ONCE)

    async def gated() -> None:
        async with gate:
            await one(client, variant, steps)

    count = BATCH[steps]
    cpu, server, began = cpu_ms(variant.pid), cpu_ms(server_pid), time.perf_counter()
    await asyncio.gather(*(gated() for _ in range(count)))
    variant.rate[steps].append(count / (time.perf_counter() - began))
    variant.cpu[steps].append((cpu_ms(variant.pid) - cpu) / count)
    variant.server[steps].append((cpu_ms(server_pid) - server) / count)


def table(found: list[Variant]) -> str:
    """The table of ``docs/performance.md``."""
    columns = [
        f"{n} step{'s'[: n > 1]}: {what}"
        for n in STEPS
        for what in ("p50 ms", "runs/s", "worker CPU ms", "server CPU ms")
    ]
    lines = [f"| | {' | '.join(columns)} |", f"|---|{'---|' * len(columns)}"]
    for variant in found:
        cells = [
            f"{statistics.median(figures[steps]):.1f}"
            for steps in STEPS
            for figures in (variant.latency, variant.rate, variant.cpu, variant.server)
        ]
        lines.append(f"| {variant.label} | {' | '.join(cells)} |")
    ours, plain = found[-1], found[:-1]
    lines += [f"| **ours ÷ {other.label} (speed)** | {' | '.join(speeds(ours, other))} |" for other in plain]
    lines += [f"| {plain[0].label} ÷ {plain[1].label} (speed) | {' | '.join(speeds(*plain))} |"]
    lines += ["", *(f"- {bound(found, n)}" for n in STEPS)]
    return "\n".join(lines)


def bound(found: list[Variant], n: int) -> str:
    """How much faster than plain default any worker could be, when the server's CPU time stays what it is."""
    by_label = {variant.label: variant for variant in found}
    default, unsandboxed = by_label["plain default"], by_label["plain unsandboxed"]
    server = statistics.median([x for variant in found for x in variant.server[n]])
    worker, least = statistics.median(default.cpu[n]), statistics.median(unsandboxed.cpu[n])
    whole = server + worker
    return (
        f"{n} step{'s'[: n > 1]}: the server spends {server:.1f} ms of CPU time on a session, the worker of plain"
        f" default {worker:.1f} ms. With a worker as cheap as plain unsandboxed ({least:.1f} ms) both together would be"
        f" {whole / (server + least):.2f} times as fast, with one that costs nothing {whole / server:.2f} times."
    )


def speeds(ours: Variant, other: Variant) -> list[str]:
    """How fast one is, as a part of the other, for each column: medians of the rounds' ratios."""
    cells = []
    for n in STEPS:
        for mine, theirs in (
            (other.latency[n], ours.latency[n]),
            (ours.rate[n], other.rate[n]),
            (other.cpu[n], ours.cpu[n]),
            (other.server[n], ours.server[n]),
        ):
            cells.append(f"{statistics.median(a / b for a, b in zip(mine, theirs, strict=True)):.2f}")
    return cells
