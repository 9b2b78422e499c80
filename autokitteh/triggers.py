"""What a program can ask about its own triggers."""

from __future__ import annotations

from autokitteh import _runtime


def get_webhook_url(trigger_name: str) -> str:
    """The address of a webhook of this project.

    Raises:
        AutoKittehError: there is no webhook of that name.
    """
    return _runtime.current().webhook_url(trigger_name)
