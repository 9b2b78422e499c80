"""The gateway's route table and nothing else."""

from __future__ import annotations

from collections.abc import Callable

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from temporalio.client import Client

from worker.dispatch import Dispatcher
from worker.dispatch.gauges import Gauges
from worker.dispatch.urls import WEBHOOKS_PATH
from worker.gateway.answers import RESPONSE_SECONDS, Answers
from worker.gateway.disclosure import Disclosure
from worker.gateway.health import Health
from worker.gateway.metrics import Metrics
from worker.gateway.published import Published
from worker.gateway.refusals import refusal
from worker.gateway.webhooks import Refusing, Seen, Webhooks
from worker.meter import Meter
from worker.store import Store


def create_app(
    store: Store,
    client: Client,
    dispatcher: Dispatcher,
    wake: Callable[[], None],
    answer_seconds: float = RESPONSE_SECONDS,
    meter: Meter | None = None,
    metrics: Metrics | None = None,
    seen: Seen | None = None,
    installation_key: bytes = b"",
    refused: Refusing | None = None,
) -> Starlette:
    """The ASGI application. ``wake`` is called after each recorded event, ``refused`` for a request that becomes none."""

    async def nothing_here(request: Request, _error: Exception) -> Response:
        if refused is not None:
            refused(request, "AK3404")
        return refusal("AK3404")

    meter = meter or Meter()
    answers = Answers(store, client, answer_seconds, Disclosure(store, installation_key))
    webhooks = Webhooks(dispatcher, wake, answers, meter, seen, refused)
    metrics = metrics or Metrics(meter, [Gauges(store, client).read])
    health = Health(store, client)
    app = Starlette(
        routes=[
            Route(WEBHOOKS_PATH + "/{slug}", webhooks),
            Route(WEBHOOKS_PATH + "/{slug}/{suffix:path}", webhooks),
            Route("/store/{project}/{key:path}", Published(store).__call__, methods=["GET"]),
            Route("/healthz", health.alive),
            Route("/readyz", health.ready),
            Route("/metrics", metrics.__call__),
        ],
        exception_handlers={404: nothing_here},
    )
    # A provider posts to the URL it was given: an answer that sends it elsewhere loses the request.
    app.router.redirect_slashes = False
    return app
