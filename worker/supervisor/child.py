"""One build process, seen from outside: start it, hear its reports, stop it."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import json
import os
from asyncio.subprocess import PIPE, Process
from typing import Protocol

from worker.contracts import Credentials, Report
from worker.supervisor.boot import Launch
from worker.supervisor.output import ProcessOutput

_TERM_SECONDS = 15.0
_REPORT_LIMIT_BYTES = 16 * 1024 * 1024  # of one line: sums of many names and handlers


class Launched(Protocol):
    """A build process, real or a test's."""

    async def report(self) -> Report | None: ...

    def tell(self, message: Credentials) -> None: ...

    async def stop(self) -> None: ...

    def status(self) -> int | None: ...


class Child:
    """A running build process."""

    def __init__(self, process: Process, reports: asyncio.StreamReader, output: ProcessOutput) -> None:
        self._process = process
        self._reports = reports
        self._output = output

    @property
    def pid(self) -> int:
        """The process's id."""
        return self._process.pid

    def status(self) -> int | None:
        """The exit status, or None while it runs."""
        return self._process.returncode

    async def report(self) -> Report | None:
        """The next thing it says; None when it has ended."""
        line = await self._reports.readline()
        if not line:
            await self._process.wait()
            self._output.close()
            return None
        with contextlib.suppress(ValueError, TypeError):
            return Report(**json.loads(line))
        return await self.report()

    def tell(self, message: Credentials) -> None:
        """Say something to it; one that has ended does not hear it."""
        assert self._process.stdin is not None
        with contextlib.suppress(ConnectionError, RuntimeError):
            self._process.stdin.write(json.dumps(dataclasses.asdict(message)).encode() + b"\n")
        self._output.hide(message.secrets.values())

    async def stop(self) -> None:
        """SIGTERM, then SIGKILL; returns when it is gone."""
        if self._process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                self._process.terminate()
            try:
                async with asyncio.timeout(_TERM_SECONDS):
                    await self._process.wait()
            except TimeoutError:
                with contextlib.suppress(ProcessLookupError):
                    self._process.kill()
                await self._process.wait()
        self._output.close()


async def launch(build: Launch) -> Child:
    """Start a build process."""
    return Child(*await start("worker.process", build, _REPORT_LIMIT_BYTES))


async def start(
    module: str, launch: Launch, line_limit_bytes: int
) -> tuple[Process, asyncio.StreamReader, ProcessOutput]:
    """Start a module with a build's files, interpreter and environment, and hand it the build.

    It gets a process group of its own, so that ^C in a terminal reaches only the supervisor. Its standard input stays
    open as long as the supervisor lives: the end of that pipe is how the process notices that it is alone.

    Returns:
        the process, what it reports line by line, and what it writes.
    """
    boot = launch.boot
    read, write = os.pipe()
    secrets = [*boot.secrets.values(), *boot.connection_secrets.values()]
    output = ProcessOutput(launch.log_file, secrets, as_json=boot.log_format == "json")
    try:
        process = await asyncio.create_subprocess_exec(
            launch.python,
            "-P",
            "-m",
            module,
            cwd=boot.directory,
            env=launch.environment | {"AK_REPORT_FD": str(write)},
            stdin=PIPE,
            stdout=output.write_end,
            stderr=output.write_end,
            pass_fds=(write, output.read_end),
            start_new_session=True,
        )
    except OSError:
        os.close(read)
        output.close()
        raise
    finally:
        os.close(write)
    await output.begin()
    assert process.stdin is not None
    process.stdin.write(json.dumps(dataclasses.asdict(boot)).encode() + b"\n")
    with contextlib.suppress(ConnectionError):
        await process.stdin.drain()
    reader = asyncio.StreamReader(limit=line_limit_bytes)
    await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader), os.fdopen(read, "rb", buffering=0)
    )
    return process, reader, output
