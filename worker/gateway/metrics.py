"""``/metrics``: what the process counted, and what is read at the moment of asking, in Prometheus's format."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator

from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector, CollectorRegistry
from starlette.requests import Request
from starlette.responses import Response

from worker import log
from worker.meter import COUNTER, METRICS, Meter, Reading

GAUGES_TIMEOUT_SECONDS = 5.0

Gauges = Callable[[], Awaitable[list[Reading]]]


class Metrics:
    """The endpoint. A source of gauges that fails leaves its gauges out and says so in the log."""

    def __init__(self, meter: Meter, sources: list[Gauges]) -> None:
        self._meter = meter
        self._sources = sources

    async def __call__(self, _request: Request) -> Response:
        """Answer one scrape."""
        found = await asyncio.gather(*(self._read(source) for source in self._sources))
        readings = [reading for part in found for reading in part]
        return Response(exposition(self._meter, readings), media_type=CONTENT_TYPE_LATEST)

    def add(self, source: Gauges) -> None:
        """Show the gauges of one more source."""
        self._sources.append(source)

    async def _read(self, source: Gauges) -> list[Reading]:
        try:
            async with asyncio.timeout(GAUGES_TIMEOUT_SECONDS):
                return await source()
        except Exception as error:
            log.log(action="gauges_unavailable", level="warning", error=f"{type(error).__name__}: {error}")
            return []


def exposition(meter: Meter, readings: list[Reading]) -> bytes:
    """The text of a scrape."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Collector(meter, readings))
    return generate_latest(registry)


class _Collector(Collector):
    """One family per metric, in the order of the list."""

    def __init__(self, meter: Meter, readings: list[Reading]) -> None:
        self._meter = meter
        self._readings = readings

    def collect(self) -> Iterator[Metric]:
        families: dict[str, Metric] = {}
        counts = self._meter.counts()
        counted = {(name, labels) for name, labels, _ in counts}
        begun = [item for item in self._readings if METRICS[item[0]].kind == COUNTER]
        counts += [item for item in dict.fromkeys(begun) if item[:2] not in counted]
        for name, labels, amount in counts:
            family = families.setdefault(name, CounterMetricFamily(name, _help(name), labels=_names(name)))
            family.add_metric(labels, amount)  # type: ignore[attr-defined]
        for name, labels, times in self._meter.times():
            family = families.setdefault(name, HistogramMetricFamily(name, _help(name), labels=_names(name)))
            family.add_metric(labels, _cumulative(name, times.counts), times.seconds)  # type: ignore[attr-defined]
        for name, labels, value in self._readings:
            if METRICS[name].kind == COUNTER:
                continue
            family = families.setdefault(name, GaugeMetricFamily(name, _help(name), labels=_names(name)))
            family.add_metric(labels, value)  # type: ignore[attr-defined]
        yield from (families[name] for name in METRICS if name in families)


def _help(name: str) -> str:
    return METRICS[name].help


def _names(name: str) -> list[str]:
    return list(METRICS[name].labels)


def _cumulative(name: str, counts: list[int]) -> list[tuple[str, float]]:
    total, found = 0, []
    for bound, count in zip([*map(str, METRICS[name].buckets), "+Inf"], counts, strict=True):
        total += count
        found.append((bound, float(total)))
    return found
