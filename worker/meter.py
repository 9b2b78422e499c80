"""What a process counts and times, in memory: the names, what they mean, and a meter that sums them up.

A build process has no metrics library (its environment belongs to the user's project): it hands its sums to the
supervisor, whose ``/metrics`` shows them. ``METRICS`` is the one list of names; ``docs/observability.md`` repeats it.

May import: the standard library.
"""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

COUNTER: Final = "counter"
HISTOGRAM: Final = "histogram"
GAUGE: Final = "gauge"  # read when asked for, never summed up here

SESSION_STATES: Final = ("running", "completed", "error", "stopped")  # a label of autokitteh_sessions_total

# Per project: whoever may start workflows chooses their types, and each is a series.
MOST_HANDLERS: Final = 500
OTHER_HANDLERS: Final = "(others)"

_SHORT: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
_LATENCY: Final = (*_SHORT, 60.0, 300.0, 1800.0, 7200.0)  # Temporal may be away for long
_LONG: Final = (0.01, 0.05, 0.1, 0.5, 1.0, 5.0, 10.0, 30.0, 60.0, 300.0, 1800.0, 7200.0, 21600.0)


@dataclass(frozen=True)
class Definition:
    """One metric: its kind, what it says, its labels, and the upper bounds in seconds of a histogram."""

    kind: str
    help: str
    labels: tuple[str, ...]
    buckets: tuple[float, ...] = ()


METRICS: Final[dict[str, Definition]] = {
    "autokitteh_webhook_seconds": Definition(
        HISTOGRAM,
        "How long requests to webhooks took, by status; the answer of a synchronous one included.",
        ("project", "trigger", "status"),
        _SHORT,
    ),
    "autokitteh_events_total": Definition(
        COUNTER, "Events recorded, by the trigger or connection they came from.", ("project", "source")
    ),
    "autokitteh_filter_errors_total": Definition(
        COUNTER,
        "Filters of triggers that failed on an event, which counts as no match.",
        ("project", "trigger"),
    ),
    "autokitteh_deliveries_total": Definition(
        COUNTER, "Deliveries of events: sessions started, sessions signalled.", ("project", "kind", "outcome")
    ),
    "autokitteh_delivery_seconds": Definition(
        HISTOGRAM,
        "From an event's arrival to the session it started, or the signal it became.",
        ("project", "kind"),
        _LATENCY,
    ),
    "autokitteh_sessions_total": Definition(
        COUNTER, "Sessions that began to run, and how they ended.", ("project", "handler", "state")
    ),
    "autokitteh_calls_total": Definition(
        COUNTER, "Attempts of calls to the outside, by function and outcome.", ("project", "name", "outcome")
    ),
    "autokitteh_call_seconds": Definition(
        HISTOGRAM, "How long an attempt of a call took.", ("project", "name"), _LONG
    ),
    "autokitteh_build_process_crashes_total": Definition(
        COUNTER, "Build processes that ended by themselves and were started again.", ("project",)
    ),
    "autokitteh_build_processes": Definition(GAUGE, "Build processes that run here.", ("project",)),
    "autokitteh_sessions_running": Definition(
        GAUGE, "Open sessions, as Temporal counts them.", ("project", "handler")
    ),
    "autokitteh_deliveries_pending": Definition(
        GAUGE, "Deliveries that wait to be carried out, in the whole installation.", ("project",)
    ),
    "autokitteh_tasks_pending": Definition(
        GAUGE,
        "Tasks of sessions that no worker has taken yet, as Temporal counts them, by kind: workflow or activity.",
        ("project", "kind"),
    ),
    "autokitteh_deployments": Definition(GAUGE, "Deployments by state.", ("project", "state")),
    "autokitteh_versions": Definition(
        GAUGE, "Versions that Temporal keeps of a project; it takes 100 unless told otherwise.", ("project",)
    ),
}

Labels = tuple[str, ...]
# Of a gauge; of a counter, what it shows before it has counted: from one that begins at 1, Prometheus sees no increase.
Reading = tuple[str, Labels, float]


@dataclass
class Times:
    """The sum of a histogram under one set of labels: how many per bucket (the last is the rest), and seconds."""

    counts: list[int]
    seconds: float = 0.0


class Meter:
    """Sums of counters and histograms; any thread may use it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counts: dict[tuple[str, Labels], float] = defaultdict(float)
        self._times: dict[tuple[str, Labels], Times] = {}
        self._handlers: dict[str, set[str]] = defaultdict(set)  # that have a series, by project

    def count(self, name: str, /, **labels: str) -> None:
        """Add one to a counter."""
        found = _labels(name, labels)
        with self._lock:
            self._counts[name, self._bounded(name, found)] += 1

    def observe(self, name: str, seconds: float, /, **labels: str) -> None:
        """Note how long something took."""
        key = (name, _labels(name, labels))
        bounds = METRICS[name].buckets
        index = next((i for i, bound in enumerate(bounds) if seconds <= bound), len(bounds))
        with self._lock:
            times = self._times.setdefault(key, Times([0] * (len(bounds) + 1)))
            times.counts[index] += 1
            times.seconds += seconds

    def take(self) -> list[Any]:
        """The sums since the last time, as JSON; they start again at nothing."""
        with self._lock:
            counts, self._counts = self._counts, defaultdict(float)
            times, self._times = self._times, {}
        return [
            *([name, list(labels), amount] for (name, labels), amount in counts.items()),
            *([name, list(labels), item.counts, item.seconds] for (name, labels), item in times.items()),
        ]

    def add(self, taken: Iterable[Any]) -> None:
        """Add what another process took; what is none of ours is left out."""
        for name, labels, *rest in taken:
            known = METRICS.get(name)
            if known is None or len(labels) != len(known.labels):
                continue
            with self._lock:
                key = (name, self._bounded(name, tuple(map(str, labels))))
                if known.kind == COUNTER:
                    self._counts[key] += rest[0]
                    continue
                counts, seconds = rest
                times = self._times.setdefault(key, Times([0] * (len(known.buckets) + 1)))
                times.counts = [a + b for a, b in zip(times.counts, counts, strict=True)]
                times.seconds += seconds

    def _bounded(self, name: str, labels: Labels) -> Labels:
        """The labels, with one name for all handlers beyond the first; the lock is held."""
        names = METRICS[name].labels
        if "handler" not in names:
            return labels
        at = names.index("handler")
        known = self._handlers[labels[names.index("project")]]
        if len(known) < MOST_HANDLERS:
            known.add(labels[at])
        return labels if labels[at] in known else (*labels[:at], OTHER_HANDLERS, *labels[at + 1 :])

    def counts(self) -> list[tuple[str, Labels, float]]:
        """All counters as they stand."""
        with self._lock:
            return [(name, labels, amount) for (name, labels), amount in self._counts.items()]

    def times(self) -> list[tuple[str, Labels, Times]]:
        """All histograms as they stand."""
        with self._lock:
            return [
                (name, labels, Times(list(item.counts), item.seconds))
                for (name, labels), item in self._times.items()
            ]


def _labels(name: str, labels: dict[str, str]) -> Labels:
    names = METRICS[name].labels
    assert set(names) == set(labels), f"{name} has the labels {names}"
    return tuple(str(labels[label]) for label in names)
