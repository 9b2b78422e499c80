"""Ask a build about histories, from outside: start its replaying process, hand histories over, read the answers.

The process (``worker.process.replay``) runs with the build's files, interpreter and environment, exactly as a build process
would; it is fed one history at a time, so that memory stays small however many there are.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from typing import Any

from temporalio.api.history.v1 import History
from temporalio.client import WorkflowHistory

from worker.errors import DeployError
from worker.supervisor.boot import Launch
from worker.supervisor.child import start

_LINE_BYTES = 64 * 1024 * 1024  # of one answer
_READY_SECONDS = 180.0
_ANSWER_SECONDS = 300.0
_END_SECONDS = 5.0


class EndedBeforeError(Exception):
    """The process had ended before it was asked: nothing is known about this history, ask another process."""


class Build:
    """A build that is asked about histories; made by ``asking``. ``ended``: it answers no more."""

    def __init__(self, process: asyncio.subprocess.Process, answers: asyncio.StreamReader) -> None:
        self._process = process
        self._answers = answers
        self._alone = asyncio.Lock()
        self.ended = False

    async def replay(self, history: WorkflowHistory, *, edited: bool | None = None) -> dict[str, Any]:
        """How the history replays on the build: ``worker.process.replay.Replayed`` as JSON.

        Raises:
            DeployError: the process ended over this history, or did not answer.
            EndedBeforeError: it had ended before.
        """
        content = History(events=history.events).SerializeToString()
        head = {
            "session": history.workflow_id,
            "run": history.run_id,
            "bytes": len(content),
            "edited": edited,
        }
        async with self._alone:
            if self.ended:
                raise EndedBeforeError
            assert self._process.stdin is not None
            with contextlib.suppress(ConnectionError):
                self._process.stdin.write(json.dumps(head).encode() + b"\n" + content)
                await self._process.stdin.drain()
            try:
                return await self.answer(_ANSWER_SECONDS)
            except DeployError:
                self.ended = True
                raise

    async def answer(self, seconds: float) -> dict[str, Any]:
        """The next line of the process.

        Raises:
            DeployError: with what the process says where it failed.
        """
        try:
            async with asyncio.timeout(seconds):
                line = await self._answers.readline()
        except TimeoutError:
            raise DeployError(f"a replay took longer than {seconds:.0f} s and was given up") from None
        if not line:
            raise DeployError("the replaying process ended", hint="Its output is in the build's log file.")
        facts: dict[str, Any] = json.loads(line)
        if facts["state"] in {"failed", "stuck"}:
            error = DeployError(facts["message"], where=facts["where"], hint=facts["hint"])
            error.code = facts["code"] or error.code
            raise error
        return facts

    async def stop(self) -> None:
        """End the process, by force where it does not end by itself."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        try:
            async with asyncio.timeout(_END_SECONDS):
                await self._process.wait()
        except TimeoutError:
            with contextlib.suppress(ProcessLookupError):
                self._process.kill()
            await self._process.wait()


@contextlib.asynccontextmanager
async def asking(launch: Launch) -> AsyncIterator[Build]:
    """A build, loaded and ready to be asked.

    Raises:
        DeployError: it cannot be loaded; ``UserCodeError``'s code, file and line where that is the reason.
    """
    process, answers, output = await start("worker.process.replay", launch, _LINE_BYTES)
    build = Build(process, answers)
    try:
        await build.answer(_READY_SECONDS)
        yield build
    finally:
        await build.stop()
        output.close()
