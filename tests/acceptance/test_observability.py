"""Metrics, traces and logs, read off a real run."""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
from pathlib import Path

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.helpers.ak import running
from tests.helpers.collector import Collector
from tests.helpers.waiting import eventually_sync
from worker.meter import METRICS

PROGRAM = """
import json
import os
import time
import autokitteh
from autokitteh import next_event, start, subscribe


@autokitteh.activity
def work(n):
    return n + 1


def on_event(event):
    subscription = subscribe("other")
    print("subscribed")
    work(1)
    time.sleep(0.1)
    start("main.py:child", {"n": 1})
    next_event(subscription)
    return "done"


def child(event):
    work(2)


def waits(event):
    time.sleep(3600)


def talks(event):
    subscription = subscribe("other")
    work(1)
    print("before")
    next_event(subscription)
    autokitteh.signal(start("main.py:listens"), "greeting", "hello")
    work(2)


def listens(event):
    autokitteh.next_signal("greeting")


def fails(event):
    raise ValueError("no")


@autokitteh.activity
def refuse():
    os.system("echo from a subprocess")
    raise ValueError("refused")


def loud(event):
    refuse()
"""
MANIFEST = """
version: v2
project:
  name: observed
  triggers:
    - {name: hook, type: webhook, call: main.py:on_event}
    - {name: other, type: webhook}
    - {name: talks, type: webhook, call: main.py:talks}
    - {name: bad, type: webhook, call: main.py:fails}
    - {name: broken, type: webhook, call: main.py:fails, filter: data.body.json.missing == 1}
"""
TRACE = "00-" + "12" * 16 + "-" + "34" * 8 + "-01"
OTHERS_TRACE = "00-" + "9a" * 16 + "-" + "bc" * 8 + "-01"


@pytest.fixture(scope="module")
def collector():
    """A running collector."""
    made = Collector()
    yield made
    made.server.shutdown()
    made.server.server_close()


@contextlib.contextmanager
def observed(tmp_path_factory, **changes):
    """A running ``ak up`` in which some sessions have ended."""
    project = tmp_path_factory.mktemp("observed")
    (project / "main.py").write_text(PROGRAM)
    (project / "autokitteh.yaml").write_text(MANIFEST)
    home = tmp_path_factory.mktemp("home")
    with running(home, project, AK_LOG_LEVEL="info", AK_LOG_FORMAT="json", **changes) as up:
        event = httpx.get(up.webhook("hook"), headers={"traceparent": TRACE}).headers["AutoKitteh-Event-ID"]
        up.event = event
        httpx.get(up.webhook("bad"))
        httpx.post(up.webhook("broken"), json={"x": 1})

        def parent():
            found = up.ak("session", "list", "observed", "--event", event)
            return found[0]["id"] if found else None

        eventually_sync(lambda: parent() is not None)
        up.parent = parent()
        eventually_sync(lambda: up.prints(up.parent) == ["subscribed"])
        up.other = httpx.get(up.webhook("other"), headers={"traceparent": OTHERS_TRACE}).headers[
            "AutoKitteh-Event-ID"
        ]
        assert up.ak("session", "wait", up.parent)["state"] == "completed"
        yield up


@pytest.fixture(scope="module")
def up(tmp_path_factory, collector):
    """One that sends its traces to the collector."""
    with observed(tmp_path_factory, **collector.settings) as up:
        yield up


def scrape(up):
    """The samples of ``/metrics`` by name and labels."""
    text = httpx.get(f"{up.ready['gateway']}/metrics").text
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def test_the_metrics_say_what_happened(up):
    """Sessions, calls, events, deliveries, filter errors and deployments are counted."""

    def value(name, /, **labels):
        return scrape(up).get((name, tuple(sorted(labels.items()))), 0)

    sessions = "autokitteh_sessions_total"
    done = {"project": "observed", "handler": "main.py:on_event", "state": "completed"}
    eventually_sync(lambda: value(sessions, **done) == 1)
    eventually_sync(lambda: value(sessions, **{**done, "handler": "main.py:child"}) == 1)
    eventually_sync(lambda: value(sessions, **{**done, "handler": "main.py:fails", "state": "error"}) == 1)
    assert value("autokitteh_calls_total", project="observed", name="main.work", outcome="done") == 2
    assert value("autokitteh_events_total", project="observed", source="hook") == 1
    assert value("autokitteh_filter_errors_total", project="observed", trigger="broken") == 1
    before = scrape(up)[sessions, tuple(sorted({**done, "state": "stopped"}.items()))]
    assert before == 0  # a first one shows as an increase
    assert value("autokitteh_deployments", project="observed", state="active") == 1
    assert value("autokitteh_build_processes", project="observed") == 1
    assert value("autokitteh_versions", project="observed") == 1
    for kind in ("start", "event"):
        assert value("autokitteh_delivery_seconds_count", project="observed", kind=kind) >= 1
    assert value("autokitteh_webhook_seconds_count", project="observed", trigger="hook", status="202") == 1


