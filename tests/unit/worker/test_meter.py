"""Counting and timing in memory, and handing the sums over."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from worker.gateway.metrics import exposition
from worker.meter import METRICS, MOST_HANDLERS, OTHER_HANDLERS, Meter


def test_sums_taken_from_one_meter_add_up_in_another():
    """What a process hands over arrives once, whatever order it was counted in; JSON in between changes nothing."""
    process, supervisor = Meter(), Meter()
    for _ in range(2):
        process.count("autokitteh_calls_total", project="p", name="requests.get", outcome="done")
        process.observe("autokitteh_call_seconds", 0.2, project="p", name="requests.get")
        supervisor.add(json.loads(json.dumps(process.take())))
    assert process.take() == []
    assert supervisor.counts() == [("autokitteh_calls_total", ("p", "requests.get", "done"), 2)]
    ((_, labels, times),) = supervisor.times()
    assert labels == ("p", "requests.get")
    assert sum(times.counts) == 2
    assert times.seconds == pytest.approx(0.4)


def test_what_another_version_counts_is_left_out():
    """Unknown names and other labels do not disturb."""
    meter = Meter()
    meter.add([["autokitteh_unheard_of", ["x"], 1], ["autokitteh_calls_total", ["too", "few"], 1]])
    assert meter.counts() == []


def test_invented_handlers_make_no_series_without_end():
    """Sessions started with random types are counted together, across processes; known handlers go on as before."""
    supervisor = Meter()
    for process in range(2):
        meter = Meter()
        for number in range(MOST_HANDLERS + 10):
            name = f"main.py:random{process}_{number}" if number else "main.py:on_event"
            meter.count("autokitteh_sessions_total", project="p", handler=name, state="running")
        assert len(meter.counts()) == MOST_HANDLERS + 1
        supervisor.add(meter.take())
    sums = {labels[1]: amount for _, labels, amount in supervisor.counts()}
    assert len(sums) == MOST_HANDLERS + 1
    assert sums["main.py:on_event"] == 2
    assert sums[OTHER_HANDLERS] == 10 + MOST_HANDLERS - 1 + 10


def test_a_scrape_is_what_prometheus_reads():
    """Counters, cumulative buckets and gauges come out as Prometheus's own parser expects them."""
    meter = Meter()
    meter.count("autokitteh_events_total", project="p", source='a "b"\n')
    for seconds in (0.001, 0.02, 100.0):
        meter.observe("autokitteh_webhook_seconds", seconds, project="p", trigger="t", status="202")
    text = exposition(meter, [("autokitteh_deployments", ("p", "active"), 1.0)]).decode()
    families = {family.name: family for family in text_string_to_metric_families(text)}
    (events,) = families["autokitteh_events"].samples
    assert (events.labels, events.value) == ({"project": "p", "source": 'a "b"\n'}, 1)
    buckets = {
        sample.labels["le"]: sample.value
        for sample in families["autokitteh_webhook_seconds"].samples
        if sample.name.endswith("_bucket")
    }
    assert (buckets["0.005"], buckets["0.025"], buckets["30.0"], buckets["+Inf"]) == (1, 2, 2, 3)
    assert families["autokitteh_deployments"].samples[0].value == 1


def test_a_counter_begins_at_nothing():
    """What is known beforehand is shown at 0, once, until it has counted: else Prometheus sees no first increase."""
    meter = Meter()
    beginnings = [("autokitteh_build_process_crashes_total", (name,), 0.0) for name in ("p", "q", "q")]
    meter.count("autokitteh_build_process_crashes_total", project="p")
    text = exposition(meter, [*beginnings, ("autokitteh_build_processes", ("p",), 1.0)]).decode()
    families = {family.name: family for family in text_string_to_metric_families(text)}
    crashes = families["autokitteh_build_process_crashes"].samples
    assert [(sample.labels["project"], sample.value) for sample in crashes] == [("p", 1), ("q", 0)]
    assert len(families["autokitteh_build_processes"].samples) == 1


def test_the_page_and_the_board_know_every_metric():
    """The documentation names each metric, and the board's expressions name metrics that exist."""
    docs = Path(__file__).parents[3] / "docs"
    page = (docs / "observability.md").read_text()
    assert [name for name in METRICS if f"`{name}`" not in page] == []
    board = json.loads((docs / "grafana.json").read_text())
    expressions = " ".join(target["expr"] for panel in board["panels"] for target in panel["targets"])
    assert [name for name in METRICS if name not in expressions] == []
