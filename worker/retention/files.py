"""Clean a machine: extracted builds, virtual environments and logs of processes that nothing on it uses any more.

Whatever a process is started with is touched then, and by every cleaning while its deployment is wanted; what was not
touched for long is taken away by a rename first, so that nobody finds half of it. Environments may be shared with other
homes of this machine, which touch theirs.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from worker import clock, environment
from worker.config import Settings
from worker.store.records import Deployment

_DAY_SECONDS = 86_400.0
_GOING = ".going-"
_TEMPORAL_LOG = (
    "temporal"  # one file for a home; a server that had nothing to say for long is still writing it
)


class Files:
    """The files of one home and its cache."""

    def __init__(self, settings: Settings) -> None:
        self._builds = settings.home / "builds"
        self._logs = settings.home / "logs"
        self._environments = settings.cache_dir / "environments"
        self._keep = settings.keep

    def clean(self, wanted: list[Deployment], *, delete: bool) -> list[str]:
        """Delete what no wanted deployment uses and nobody touched for long; returns the paths."""
        self._touch(wanted)
        if not self._keep.deployment_days:
            return []
        now, long = clock.now().timestamp(), self._keep.deployment_days * _DAY_SECONDS
        builds = {item.build_id for item in wanted}
        mine = {f"{item.project}-{item.id}" for item in wanted} | {_TEMPORAL_LOG}
        gone = [
            path for path in _in(self._builds) if path.name not in builds and _age(path, now) > _DAY_SECONDS
        ]
        gone += [
            path
            for path in _in(self._logs)
            if path.name.partition(".")[0] not in mine and _age(path, now) > long
        ]
        gone += [
            path
            for path in _in(self._environments)
            if path.is_dir() and _age(path / ".ready", now) > long and _age(path, now) > long
        ]
        if delete:
            for path in gone:
                self._remove(path)
        return [str(path) for path in gone]

    def _touch(self, wanted: list[Deployment]) -> None:
        for item in wanted:
            places = [self._builds / item.build_id]
            if environment.requirement_lines(item.requirements):
                places.append(self._environments / environment.key(item.requirements) / ".ready")
            for place in places:
                with contextlib.suppress(OSError):
                    os.utime(place)

    def _remove(self, path: Path) -> None:
        with contextlib.suppress(OSError), _alone(path):
            if path.is_file():
                path.unlink()
                return
            going = path.with_name(f"{_GOING}{path.name}")
            path.rename(going)
            shutil.rmtree(going, ignore_errors=True)


@contextlib.contextmanager
def _alone(path: Path) -> Iterator[None]:
    """Hold the lock that an environment is made under; whoever is at it now keeps it."""
    lock = path.with_name(f"{path.name}.lock")
    if not lock.exists():
        yield
        return
    with lock.open("a") as held:
        fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield


def _in(directory: Path) -> list[Path]:
    try:
        return sorted(path for path in directory.iterdir() if path.suffix != ".lock")
    except OSError:
        return []


def _age(path: Path, now: float) -> float:
    try:
        return now - path.stat().st_mtime
    except OSError:
        return float("inf")
