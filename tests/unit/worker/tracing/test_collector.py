"""A collector that is away is told of once, and once more when it is back."""

from __future__ import annotations

import logging

import pytest
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult

from worker.tracing import collector


class Exporter(SpanExporter):
    """Ends as it is told, and says like OpenTelemetry's each try that failed."""

    ends = SpanExportResult.SUCCESS

    def export(self, spans):
        """Try twice."""
        del spans
        if self.ends is not SpanExportResult.SUCCESS:
            for _ in range(2):
                logging.getLogger("opentelemetry.exporter.otlp").warning("refused, retrying")
        return self.ends


@pytest.fixture
def said(monkeypatch):
    """What is logged, by action."""
    told = []
    monkeypatch.setattr(collector, "log", lambda *, action, **facts: told.append((action, facts)))
    exporters = logging.getLogger("opentelemetry.exporter")
    before = exporters.handlers, exporters.propagate
    yield told
    exporters.handlers, exporters.propagate = before


def test_a_collector_is_away_once_and_returns_once(said):
    """However often it is tried; and the next time it is away is told again."""
    exporter = Exporter()
    sender = collector.Sender(exporter)
    ok, failed = SpanExportResult.SUCCESS, SpanExportResult.FAILURE
    for ends in (ok, failed, failed, ok, ok, failed, ok):
        exporter.ends = ends
        assert sender.export([]) is ends
    actions = [action for action, _ in said]
    assert actions == ["collector_away", "collector_returned"] * 2
    assert said[0][1]["error"] == "refused, retrying"
    assert said[0][1]["level"] == "warning"
    assert not sender.away


def test_an_exporter_that_fails_without_a_word_is_told_of(said):
    """The reason is ours then."""
    exporter = Exporter()
    exporter.export = lambda _spans: SpanExportResult.FAILURE
    collector.Sender(exporter).export([])
    assert [(action, facts["error"]) for action, facts in said] == [
        ("collector_away", "the collector takes no traces")
    ]
