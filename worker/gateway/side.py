"""The supervisor's own small port: ``/metrics`` and ``/healthz``, for who watches a process without a gateway."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from worker.gateway.metrics import Metrics
from worker.gateway.server import Server, listen, url_of


@contextlib.asynccontextmanager
async def serving(address: tuple[str, int], metrics: Metrics) -> AsyncIterator[str]:
    """Serve until left; yields the URL.

    Raises:
        ConfigError: the address cannot be used.
    """

    async def alive(_request: Request) -> Response:
        return PlainTextResponse("ok")

    app = Starlette(routes=[Route("/metrics", metrics.__call__), Route("/healthz", alive)])
    listener = listen(*address, "AK_METRICS_LISTEN")
    server = Server(
        uvicorn.Config(app, http="h11", ws="none", lifespan="off", log_config=None, access_log=False)
    )
    task = asyncio.create_task(server.serve([listener]), name="metrics")
    try:
        await server.listening.wait()
        yield url_of(listener)
    finally:
        server.should_exit = True
        await asyncio.wait([task])
