"""A home that an ``ak up`` has for itself."""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path

from worker import config


@contextlib.contextmanager
def held(home: Path, pid: int | None = None) -> Iterator[None]:
    """The lock of the home is taken, by this process unless another number is given."""
    with config.lock_file(home).open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        lock.write(str(pid or os.getpid()))
        lock.flush()
        yield
