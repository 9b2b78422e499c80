"""Where the world reaches a webhook."""

from __future__ import annotations

from worker.config import Settings

WEBHOOKS_PATH = "/webhooks"


def webhook_url(settings: Settings, running_url: str, slug: str) -> str:
    """The URL to give to a provider: the configured public address, else that of the running gateway.

    ``running_url`` is empty when no gateway is known to run; the address it will listen on then stands in.
    """
    host = f"[{settings.listen_host}]" if ":" in settings.listen_host else settings.listen_host
    base = settings.public_url or running_url or f"http://{host}:{settings.listen_port}"
    return f"{base.rstrip('/')}{WEBHOOKS_PATH}/{slug}"
