"""What commands need: settings, the store, Temporal. Made on first use, so that ``ak --help`` needs none of it."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import signal
from collections.abc import AsyncIterator, Coroutine, Iterator
from typing import TYPE_CHECKING, Any, TypeVar

from worker import config
from worker.cli.output import Output
from worker.config import Settings
from worker.errors import NotFoundError, TemporalError

if TYPE_CHECKING:
    from temporalio.client import Client

    from worker.store import Store
    from worker.store.records import Project

T = TypeVar("T")
PATIENCE_SECONDS = 20.0  # for a Temporal that is just starting
ENDINGS = {
    "completed": "completed",
    "error": "ended in an error",
    "stopped": "was stopped",
}  # of a session, in words
LOOK_SECONDS = 2.0  # where none is on its way, or most of the answer needs none


def settings() -> Settings:
    """The settings; those of its Temporal are of a running ``ak up`` of the same home where none is configured."""
    found = Settings.load()
    running = config.read_running(found.home)
    if running is not None and not found.temporal_address:
        limit = running.get("versions_limit", found.versions_limit)  # an older `ak up` did not say it
        found = dataclasses.replace(found, temporal_address=running["temporal"], versions_limit=limit)
    return found


def gateway_url(found: Settings) -> str:
    """Where webhooks are reachable."""
    running = config.read_running(found.home)
    host = f"http://{found.listen_host}:{found.listen_port}"
    return found.public_url or (running["gateway"] if running is not None else host)


def ui_url(found: Settings) -> str:
    """The Temporal UI, as far as it is known."""
    running = config.read_running(found.home)
    return running["ui"] if running is not None else f"http://127.0.0.1:{found.ui_port}"


@contextlib.contextmanager
def opened(found: Settings) -> Iterator[Store]:
    """The store."""
    from worker.store import open_store

    found.make_home()
    store = open_store(found.database_url, secret_key=found.installation_key())
    try:
        yield store
    finally:
        store.close()


@contextlib.asynccontextmanager
async def connected(found: Settings, store: Store) -> AsyncIterator[Client]:
    """Temporal, with the store for large payloads.

    One that is configured, or that an ``ak up`` of this home just starts, is waited for; else there is none to wait for.
    """
    from worker import temporal

    coming = found.temporal_address or config.is_held(config.lock_file(found.home))
    patience = PATIENCE_SECONDS if coming else LOOK_SECONDS
    yield await temporal.connect(
        found, store.blobs, patience_seconds=patience, tell=Output(as_json=False).progress
    )


@contextlib.asynccontextmanager
async def looking(found: Settings, store: Store, unknown: str) -> AsyncIterator[Client | None]:
    """Temporal, for a command that knows most of its answer without; None where Temporal does not answer.

    Args:
        found: the settings.
        store: for large payloads.
        unknown: what the answer goes without, said on standard error: ``open sessions are not counted``.
    """
    from worker import temporal

    try:
        client = await temporal.connect(found, store.blobs, patience_seconds=LOOK_SECONDS)
    except TemporalError as error:
        Output(as_json=False).progress(f"warning: {unknown}: {error.message}")
        client = None
    yield client


def run(work: Coroutine[Any, Any, T]) -> T:
    """Run a command's asynchronous part."""
    return asyncio.run(work)


def stop_event() -> asyncio.Event:
    """Set by SIGINT and SIGTERM."""
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stopped.set)
    return stopped


def project(store: Store, name: str) -> Project:
    """The project, or an error that lists those that exist."""
    found = store.projects.get(name)
    if found is None:
        names = ", ".join(item.name for item in store.projects.list())
        raise NotFoundError(
            f"there is no project {name}",
            hint=f"Projects: {names}" if names else "Deploy one: `ak deploy DIR`",
        )
    return found
