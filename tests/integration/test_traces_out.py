"""Traces on their way to a real collector, over both of its protocols, by OpenTelemetry's own variables."""

from __future__ import annotations

import datetime as dt
import os
import sys
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace
from typing import Any

import grpc
import pytest
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2 as messages
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2_grpc as services

from tests.helpers.collector import Collector
from worker import dev
from worker.config import Settings
from worker.errors import ConfigError

EVENT: Any = SimpleNamespace(
    id="evt_1",
    project="observed",
    source="hook",
    event_type="get",
    data={},
    created_at=dt.datetime(2026, 1, 1, tzinfo=dt.UTC),
)


class OverGrpc(services.TraceServiceServicer):
    """A collector that is spoken to over gRPC, and keeps what it is sent."""

    def __init__(self):
        self.requests = []
        self.headers = []
        self.server = grpc.server(ThreadPoolExecutor(2))
        services.add_TraceServiceServicer_to_server(self, self.server)
        self.port = self.server.add_insecure_port("127.0.0.1:0")
        self.server.start()

    def Export(self, request, context):
        """Take spans."""
        self.requests.append(request)
        self.headers.append(dict(context.invocation_metadata()))
        return messages.ExportTraceServiceResponse()


@pytest.fixture
def collector():
    """One over gRPC."""
    made = OverGrpc()
    yield made
    made.server.stop(None)


async def sent(monkeypatch, tmp_path, **variables):
    """Have one webhook traced in such an environment."""
    for name in [name for name in os.environ if name.startswith("OTEL_")]:
        monkeypatch.delenv(name)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    settings = Settings.load({**variables, "AK_HOME": str(tmp_path)})
    nothing: Any = None
    async with dev.tracing(settings, nothing, nothing) as traces:
        if traces is not None:
            traces.webhook(EVENT, 0.1, 202)
    return traces


@pytest.mark.parametrize("signal", ["", "TRACES_"])
async def test_spans_go_over_grpc(monkeypatch, tmp_path, collector, signal):
    """For all signals or for traces alone, with headers and the name and attributes of the service."""
    await sent(
        monkeypatch,
        tmp_path,
        **{
            f"OTEL_EXPORTER_OTLP_{signal}ENDPOINT": f"http://127.0.0.1:{collector.port}",
            f"OTEL_EXPORTER_OTLP_{signal}PROTOCOL": "grpc",
            "OTEL_EXPORTER_OTLP_HEADERS": "x-team=night",
            "OTEL_SERVICE_NAME": "automations",
            "OTEL_RESOURCE_ATTRIBUTES": "deployment.environment=test",
        },
    )
    (request,) = collector.requests
    (resource,) = request.resource_spans
    assert [span.name for scope in resource.scope_spans for span in scope.spans] == ["webhook hook"]
    assert collector.headers[0]["x-team"] == "night"
    told = {item.key: item.value.string_value for item in resource.resource.attributes}
    assert {"service.name": "automations", "deployment.environment": "test"}.items() <= told.items()


async def test_spans_go_over_http_to_the_endpoint_of_traces(monkeypatch, tmp_path):
    """Without a protocol; the path is the one that was given."""
    collector = Collector()
    endpoint = collector.settings["OTEL_EXPORTER_OTLP_ENDPOINT"] + "/anything"
    await sent(monkeypatch, tmp_path, OTEL_EXPORTER_OTLP_TRACES_ENDPOINT=endpoint)
    assert [span.name for span in collector.spans] == ["webhook hook"]
    collector.server.shutdown()
    collector.server.server_close()


async def test_no_spans_are_sent_when_the_sdk_is_disabled(monkeypatch, tmp_path, collector):
    """As OpenTelemetry has it."""
    endpoint = f"http://127.0.0.1:{collector.port}"
    variables = {"OTEL_EXPORTER_OTLP_ENDPOINT": endpoint, "OTEL_SDK_DISABLED": "true"}
    assert await sent(monkeypatch, tmp_path, **variables) is None


def test_an_unknown_protocol_is_refused():
    """It names the variable and what there is."""
    with pytest.raises(ConfigError) as caught:
        Settings.load({"OTEL_EXPORTER_OTLP_TRACES_PROTOCOL": "carrier pigeon"})
    assert "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL='carrier pigeon'" in str(caught.value)
    assert "grpc" in str(caught.value)


async def test_a_missing_library_is_said_once(monkeypatch, tmp_path, collector, caplog):
    """What to install, or to set instead; everything else goes on without traces."""
    monkeypatch.setitem(sys.modules, "opentelemetry.exporter.otlp.proto.grpc.trace_exporter", None)
    endpoint = f"http://127.0.0.1:{collector.port}"
    variables = {"OTEL_EXPORTER_OTLP_ENDPOINT": endpoint, "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"}
    assert await sent(monkeypatch, tmp_path, **variables) is None
    (told,) = [vars(record) for record in caplog.records if record.message == "no_traces"]
    assert "autokitteh-temporal[otel-grpc]" in str(told)


@pytest.mark.parametrize("protocol", ["http/protobuf", "grpc"])
async def test_a_collector_that_is_away_is_said_once(monkeypatch, tmp_path, collector, caplog, protocol):
    """Whatever is tried again; what the exporters say of each try is not told."""
    collector.server.stop(None).wait()
    variables = {
        "OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{collector.port}",
        "OTEL_EXPORTER_OTLP_PROTOCOL": protocol,
        "OTEL_EXPORTER_OTLP_TIMEOUT": "3",
    }
    traces = await sent(monkeypatch, tmp_path, **variables)
    assert traces is not None
    assert [record.message for record in caplog.records] == ["collector_away"]
