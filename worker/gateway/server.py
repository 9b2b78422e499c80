"""The gateway process's long-lived part: the HTTP server, the outbox and the ticks' worker, started and stopped together."""

from __future__ import annotations

import asyncio
import contextlib
import datetime as dt
import socket
from collections.abc import Callable, Iterator
from types import TracebackType
from typing import Self

import uvicorn
from temporalio.client import Client
from temporalio.worker import UnsandboxedWorkflowRunner, Worker

from worker.config import Settings
from worker.contracts import SYSTEM_QUEUE
from worker.dispatch import Dispatcher, Outbox
from worker.dispatch.gauges import Gauges
from worker.dispatch.ticks import Tick, Ticks
from worker.errors import ConfigError
from worker.gateway.app import create_app
from worker.gateway.metrics import Metrics
from worker.gateway.owner import Owner
from worker.gateway.strays import Strays
from worker.gateway.webhooks import Seen
from worker.meter import Meter
from worker.store import Store

BACKLOG = 1024
DRAIN_SECONDS = 10
MOST_WAITING_TICKS = 1000
_TICKS = "autokitteh-gateway"

_WILDCARDS = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104  # compared with, not bound to


class Server(uvicorn.Server):
    """Uvicorn without its signal handlers, and with an event that says when it listens."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.listening = asyncio.Event()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.listening.set()


class Gateway:
    """Receives webhooks and delivers events while it is entered: ``async with Gateway(…) as gateway``."""

    def __init__(
        self,
        settings: Settings,
        store: Store,
        client: Client,
        *,
        meter: Meter | None = None,
        seen: Seen | None = None,
        new_worker: Callable[..., Worker] = Worker,
    ) -> None:
        meter = meter or Meter()
        self.metrics = Metrics(meter, [Gauges(store, client).read])
        self._settings = settings
        self._dispatcher = Dispatcher(store, client, meter)
        self._owner = Owner(settings.home, store.events)
        self._strays = Strays(store)
        self._outbox = Outbox(store, client, self._owner.name, dispatcher=self._dispatcher, meter=meter)
        config = uvicorn.Config(
            create_app(
                store,
                client,
                self._dispatcher,
                self._outbox.wake,
                settings.answer_seconds,
                meter,
                self.metrics,
                seen,
                settings.installation_key(),
                self._strays.note,
            ),
            http="h11",
            ws="none",
            lifespan="off",
            log_config=None,
            access_log=False,
            proxy_headers=False,
            server_header=False,
            timeout_graceful_shutdown=DRAIN_SECONDS,
        )
        self._server = Server(config)
        ticks = Ticks(store, client, self._dispatcher, self._outbox.wake)
        self._ticks = new_worker(
            client,
            task_queue=SYSTEM_QUEUE,
            build_id=_TICKS,  # else temporalio reads and hashes every module that is loaded
            workflows=[Tick],
            activities=[ticks.record, ticks.wait, ticks.end, ticks.wait_for_child],
            workflow_runner=UnsandboxedWorkflowRunner(),
            max_concurrent_activities=MOST_WAITING_TICKS,
            graceful_shutdown_timeout=dt.timedelta(),
        )
        self._tasks: list[asyncio.Task[None]] = []
        self._noting: asyncio.Task[None] | None = None
        self.url = ""

    async def __aenter__(self) -> Self:
        """Listen.

        Raises:
            ConfigError: The configured address cannot be used.
        """
        try:
            listener = listen(self._settings.listen_host, self._settings.listen_port)
        except ConfigError:
            self._owner.close()  # nobody will ask us to leave
            raise
        self.url = url_of(listener)
        serve = asyncio.create_task(self._server.serve([listener]), name="gateway")
        self._tasks = [
            serve,
            asyncio.create_task(self._outbox.run(), name="outbox"),
            asyncio.create_task(self._ticks.run(), name="ticks"),
        ]
        self._noting = asyncio.create_task(self._strays.run(), name="strays")
        listening = asyncio.create_task(self._server.listening.wait())
        try:
            await asyncio.wait([serve, listening], return_when=asyncio.FIRST_COMPLETED)
            if serve.done():
                serve.result()
                raise ConfigError(
                    "the gateway's HTTP server ended while it started", hint="Its log says why."
                )
        except BaseException:
            await self._stop()
            raise
        finally:
            listening.cancel()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Answer the requests under way, finish the deliveries under way, stop."""
        await self._stop()

    async def wait(self) -> None:
        """Return, or raise, when a part of the gateway has ended by itself, which it should not."""
        done, _ = await asyncio.wait(self._tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()

    async def _stop(self) -> None:
        # The server first: what it still takes in is recorded, and the outbox may start it.
        serve, outbox, ticks = self._tasks
        self._server.should_exit = True
        await asyncio.wait([serve])
        if self._noting is not None:
            await self._strays.stop(self._noting)
        if not ticks.done():
            await self._ticks.shutdown()
            await asyncio.wait([ticks])
        self._outbox.stop()
        _, late = await asyncio.wait([outbox], timeout=DRAIN_SECONDS)
        for task in late:  # its deliveries are pending in the store and will be found again
            task.cancel()
            await asyncio.wait([task])
        self._owner.close()


def listen(host: str, port: int, setting: str = "AK_LISTEN") -> socket.socket:
    """A listening socket.

    Raises:
        ConfigError: The address is taken, not ours, or not an address.
    """
    hint = f"Set {setting} to another address, such as 127.0.0.1:9981, or to port 0 for any free one."
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, proto=socket.IPPROTO_TCP)
        family, kind, proto, _, address = found[0]
        # Named as TCP: only then does asyncio switch Nagle's algorithm off, which holds an answer's body back for 40 ms.
        listener = socket.socket(family, kind, proto)
    except (OSError, UnicodeError) as error:  # the latter for a name that is no host's
        reason = getattr(error, "strerror", None) or "no host has such a name"
        raise ConfigError(f"{setting}: {host}:{port} is not an address: {reason}", hint=hint) from error
    try:
        # Lets a restarted gateway have its port back while old connections linger; two live ones still collide.
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(BACKLOG)
    except OSError as error:
        listener.close()
        message = f"{setting}: cannot listen on {host}:{port}: {error.strerror}"
        raise ConfigError(message, hint=hint) from error
    return listener


def url_of(listener: socket.socket) -> str:
    """The URL at which a listening socket is reached."""
    host, port = listener.getsockname()[:2]
    host = _WILDCARDS.get(host, host)
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
