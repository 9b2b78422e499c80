"""Replay a session's history as a fresh build process would, and collect what it prints."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from temporalio.client import WorkflowHistory

from tests.helpers.bed import KEY
from worker.contracts import LINE_PRINT, BootConfig
from worker.payload.signing import derive_keys
from worker.process import replay


class Prints:
    """What the sessions print while they replay."""

    def __init__(self):
        self.texts: list[str] = []


class Replays:
    """Replays histories; a replay that fails raises."""

    def __init__(self, replays: replay.Replays, prints: Prints):
        self.inner = replays
        self._prints = prints

    async def replay_workflow(self, history: WorkflowHistory) -> replay.Replayed:
        """Replay one history, to its end."""
        found = await self.inner.replay(history)
        self._prints.texts += [text for kind, text, _ in found.lines if kind == LINE_PRINT]
        if found.error or found.message or found.comparison.outcome != "clean":
            raise AssertionError(found.error or found.message or found.comparison)
        return found


def boot_of(name: str, project: Path, entrypoint: str) -> BootConfig:
    """What a process of the project would be started with."""
    keys = {key: value.hex() for key, value in derive_keys(KEY, name).items()}
    return BootConfig(name, "dep", "bld", "v1", str(project), [entrypoint], "", "default", "", keys)


@contextlib.contextmanager
def replaying(
    name: str, project: Path, entrypoint: str, blobs: Any = None
) -> Iterator[tuple[Replays, Prints]]:
    """A replayer for one project, in its directory, and what is printed meanwhile."""
    prints, before = Prints(), Path.cwd()
    os.chdir(project)
    modules, meta = set(sys.modules), list(sys.meta_path)
    try:
        with replay.replaying(boot_of(name, project, entrypoint), blobs) as replays:
            yield Replays(replays, prints), prints
    finally:
        os.chdir(before)
        sys.meta_path[:] = meta
        for added in set(sys.modules) - modules:
            if getattr(sys.modules[added], "__file__", None) and str(project) in str(
                sys.modules[added].__file__
            ):
                del sys.modules[added]
