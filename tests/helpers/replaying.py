"""Replay a session's history as a fresh build process would, and collect what it prints."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from unittest import mock

from temporalio.worker import Replayer

from tests.helpers.bed import KEY
from worker.contracts import LINE_PRINT, BootConfig
from worker.payload.converter import data_converter
from worker.payload.signing import derive_keys
from worker.process import assemble
from worker.session.output import Output
from worker.session.runner import SessionRunner
from worker.session.workflow import SessionWorkflow


class NoWatch:
    """Nobody watches a replay."""

    def begin(self, workflow_id, run_id):
        """An activation begins."""

    def end(self):
        """It ended."""


class Prints:
    """A log writer that writes nothing, and what the sessions print while they replay."""

    def __init__(self):
        self.texts: list[str] = []

    def adding(self, add: Any) -> Any:
        """``Output.add``, which drops lines in a replay, with a look at them."""

        def look(output: Any, kind: str, text: str, where: str = "", *, number: int | None = None) -> None:
            if kind == LINE_PRINT:
                self.texts.append(text)
            add(output, kind, text, where, number=number)

        return look

    def emit(self, batch: Any) -> None:
        """A session's lines."""

    async def write(self, batch: Any) -> None:
        """An activity's lines."""


@contextlib.contextmanager
def replaying(
    name: str, project: Path, entrypoint: str, blobs: Any = None
) -> Iterator[tuple[Replayer, Prints]]:
    """A replayer for one project, in its directory, and what is printed meanwhile."""
    keys = {key: value.hex() for key, value in derive_keys(KEY, name).items()}
    boot = BootConfig(name, "dep", "bld", "v1", str(project), [entrypoint], "", "default", "", keys)
    prints, before = Prints(), Path.cwd()
    os.chdir(project)
    modules, meta = set(sys.modules), list(sys.meta_path)
    try:
        with (
            ThreadPoolExecutor(1) as thread,
            mock.patch.object(Output, "add", prints.adding(Output.add)),
        ):
            parts = assemble.prepare(boot, prints)
            runner = SessionRunner(parts.host, NoWatch())
            yield (
                Replayer(
                    workflows=[SessionWorkflow],
                    workflow_runner=runner,
                    unsandboxed_workflow_runner=runner,
                    workflow_task_executor=thread,
                    data_converter=data_converter(blobs),
                    disable_safe_workflow_eviction=False,
                ),
                prints,
            )
            parts.activities.pool.shutdown()
    finally:
        os.chdir(before)
        sys.meta_path[:] = meta
        for added in set(sys.modules) - modules:
            if getattr(sys.modules[added], "__file__", None) and str(project) in str(
                sys.modules[added].__file__
            ):
                del sys.modules[added]
