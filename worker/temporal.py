"""Connect to Temporal, with our data converter and errors that say what to do."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from typing import Any

from temporalio.api.workflowservice.v1 import DescribeNamespaceRequest
from temporalio.client import Client
from temporalio.envconfig import ClientConfigProfile
from temporalio.runtime import LoggingConfig, Runtime, TelemetryConfig, TelemetryFilter
from temporalio.service import RPCError, RPCStatusCode

from worker import clock
from worker.config import Settings
from worker.errors import ConfigError, TemporalError
from worker.payload.converter import data_converter
from worker.payload.large import Blobs
from worker.rpc import CREDENTIALS_HINT, Patience, reason

_PATIENCE_SECONDS = 20.0
_PORT_LIMIT = 65536
_TLS_HINT = "Correct the TEMPORAL_TLS_… variables, or the profile: certificate and key, both in PEM."
_NO_TLS_HINT = (
    "Leave TEMPORAL_TLS and TEMPORAL_API_KEY out, which need TLS, or give another TEMPORAL_ADDRESS."
)
_RETRY_SECONDS = 0.25
_TELL_AFTER_SECONDS = 1.0


async def connect(
    settings: Settings,
    blobs: Blobs | None = None,
    *,
    identity: str | None = None,
    patience_seconds: float = _PATIENCE_SECONDS,
    tell: Callable[[str], None] | None = None,
) -> Client:
    """A client for the configured Temporal. ``identity`` is who Temporal's histories say did something.

    With ``blobs``, large payloads are kept there; every client that sends or reads sessions' data needs them.
    ``tell`` hears it when a person has to wait.

    Raises:
        TemporalError: it does not answer within the given patience, or refuses us.
    """
    address = settings.temporal_address or f"127.0.0.1:{settings.temporal_port}"
    return await connect_to(
        address,
        settings.temporal_namespace,
        settings.temporal_environment,
        patience_seconds,
        identity=identity,
        blobs=blobs,
        tell=tell,
    )


async def connect_to(
    address: str,
    namespace: str,
    environment: dict[str, str],
    patience_seconds: float = _PATIENCE_SECONDS,
    *,
    identity: str | None = None,
    blobs: Blobs | None = None,
    tell: Callable[[str], None] | None = None,
) -> Client:
    """A client for an address, with TLS, API key and headers of Temporal's own variables and profile.

    Tries again while the server is starting.
    """
    _check(address)
    try:
        profile = ClientConfigProfile.load(override_env_vars=environment)
        options: dict[str, Any] = {
            **profile.to_client_connect_config(),
            "target_host": address,
            "namespace": namespace,
            "identity": identity,
        }
    except (OSError, RuntimeError, ValueError) as error:
        what = f"{error.filename}: {error.strerror}" if isinstance(error, OSError) else str(error)
        raise ConfigError(f"Temporal's TLS cannot be used: {what}", hint=_TLS_HINT) from None
    began = clock.monotonic()
    end = began + patience_seconds
    quieten()
    while True:
        try:
            client = await Client.connect(
                **options, data_converter=data_converter(blobs), interceptors=[Patience()]
            )
        except ValueError as error:
            raise ConfigError(f"Temporal's TLS cannot be used: {error}", hint=_TLS_HINT) from None
        except RuntimeError as error:
            if clock.monotonic() > end:
                raise TemporalError(
                    f"Temporal does not answer at {address}: {reason(error)}",
                    hint=_NO_TLS_HINT
                    if "InvalidContentType" in str(error)
                    else "Start it with `ak up`, or set TEMPORAL_ADDRESS to one that runs.",
                ) from None
            if tell is not None and clock.monotonic() - began > _TELL_AFTER_SECONDS:
                tell(
                    f"Temporal does not answer at {address}: waiting for it, up to {patience_seconds:.0f} s …"
                )
                tell = None
            await asyncio.sleep(_RETRY_SECONDS)
        else:
            await _welcome(client, address)
            return client


def _check(address: str) -> None:
    host, _, port = address.rpartition(":")
    if not host or "/" in host or not port.isdigit() or not int(port) < _PORT_LIMIT:
        raise ConfigError(f"TEMPORAL_ADDRESS={address!r} is not host:port", hint="Example: 127.0.0.1:7233")


async def _welcome(client: Client, address: str) -> None:
    """See that the namespace exists and that we may use it: later calls would fail with less to say.

    Other refusals are no proof: an API key may be allowed to run workflows and not to describe namespaces.
    """
    try:
        await client.workflow_service.describe_namespace(DescribeNamespaceRequest(namespace=client.namespace))
    except RPCError as error:
        if error.status == RPCStatusCode.NOT_FOUND:
            raise TemporalError(
                f"Temporal at {address} has no namespace {client.namespace!r}",
                hint="Set TEMPORAL_NAMESPACE to one it has, or make it: `temporal operator namespace create`.",
            ) from None
        if error.status == RPCStatusCode.UNAUTHENTICATED:
            raise TemporalError(
                f"Temporal at {address} does not know us: {reason(error)}", hint=CREDENTIALS_HINT
            ) from None


def quieten() -> None:
    """Let Temporal's core say only what is wrong; the process's runtime can be set once."""
    telemetry = TelemetryConfig(
        logging=LoggingConfig(TelemetryFilter(core_level="ERROR", other_level="ERROR"))
    )
    with contextlib.suppress(RuntimeError):
        Runtime.set_default(Runtime(telemetry=telemetry), error_if_already_set=True)
