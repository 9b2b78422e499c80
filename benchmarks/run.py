"""Measure sessions against the same steps hand-written with plain temporalio, on the same server, in one run.

Prints the first part of ``docs/performance.md``. Figures of one run are comparable with each other only.
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from benchmarks import inline, memory, starting, steps  # noqa: E402
from tests.helpers.temporal import shared_server  # noqa: E402


async def on_one_server(home: Path, address: str, pid: int) -> None:
    """What needs a Temporal server only."""
    print(steps.table(await steps.measure(home, address, pid)), flush=True)
    figures = ", ".join(f"{label} {ns:.0f} ns" for label, ns in inline.call_ns().items())
    print(f"- What routing adds to one inline call: {figures}.", flush=True)
    for number, (label, code) in enumerate(memory.PROGRAMS.items()):
        kib = await memory.per_session(home / f"memory{number}", address, code)
        print(
            f"- Memory per sleeping session beyond the first {memory.FIRST}, of {memory.SLEEPERS:,}: {kib:.0f} KiB with {label}.",
            flush=True,
        )
    cold = await starting.cold_start(home, address)
    print(f"- A build process from its start until it serves: {cold:.1f} s.", flush=True)


def main() -> None:
    """Measure everything, on a server of its own."""
    with tempfile.TemporaryDirectory() as directory:
        home = Path(directory)
        with shared_server(home / "temporal") as server:
            assert server.pid is not None
            asyncio.run(on_one_server(home, server.address, server.pid))
        up, down, deploy = starting.up_and_deploy(home)
        print(
            f"- `ak up` with the quickstart until it is ready: {up:.1f} s, until it has ended: {down:.1f} s. `ak deploy` of changed code: {deploy:.1f} s.\n"
        )


if __name__ == "__main__":
    main()
