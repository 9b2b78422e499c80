"""Everything of one machine, started in order and taken down in reverse: Temporal, store, gateway, supervisor.

Each part is an asynchronous context manager; ``running`` nests them. A Temporal server of ours that dies is started
again on the same ports and the same file, everything else finds it again by itself.
"""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import fcntl
import os
import signal
import time
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from typing import IO, Any, Protocol

from temporalio.client import Client

from worker import config, temporal
from worker.config import Settings
from worker.contracts import CALLS_AT_ONCE
from worker.devserver import VERSIONS_LIMIT, DevServer
from worker.errors import WorkerError
from worker.gateway.server import Gateway
from worker.log import log
from worker.meter import Meter
from worker.store import Store, open_store
from worker.store.records import Event
from worker.supervisor import Supervisor
from worker.supervisor.keeper import Tell

_RESTART_SECONDS = 0.5
_WATCH_SECONDS = 0.3
_LOOK_SECONDS = 0.2


@dataclass
class Running:
    """What is up."""

    settings: Settings
    store: Store
    client: Client
    supervisor: Supervisor
    gateway_url: str
    ui_url: str


class Traces(Protocol):
    """What hears of events and sessions when traces are wanted; ``worker.tracing`` is it."""

    def webhook(self, event: Event, seconds: float, status: int) -> None: ...

    def session_ended(self, workflow_id: str, run_id: str) -> None: ...


@contextlib.asynccontextmanager
async def tracing(settings: Settings, store: Store, client: Client) -> AsyncIterator[Traces | None]:
    """Traces to the configured collector; None when none is configured, or the library for it is not installed."""
    if not settings.tracing:
        yield None
        return
    try:
        from worker.tracing import exporter
    except ImportError:
        log(action="no_traces", level="warning", hint="pip install 'autokitteh-temporal[otel]'")
        yield None
        return
    async with exporter.tracing(store, client, ratio=settings.traces_ratio) as traces:
        yield traces


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
    settings.home.mkdir(mode=0o700, parents=True, exist_ok=True)
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


@contextlib.asynccontextmanager
async def temporal_server(
    settings: Settings, tell: Callable[[str], None]
) -> AsyncIterator[tuple[Settings, str]]:
    """A Temporal server: the configured one, or one of our own. Yields settings with what it is, and its UI."""
    if settings.temporal_address:
        yield settings, f"http://127.0.0.1:{settings.ui_port}"
        return
    server = DevServer(settings, tell=tell)
    await server.start()
    guarding = asyncio.create_task(restart_when_it_dies(server))
    try:
        ours = dataclasses.replace(
            settings,
            temporal_address=server.address,
            versions_limit=VERSIONS_LIMIT,
            # Only this machine has it, so there is nobody to share the calls with.
            eager_calls=settings.eager_calls or CALLS_AT_ONCE,
        )
        yield ours, server.ui_url
    finally:
        guarding.cancel()
        await asyncio.gather(guarding, return_exceptions=True)
        await server.stop()


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


@contextlib.contextmanager
def opened(settings: Settings) -> Iterator[Store]:
    """The store, migrated."""
    settings.home.mkdir(mode=0o700, parents=True, exist_ok=True)
    store = open_store(settings.database_url, secret_key=settings.installation_key())
    try:
        yield store
    finally:
        store.close()


@contextlib.asynccontextmanager
async def supervising(
    settings: Settings,
    store: Store,
    client: Client,
    base_url: str,
    tell: Tell,
    meter: Meter | None = None,
    traces: Traces | None = None,
) -> AsyncIterator[Supervisor]:
    """A running supervisor; all build processes are down afterwards."""
    supervisor = Supervisor(
        settings,
        store,
        client,
        base_url=base_url,
        temporal_address=settings.temporal_address or "",
        tell=tell,
        meter=meter,
        ended=traces.session_ended if traces is not None else None,
    )
    task = asyncio.create_task(supervisor.run())
    try:
        yield supervisor
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


@contextlib.asynccontextmanager
async def running(settings: Settings, tell: Tell, progress: Callable[[str], None]) -> AsyncIterator[Running]:
    """Everything, for one machine."""
    async with contextlib.AsyncExitStack() as stack:
        stack.enter_context(alone(settings))
        temporal.quieten()  # before the first client: Temporal's runtime is made once
        settings, ui_url = await stack.enter_async_context(temporal_server(settings, progress))
        store = stack.enter_context(opened(settings))
        client = await temporal.connect(settings, store.blobs)
        meter = Meter()
        traces = await stack.enter_async_context(tracing(settings, store, client))
        seen = traces.webhook if traces is not None else None
        gateway = await stack.enter_async_context(Gateway(settings, store, client, meter=meter, seen=seen))
        base_url = settings.public_url or gateway.url
        supervisor = await stack.enter_async_context(
            supervising(settings, store, client, base_url, tell, meter, traces)
        )
        gateway.metrics.add(supervisor.gauges)
        config.write_running(
            settings.home,
            gateway=gateway.url,
            temporal=settings.temporal_address or "",
            ui=ui_url,
            versions_limit=settings.versions_limit,
        )
        stack.callback(config.remove_running, settings.home)
        yield Running(settings, store, client, supervisor, gateway.url, ui_url)


def stop_event() -> asyncio.Event:
    """Set by SIGINT and SIGTERM."""
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stopped.set)
    return stopped


def as_ready(up: Running, deployments: list[dict[str, Any]]) -> dict[str, Any]:
    """The documented line of ``ak up --json``."""
    return {
        "gateway": up.gateway_url,
        "temporal": up.settings.temporal_address,
        "ui": up.ui_url,
        "deployments": deployments,
    }
