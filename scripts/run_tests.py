"""Run the gates and test tiers, all of them whatever fails; one summary with the time each took."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import threading
import time
from concurrent.futures import Future
from pathlib import Path
from typing import IO

ROOT = Path(__file__).parents[1]
BIN = Path(sys.executable).parent
PACKAGES = ["autokitteh", "manifest", "worker"]
SOURCES = [*PACKAGES, "scripts", "benchmarks", "tests"]
PYTEST = [sys.executable, "-m", "pytest", "-q"]

NOT_TESTS = ("tests/projects", "tests/manifests/project", "tests/replay/project", "tests/replay/libraries")
CHECKS = {
    "format": [str(BIN / "ruff"), "format", "--check", *SOURCES],
    "lint": [str(BIN / "ruff"), "check", *SOURCES],
    "types": [str(BIN / "mypy")],
    "layers": [str(BIN / "lint-imports"), "--no-cache"],
    "house": [sys.executable, "scripts/check_house.py"],
    "test docstrings": [
        str(BIN / "interrogate"),
        "-q",
        *(f"--exclude={place}" for place in NOT_TESTS),
        "tests",
    ],
}
# Files share a server between their tests, so a file stays on one worker.
BY_FILE = ["--dist", "loadfile", "-n"]
IN_ORDER = ["--no-loadscope-reorder"]  # the tier's conftest.py says which files take longest
TIERS = {
    "unit": [*PYTEST, "-n", "2", "tests/unit", *sorted(map(str, (ROOT / "tests").glob("test_*.py")))],
    "conformance": [*PYTEST, "-n", "2", "tests/conformance"],
    "replay": [*PYTEST, "-n", "2", "tests/replay"],
    "integration": [*PYTEST, *BY_FILE, "2", "tests/integration"],
    "acceptance": [*PYTEST, *BY_FILE, "4", *IN_ORDER, "--durations=10", "tests/acceptance"],
    "chaos": [*PYTEST, *BY_FILE, "3", *IN_ORDER, "--durations=5", "tests/chaos"],
}

# These begin first and run beside all others, their output comes at the end: what waits for processes and timers most
# of the time, and what keeps one core busy and leaves the other alone.
BESIDE = ("chaos", "types")


def run(name: str, command: list[str]) -> tuple[str, bool, float]:
    """Run one step; its output goes through."""
    print(f"--- {name}", flush=True)
    began = time.monotonic()
    status = subprocess.run(command, check=False, cwd=ROOT).returncode
    return ended(name, status, time.monotonic() - began)


def ended(name: str, status: int, took: float) -> tuple[str, bool, float]:
    """Say how a step ended."""
    print(f"--- {name}: {'ok' if status == 0 else f'FAILED ({status})'} in {took:.1f} s", flush=True)
    return name, status == 0, took


def begin(command: list[str]) -> tuple[Future[tuple[int, float]], IO[bytes]]:
    """Start a step beside the others; its output waits in a file."""
    output: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 - `finish` closes it
    began = time.monotonic()
    process = subprocess.Popen(command, cwd=ROOT, stdout=output, stderr=subprocess.STDOUT)
    waiting: Future[tuple[int, float]] = Future()

    def wait() -> None:
        waiting.set_result((process.wait(), time.monotonic() - began))

    threading.Thread(target=wait, daemon=True).start()  # or it would seem to take until somebody looks
    return waiting, output


def finish(name: str, begun: tuple[Future[tuple[int, float]], IO[bytes]]) -> tuple[str, bool, float]:
    """Wait for a step that was begun, and show its output."""
    waiting, output = begun
    print(f"--- {name}", flush=True)
    status, took = waiting.result()
    with output:
        output.seek(0)
        sys.stdout.write(output.read().decode(errors="replace"))
    return ended(name, status, took)


def steps_of(wanted: list[str]) -> dict[str, list[str]]:
    """The steps that the arguments name: all, check, or tiers."""
    steps: dict[str, list[str]] = {}
    for name in wanted:
        if name in {"all", "check"}:
            steps |= CHECKS
        if name == "all":
            steps |= TIERS
        elif name in TIERS:
            steps[name] = TIERS[name]
        elif name != "check":
            known = ", ".join(["all", "check", *TIERS])
            raise SystemExit(f"{name} is no step; there are {known}")
    return steps


def main() -> int:
    """Run what the arguments name."""
    wanted = steps_of(sys.argv[1:] or ["all"])
    began = time.monotonic()
    beside = {name: begin(wanted[name]) for name in BESIDE if wanted.keys() > {name}}
    results = [run(name, command) for name, command in wanted.items() if name not in beside]
    results += [finish(name, begun) for name, begun in beside.items()]
    print("\nsummary")
    for name, ok, took in results:
        print(f"  {'ok    ' if ok else 'FAILED'} {name:<16} {took:6.1f} s")
    failed = sum(not ok for _, ok, _ in results)
    total = time.monotonic() - began
    print(f"\n{len(results) - failed} passed, {failed} failed in {total:.0f} s")
    return 1 if failed or not results else 0


if __name__ == "__main__":
    sys.exit(main())