SELECTOR = re.compile(r"(autokitteh_\w+)\{([^}]*)\}")
MATCHER = re.compile(r'(\w+)(=~?)"([^"]*)"')
GROUPED = re.compile(r"by \(([^)]*)\)")


def selected(samples, name, matchers):
    """The labels and values of what a selector of a query matches in a scrape."""
    wanted = [
        (label, f"(?:{value})" if kind == "=~" else re.escape(value))
        for label, kind, value in MATCHER.findall(matchers.replace("$project", "observed"))
    ]
    return [
        (dict(labels), value)
        for (sample, labels), value in samples.items()
        if sample == name and all(re.fullmatch(value, dict(labels).get(label, "")) for label, value in wanted)
    ]


def without_data(up):
    """The queries of the board to which a scrape has nothing to say, each with the selector or the labels."""
    board = json.loads((Path(__file__).parents[2] / "docs" / "grafana.json").read_text())
    targets = [target for panel in board["panels"] for target in panel.get("targets", [])]
    assert len(targets) > 10
    samples, missing = scrape(up), []
    for target in targets:
        query = target["expr"]
        labels = {label.strip() for group in GROUPED.findall(query) for label in group.split(",")}
        labels |= set(re.findall(r"\{\{(\w+)\}\}", target.get("legendFormat", "")))
        selectors = SELECTOR.findall(query)
        assert len(selectors) == query.count("autokitteh_") >= 1, query
        for name, matchers in selectors:
            found = selected(samples, name, matchers)
            moved = [found_labels for found_labels, value in found if value or name in STAND_AT_NOTHING]
            missing += [] if moved else [f"{name}{{{matchers}}} in {query}"]
            missing += [f"{label} in {query}" for label in sorted(labels) if moved and label not in moved[0]]
    return missing


STAND_AT_NOTHING = {"autokitteh_deliveries_pending", "autokitteh_tasks_pending"}


def test_each_query_of_the_board_has_data(tmp_path_factory):
    """Names, label values and the labels that are grouped by are those of a scrape in which everything has happened."""
    with observed(tmp_path_factory) as up:

        def ended():
            found = selected(scrape(up), "autokitteh_sessions_total", 'state=~"completed|error"')
            return {labels["handler"] for labels, value in found if value}

        eventually_sync(lambda: len(ended()) == 3)  # its process has handed over its sums
        (process,) = up.build_pids()
        os.kill(process, signal.SIGKILL)
        crashes = "autokitteh_build_process_crashes_total"
        eventually_sync(lambda: any(value for _, value in selected(scrape(up), crashes, "")))
        up.ak("session", "start", "observed", "main.py:waits")
        eventually_sync(lambda: without_data(up) == [], 60)


def test_every_metric_that_moved_is_one_of_the_list(up):
    """Nothing is shown that the list, and so the documentation, does not know."""
    text = httpx.get(f"{up.ready['gateway']}/metrics").text
    families = {family.name for family in text_string_to_metric_families(text)}
    assert families <= {name.removesuffix("_total") for name in METRICS}


def test_a_trace_goes_from_webhook_to_child(up, collector):
    """Request, session, calls, child and the child's call are one trace, each under what caused it."""
    eventually_sync(lambda: len(collector.named("main.work")) == 2 and collector.named("main.py:on_event"))
    (arrival,) = collector.named("webhook hook")
    (session,) = collector.named("main.py:on_event")
    children = collector.named("main.py:child")
    (start,) = [span for span in children if span.parent_span_id == session.span_id]
    (child,) = [span for span in children if span is not start]
    trace = bytes.fromhex("12" * 16)
    assert {span.trace_id for span in (arrival, session, start, child)} == {trace}
    assert arrival.parent_span_id == bytes.fromhex("34" * 8)
    assert session.parent_span_id == arrival.span_id
    assert child.parent_span_id == start.span_id
    assert sorted(span.parent_span_id for span in collector.named("main.work")) == sorted(
        [session.span_id, child.span_id]
    )
    (sleep,) = collector.named("sleep 0.1 s")
    assert sleep.end_time_unix_nano - sleep.start_time_unix_nano >= 100_000_000


