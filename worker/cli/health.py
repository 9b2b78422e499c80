"""``ak worker --healthcheck`` and ``ak gateway --healthcheck``: what an orchestrator asks by an exit status."""

from __future__ import annotations

import socket

from worker.cli import context
from worker.cli.output import Output
from worker.config import Settings
from worker.errors import WorkerError

_ALIVE_SECONDS = 10.0
_ANSWER_SECONDS = 5.0
_EVERYWHERE = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104  # compared with, not bound to


def worker(found: Settings, out: Output) -> int:
    """Whether a supervisor of this machine gave a sign of life, which takes the database and its own loop.

    Raises:
        WorkerError: it did not.
    """
    host = socket.gethostname()
    with context.opened(found) as store:
        alive = [item for item in store.services.alive("supervisor", _ALIVE_SECONDS) if item.host == host]
    if not alive:
        raise WorkerError(
            f"no worker of {host} gave a sign of life within {_ALIVE_SECONDS:.0f} s",
            hint="Start one: `ak up` or `ak worker`.",
        )
    out.document({"healthy": True, "pids": [item.pid for item in alive]}, "healthy")
    return 0


def gateway(found: Settings, out: Output) -> int:
    """Whether the gateway at AK_LISTEN answers, and reaches database and Temporal.

    Raises:
        WorkerError: it does not.
    """
    import httpx

    host = _EVERYWHERE.get(found.listen_host, found.listen_host)
    url = f"http://{f'[{host}]' if ':' in host else host}:{found.listen_port}/readyz"
    try:
        answer = httpx.get(url, timeout=_ANSWER_SECONDS, trust_env=False)
    except httpx.HTTPError as error:
        raise WorkerError(
            f"the gateway does not answer at {url}: {type(error).__name__}",
            hint="Start it: `ak up` or `ak gateway`.",
        ) from None
    if answer.status_code != httpx.codes.OK:
        raise WorkerError(f"the gateway is not ready: {answer.text}", hint="`ak doctor` looks for the cause.")
    out.document({"healthy": True}, "healthy")
    return 0
