"""The gateway's route table and nothing else."""

from __future__ import annotations

from collections.abc import Callable

from starlette.applications import Starlette
from starlette.routing import Route
from temporalio.client import Client

from worker.dispatch import Dispatcher
from worker.dispatch.urls import WEBHOOKS_PATH
from worker.gateway.health import Health
from worker.gateway.webhooks import Webhooks
from worker.store import Store


def create_app(store: Store, client: Client, dispatcher: Dispatcher, wake: Callable[[], None]) -> Starlette:
    """The ASGI application. ``wake`` is called after each recorded event."""
    webhooks = Webhooks(dispatcher, wake)
    health = Health(store, client)
    app = Starlette(
        routes=[
            Route(WEBHOOKS_PATH + "/{slug}", webhooks),
            Route(WEBHOOKS_PATH + "/{slug}/{suffix:path}", webhooks),
            Route("/healthz", health.alive),
            Route("/readyz", health.ready),
        ]
    )
    # A provider posts to the URL it was given: an answer that sends it elsewhere loses the request.
    app.router.redirect_slashes = False
    return app
