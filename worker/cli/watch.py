"""``ak up --watch``: deploy a project again when its files change.

What counts is what a deployment would pack, by name, time and size, looked at several times a second: that works on every
file system. A save of many files is one change; an editor's backups are none.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

from worker import config
from worker.cli.errors import explained_error
from worker.errors import WorkerError
from worker.usercode import archive

_LOOK_SECONDS = 0.15
_TEMPORARY = ("~", ".tmp", ".bak", ".swp", ".orig", "#")
_PROBES = frozenset({"4913"})  # what vim writes to see whether it can

Look = dict[str, tuple[int, int]]


def look(directory: Path) -> Look:
    """The files of a project as they are now; nothing while it cannot be read, in the middle of a save."""
    found: Look = {}
    try:
        for name in archive.collect(directory, without=config.home_directory()):
            base = name.rpartition("/")[2]
            if not base.endswith(_TEMPORARY) and base not in _PROBES:
                state = (directory / name).stat()
                found[name] = (state.st_mtime_ns, state.st_size)
    except (OSError, WorkerError):
        return {}
    return found


async def watch(
    directory: Path,
    deploy: Callable[[Path], Awaitable[str]],
    tell: Callable[[str], None],
    seen: Look | None = None,
) -> None:
    """Deploy after each change, until cancelled; what is wrong is told, and the next change tried again."""
    deployed = await asyncio.to_thread(look, directory) if seen is None else seen
    before = deployed
    while True:
        await asyncio.sleep(_LOOK_SECONDS)
        now = await asyncio.to_thread(look, directory)
        if now == deployed or now != before:  # as it was, or still being written
            before = now
            continue
        changed = sorted(name for name in now.keys() | deployed.keys() if now.get(name) != deployed.get(name))
        tell(f"changed: {', '.join(changed[:5])}{' …' if len(changed) > 5 else ''}")
        deployed = now
        try:
            tell(await deploy(directory))
        except Exception as error:  # whatever it is, the watching goes on, and nothing ends unseen
            told = explained_error(error)
            tell(f"{told.code}: {told}\n  what ran before goes on; save again when it is put right")
