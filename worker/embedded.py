"""The Temporal server of ``ak up``: begun first of all, and needed only once everything else is loaded.

Nothing here is slow to load, and nothing here may become so: while the server starts, ``ak up`` loads the rest. One home
has one ``ak up``: the lock is taken before anything is started.
"""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import fcntl
import os
import time
from collections.abc import AsyncIterator, Callable, Iterator
from typing import IO

from worker import config
from worker.config import Settings
from worker.contracts import CALLS_AT_ONCE
from worker.devserver import VERSIONS_LIMIT, DevServer
from worker.errors import WorkerError
from worker.log import log

_RESTART_SECONDS = 0.5
_WATCH_SECONDS = 0.3
_LOOK_SECONDS = 0.2


@contextlib.asynccontextmanager
async def begun(settings: Settings, tell: Callable[[str], None]) -> AsyncIterator[DevServer | None]:
    """A server whose process has been started and which ``serving`` waits for; None where another one is configured.

    Raises:
        WorkerError: another ``ak up`` has the home.
        TemporalError: there is no server to start, or a port is taken.
    """
    with alone(settings):
        if settings.temporal_address:
            yield None
            return
        server = DevServer(settings, tell=tell)
        try:
            await server.launch()
            yield server
        finally:
            await server.stop()


@contextlib.asynccontextmanager
async def serving(settings: Settings, server: DevServer | None) -> AsyncIterator[tuple[Settings, str]]:
    """Wait for the server and keep it alive. Yields settings with what it is, and its UI.

    Raises:
        TemporalError: it does not come up.
    """
    if server is None:
        yield settings, f"http://127.0.0.1:{settings.ui_port}"
        return
    await server.start()
    guarding = asyncio.create_task(restart_when_it_dies(server))
    ours = dataclasses.replace(
        settings,
        temporal_address=server.address,
        versions_limit=VERSIONS_LIMIT,
        # Only this machine has it, so there is nobody to share the calls with.
        eager_calls=settings.eager_calls or CALLS_AT_ONCE,
    )
    try:
        yield ours, server.ui_url
    finally:
        guarding.cancel()
        await asyncio.gather(guarding, return_exceptions=True)


def take(lock: IO[str]) -> None:
    """Take the lock; a command that looks whether it is taken holds it for an instant.

    Raises:
        BlockingIOError: it is taken.
    """
    until = time.monotonic() + _LOOK_SECONDS
    while True:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > until:
                raise
            time.sleep(_LOOK_SECONDS / 10)
        else:
            return


@contextlib.contextmanager
def alone(settings: Settings) -> Iterator[None]:
    """One ``ak up`` per home; the lock goes with the process, so it is never stale."""
    settings.make_home()
    with config.lock_file(settings.home).open("a+") as lock:
        try:
            take(lock)
        except BlockingIOError:
            lock.seek(0)
            raise WorkerError(
                f"another `ak up` runs on {settings.home} (process {lock.read().strip() or 'unknown'})",
                hint="Stop it, or choose another home with AK_HOME.",
            ) from None
        lock.truncate(0)
        lock.write(str(os.getpid()))
        lock.flush()
        config.remove_running(settings.home)  # of one that was killed
        yield


async def restart_when_it_dies(server: DevServer) -> None:
    """Keep our Temporal server alive, on the same ports."""
    while True:
        await asyncio.sleep(_WATCH_SECONDS)
        if server.alive():
            continue
        log(action="temporal_server_died", level="warning")
        while not server.alive():
            try:
                await server.start()
            except WorkerError as error:
                log(action="temporal_server_does_not_start", level="error", error=error.message)
                await asyncio.sleep(_RESTART_SECONDS)
