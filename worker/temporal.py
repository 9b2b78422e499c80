"""Connect to Temporal, with our data converter and errors that say what to do."""

from __future__ import annotations

import asyncio
import contextlib
from typing import Any

from temporalio.client import Client
from temporalio.envconfig import ClientConfigProfile
from temporalio.runtime import LoggingConfig, Runtime, TelemetryConfig, TelemetryFilter

from worker import clock
from worker.config import Settings
from worker.errors import TemporalError
from worker.payload.converter import data_converter

_PATIENCE_SECONDS = 20.0
_RETRY_SECONDS = 0.25


async def connect(settings: Settings, *, patience_seconds: float = _PATIENCE_SECONDS) -> Client:
    """A client for the configured Temporal.

    Raises:
        TemporalError: it does not answer within the given patience.
    """
    address = settings.temporal_address or f"127.0.0.1:{settings.temporal_port}"
    return await connect_to(
        address, settings.temporal_namespace, settings.temporal_environment, patience_seconds
    )


async def connect_to(
    address: str, namespace: str, environment: dict[str, str], patience_seconds: float = _PATIENCE_SECONDS
) -> Client:
    """A client for an address, with TLS, API key and headers of Temporal's own variables and profile.

    Tries again while the server is starting.
    """
    profile = ClientConfigProfile.load(override_env_vars=environment)
    options: dict[str, Any] = {
        **profile.to_client_connect_config(),
        "target_host": address,
        "namespace": namespace,
    }
    end = clock.monotonic() + patience_seconds
    quieten()
    while True:
        try:
            return await Client.connect(**options, data_converter=data_converter())
        except RuntimeError as error:
            if clock.monotonic() > end:
                raise TemporalError(
                    f"Temporal does not answer at {address}: {str(error).splitlines()[0]}",
                    hint="Start it with `ak up`, or set TEMPORAL_ADDRESS to one that runs.",
                ) from None
            await asyncio.sleep(_RETRY_SECONDS)


def quieten() -> None:
    """Let Temporal's core say only what is wrong; the process's runtime can be set once."""
    telemetry = TelemetryConfig(
        logging=LoggingConfig(TelemetryFilter(core_level="ERROR", other_level="ERROR"))
    )
    with contextlib.suppress(RuntimeError):
        Runtime.set_default(Runtime(telemetry=telemetry), error_if_already_set=True)
