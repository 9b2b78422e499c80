"""Whether the process lives, and whether it can do its work."""

from __future__ import annotations

import asyncio
import datetime as dt

from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from temporalio.client import Client

from worker import log
from worker.store import Store

CHECK_TIMEOUT_SECONDS = 2.0


class Health:
    """The two endpoints an orchestrator asks."""

    def __init__(self, store: Store, client: Client) -> None:
        self._store = store
        self._client = client

    async def alive(self, _request: Request) -> Response:
        """``/healthz``: the process answers."""
        return PlainTextResponse("ok")

    async def ready(self, _request: Request) -> Response:
        """``/readyz``: 200 when store and Temporal can be reached, else 503 that names what cannot."""
        names = ("store", "temporal")
        errors = await asyncio.gather(self._check_store(), self._check_temporal(), return_exceptions=True)
        problems = {}
        for name, error in zip(names, errors, strict=True):
            if isinstance(error, Exception):
                # The text of the error may name hosts and users: it is for the log, not for whoever asks.
                log.log(action="not_ready", level="warning", part=name, error=str(error))
                problems[name] = (
                    "does not answer in time" if isinstance(error, TimeoutError) else "cannot be reached"
                )
        if problems:
            return JSONResponse({"ready": False, "problems": problems}, 503)
        return JSONResponse({"ready": True})

    async def _check_store(self) -> None:
        async with asyncio.timeout(CHECK_TIMEOUT_SECONDS):
            await asyncio.to_thread(self._store.projects.get, "")

    async def _check_temporal(self) -> None:
        async with asyncio.timeout(CHECK_TIMEOUT_SECONDS * 2):
            timeout = dt.timedelta(seconds=CHECK_TIMEOUT_SECONDS)
            if not await self._client.service_client.check_health(timeout=timeout):
                raise ConnectionError("Temporal says that it is not serving")