def test_an_awaited_event_is_linked_to_its_own_trace(up, collector):
    """The session points to the request that it was waiting for."""
    eventually_sync(lambda: collector.named("main.py:on_event") and collector.named("webhook other"))
    (other,) = collector.named("webhook other")
    (session,) = collector.named("main.py:on_event")
    assert [(link.trace_id, link.span_id) for link in session.links] == [(other.trace_id, other.span_id)]


@pytest.fixture
def killed(tmp_path_factory):
    """An installation of its own, whose processes may be killed, and its collector."""
    made = Collector()
    with observed(tmp_path_factory, **made.settings) as up:
        yield up, made
    made.server.shutdown()
    made.server.server_close()


def test_a_replay_in_another_process_adds_no_span(killed):
    """The build process is killed in the middle: one trace, each span once, those from before and those from after."""
    up, collector = killed
    sent = {"traceparent": f"00-{'56' * 16}-{'78' * 8}-01"}
    event = httpx.get(up.webhook("talks"), headers=sent).headers["AutoKitteh-Event-ID"]
    found = eventually_sync(lambda: up.ak("session", "list", "observed", "--event", event))
    session = found[0]["id"]
    eventually_sync(lambda: up.prints(session) == ["before"])
    (process,) = up.build_pids()
    os.kill(process, signal.SIGKILL)
    eventually_sync(lambda: up.build_pids() not in ([], [process]))
    httpx.get(up.webhook("other"))
    assert up.ak("session", "wait", session)["state"] == "completed"

    def spans():
        return [span for span in collector.spans if span.trace_id == bytes.fromhex("56" * 16)]

    eventually_sync(lambda: {"main.py:talks", "signal greeting"} <= {span.name for span in spans()}, 30)
    eventually_sync(lambda: len([span for span in spans() if span.name == "main.py:listens"]) == 2, 30)
    names = sorted(span.name for span in spans())
    assert names == sorted(
        [
            "webhook talks",
            "main.py:talks",
            "subscribe",
            "main.work",
            "main.py:listens",
            "signal greeting",
            "main.work",
            "main.py:listens",
            "await_signal",
        ]
    )
    assert len({span.span_id for span in spans()}) == len(names)
    (top,) = [span for span in spans() if span.name == "main.py:talks"]
    (told,) = [span for span in spans() if span.name == "signal greeting"]
    assert told.parent_span_id == top.span_id
    assert {item.key for item in told.attributes}.isdisjoint({"code.location", "autokitteh.attempts"})


def test_a_failed_session_is_an_error_with_its_message(up, collector):
    """Its span says what went wrong."""
    eventually_sync(lambda: collector.named("main.py:fails"))
    assert "ValueError: no" in collector.named("main.py:fails")[0].status.message


def test_the_logs_name_event_and_session(up):
    """From the request to the end of its session, each line is JSON with the ids that tie it to the others."""
    lines = [json.loads(line) for line in up.log().splitlines() if line.startswith("{")]
    webhook = next(line for line in lines if line["action"] == "webhook" and line["event"] == up.event)
    assert (webhook["trigger"], webhook["status"]) == ("hook", 202)
    delivered = next(line for line in lines if line["action"] == "delivered" and line["event"] == up.event)
    assert delivered["session"] == up.parent
    (log,) = (up.home / "logs").glob("observed-*.log")
    ended = [json.loads(line) for line in log.read_text().splitlines() if "session_completed" in line]
    mine = next(line for line in ended if line["session"] == up.parent)
    assert (mine["handler"], mine["event"]) == ("main.py:on_event", up.event)


def test_every_line_of_the_logs_is_an_object(up):
    """Also what Temporal's library says of a call that failed, what a subprocess writes, and what ``ak up`` tells."""
    session = up.ak("session", "start", "observed", "main.py:loud", "--wait")
    assert session["state"] == "error"
    (log,) = (up.home / "logs").glob("observed-*.log")
    eventually_sync(
        lambda: "from a subprocess" in log.read_text() and "Completing activity" in log.read_text()
    )
    entries = [json.loads(line) for line in log.read_text().splitlines()]
    (failed,) = [entry for entry in entries if entry.get("session") == session["id"] and "call" in entry]
    assert (failed["call"], failed["handler"], failed["attempt"]) == ("main.refuse", "main.py:loud", 1)
    assert (failed["error"], "traceback" in failed) == ("ValueError: refused", False)
    assert {"action": "output", "text": "from a subprocess"}.items() <= next(
        entry for entry in entries if "subprocess" in str(entry)
    ).items()
    told = [json.loads(line) for line in (up.home / "up.log").read_text().splitlines()]
    assert {"progress", "webhook"} <= {entry["action"] for entry in told}
