"""What sends spans to a collector, and says once, not with every try, that it is away.

The exporters of OpenTelemetry log each try and each batch that failed, for as long as it takes; and they try for ten more
seconds on the way out.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence

from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult

from worker.config import GRPC
from worker.log import log

_LONGEST_REASON = 300


def sender_by(protocol: str) -> Sender:
    """What speaks a protocol of collectors; the rest it reads from OpenTelemetry's own variables.

    Raises:
        ImportError: its library is not installed.
    """
    if protocol == GRPC:
        from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter as OverGrpc

        return Sender(OverGrpc())
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter as OverHttp

    return Sender(OverHttp())


class Sender(SpanExporter):
    """Sends spans, and knows whether the collector takes them."""

    def __init__(self, real: SpanExporter) -> None:
        self._real = real
        self.away = False
        said = logging.getLogger("opentelemetry.exporter")
        said.handlers = [_Said(self)]
        said.propagate = False

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Send spans."""
        result = self._real.export(spans)
        if result is SpanExportResult.SUCCESS and self.away:
            self.away = False
            log(action="collector_returned")
        elif result is not SpanExportResult.SUCCESS:
            self.failed("the collector takes no traces")
        return result

    def failed(self, reason: str) -> None:
        """Say it, unless it is known."""
        if not self.away:
            self.away = True
            hint = "traces are lost until it answers; nothing else is: look at OTEL_EXPORTER_OTLP_ENDPOINT"
            log(action="collector_away", level="warning", error=reason[:_LONGEST_REASON], hint=hint)

    def shutdown(self) -> None:
        """Send no more; what is being tried is given up."""
        self._real.shutdown()

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        """Send what is left."""
        return bool(self._real.force_flush(timeout_millis))


class _Said(logging.Handler):
    """Hears what an exporter says of a try that failed."""

    def __init__(self, sender: Sender) -> None:
        super().__init__(logging.WARNING)
        self._sender = sender

    def emit(self, record: logging.LogRecord) -> None:
        """The first of them is told."""
        self._sender.failed(record.getMessage())
