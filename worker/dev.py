"""Everything of one machine, started in order and taken down in reverse: Temporal, store, gateway, supervisor.

Each part is an asynchronous context manager; ``running`` nests them. A Temporal server of ours that dies is started
again on the same ports and the same file, everything else finds it again by itself.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from typing import Any, Protocol

from temporalio.client import Client

from worker import config, embedded, temporal
from worker.config import Settings
from worker.devserver import DevServer
from worker.gateway.server import Gateway
from worker.log import log
from worker.meter import Meter
from worker.store import Store, open_store
from worker.store.records import Event
from worker.supervisor import Supervisor
from worker.supervisor.keeper import Tell


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
        from worker.tracing import collector, exporter
    except ImportError:
        log(action="no_traces", level="warning", hint="pip install 'autokitteh-temporal[otel]'")
        yield None
        return
    try:
        sender = collector.sender_by(settings.traces_protocol)
    except ImportError:
        log(
            action="no_traces",
            level="warning",
            error="OTEL_EXPORTER_OTLP_PROTOCOL=grpc needs its library",
            hint="pip install 'autokitteh-temporal[otel-grpc]', or set OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf",
        )
        yield None
        return
    async with exporter.tracing(store, client, sender, ratio=settings.traces_ratio) as traces:
        yield traces


@contextlib.contextmanager
def opened(settings: Settings) -> Iterator[Store]:
    """The store, migrated."""
    settings.make_home()
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
async def running(settings: Settings, server: DevServer | None, tell: Tell) -> AsyncIterator[Running]:
    """Everything, for one machine, with the server that ``embedded.begun`` has started."""
    async with contextlib.AsyncExitStack() as stack:
        temporal.quieten()  # before the first client: Temporal's runtime is made once
        store = stack.enter_context(opened(settings))
        settings, ui_url = await stack.enter_async_context(embedded.serving(settings, server))
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


def as_ready(up: Running, deployments: list[dict[str, Any]]) -> dict[str, Any]:
    """The documented line of ``ak up --json``."""
    return {
        "gateway": up.gateway_url,
        "temporal": up.settings.temporal_address,
        "ui": up.ui_url,
        "deployments": deployments,
    }
