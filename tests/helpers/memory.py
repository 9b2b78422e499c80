"""What a process has in memory."""

from __future__ import annotations

from pathlib import Path


def own_kib(pid: int) -> int:
    """What a process has allocated: not the pages of files, whose count moves with who else has them mapped."""
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    return sum(int(line.split()[1]) for line in lines if line.startswith("Anonymous:"))
