"""How long it takes until something runs: ``ak up``, ``ak deploy``, a build process."""

from __future__ import annotations

import asyncio
import json
import shutil
import statistics
import subprocess
import time
from pathlib import Path

from tests.helpers.ak import AK, running
from tests.helpers.bed import Bed

ROOT = Path(__file__).parents[1]
TIMES = 3


def up_and_deploy(home: Path) -> tuple[float, float, float]:
    """Seconds: ``ak up`` with the quickstart until ready, to its end, and ``ak deploy`` of changed code until active."""
    ups, downs, deploys = [], [], []
    for number in range(TIMES):
        project = Path(shutil.copytree(ROOT / "examples" / "quickstart", home / f"quickstart{number}"))
        began = time.perf_counter()
        with running(home / f"up{number}", project) as up:
            ups.append(time.perf_counter() - began)
            with (project / "main.py").open("a") as file:
                file.write(f"\nVERSION = {number}\n")
            began = time.perf_counter()
            done = subprocess.run(
                [AK, "deploy", str(project), "--json"], env=up.environment, capture_output=True, check=True
            )
            deploys.append(time.perf_counter() - began)
            assert json.loads(done.stdout)["changed"]
            began = time.perf_counter()
        downs.append(time.perf_counter() - began)
    return statistics.median(ups), statistics.median(downs), statistics.median(deploys)


async def cold_start(home: Path, address: str) -> float:
    """Seconds from the start of a build process until it serves."""
    taken = []
    for number in range(TIMES):
        place = home / f"cold{number}"
        shutil.copytree(ROOT / "examples" / "quickstart", place / "project")
        bed = Bed(place / "project", place, address)
        began = time.perf_counter()
        bed.spawn(["main.py:on_event"])
        report = await asyncio.to_thread(bed.read_report)
        taken.append(time.perf_counter() - began)
        assert report["state"] == "ready"
        bed.stop()
        bed.store.close()
    return statistics.median(taken)
