"""Steps, arrivals and log lines in the order in which they happened."""

from __future__ import annotations

import datetime as dt

import pytest

from tests.helpers.histories import START, History, failure, payload
from worker.store.log import NOTE
from worker.store.records import StoredLine
from worker.story.build import REFERENCE, Collector, entries_of


def line(
    number: int, kind: str, text: str, *, at: float = 0, where: str = "", attempt: int = 0, sub: int = 0
):
    """A line of the log; ``at`` counts seconds from the history's start."""
    moment = START + dt.timedelta(seconds=at)
    return StoredLine("p", "ses_1", "run", number, attempt, sub, moment, kind, text, where)


def collected(history: History) -> Collector:
    """The history, read."""
    collector = Collector()
    for event in history.events:
        collector.read(event)
    return collector


def test_lines_stand_before_the_call_with_a_higher_number():
    """Printed lines around two calls, also where they have the same time; a call's own prints are inside it."""
    history = History()
    history.call("requests.get", "main.py:2", ["u"], result=1, line=2)
    history.call("requests.get", "main.py:4", ["v"], result=2, line=5)
    lines = [
        line(0, "state", "running"),
        line(1, "print", "first", at=1),
        line(2, "call", "requests.get('u')", where="main.py:2"),
        line(2, "print", "inside", attempt=1, sub=1),
        line(3, "print", "second", at=3),
        line(4, "warning", "careful", at=3, where="main.py:3"),
        line(5, "call", "requests.get('v')", where="main.py:4"),
        line(6, "print", "last", at=9),
        line(7, "state", "completed", at=9),
    ]
    collector = collected(history)
    entries = entries_of(collector, collector.steps, lines)
    assert [(entry.n, entry.text) for entry in entries] == [
        (0, "first"),
        (1, "requests.get('u')"),
        (0, "second"),
        (0, "careful"),
        (2, "requests.get('v')"),
        (0, "last"),
    ]
    assert [item.text for item in entries[1].inside] == ["inside"]
    assert [entry.result for entry in entries if entry.n] == ["1", "2"]


def test_timers_and_arrivals_stand_by_their_time():
    """They have no number in the log."""
    history = History()
    history.timer("sleep 5 s · main.py:2", 5)  # from 2 to 7
    history.signal("autokitteh:event", {"subscription": "s", "id": "evt_1", "type": "post", "source": "hook"})
    history.signal("go", {"n": 1})  # at 9
    history.signal("autokitteh:signal", {"id": "sig_1", "name": "stop", "payload": None})
    lines = [
        line(1, "print", "before", at=1),
        line(2, "print", "after the sleep", at=7.5),
        line(3, "signal", "event evt_1 from hook received", at=8.5),
        line(4, "print", "after the event", at=8.5),
    ]
    collector = collected(history)
    entries = entries_of(collector, collector.steps, lines)
    assert [entry.text for entry in entries] == [
        "before",
        "sleep 5 s",
        "after the sleep",
        "event evt_1 (post) from hook",
        "after the event",
        "signal go: {'n': 1}",
        "signal stop",
    ]


def test_children_and_reads_find_their_lines_by_place_and_name():
    """Neither carries its number."""
    history = History()
    history.child("main.py:child", "ses_a", "main.py:5", result=1)
    history.child("main.py:child", "ses_b", "main.py:5", result=2)
    lines = [
        line(1, "call", "start('main.py:child', {'n': 1})", where="main.py:5"),
        line(2, "call", "start('main.py:child', {'n': 2})", where="main.py:5"),
    ]
    collector = collected(history)
    entries = entries_of(collector, collector.steps, lines)
    assert [(entry.text[-9:], entry.target, entry.outcome, entry.result) for entry in entries] == [
        ("{'n': 1})", "ses_a", "completed", "1"),
        ("{'n': 2})", "ses_b", "completed", "2"),
    ]


def test_a_call_without_a_line_is_told_from_its_arguments():
    """Also one that failed, and one that was tried three times."""
    history = History()
    history.call(
        "main.f",
        "main.py:2",
        [1, {"preview": "<Order 7>", "pickle": "v1.x"}],
        attempts=3,
        result=None,
        last=failure("OSError", "slow"),
    )
    history.call(
        "main.g",
        "main.py:3",
        [{"preview": "Bearer ••••••", "secret": ["Bearer ", {"var": "T"}]}],
        error=failure("KeyError", "'id'", "lib.py:7"),
    )
    collector = collected(history)
    first, second = entries_of(collector, collector.steps, [])
    assert (first.text, first.attempts, first.last_failure) == (
        "main.f(1, <Order 7>)",
        3,
        "OSError: slow (main.py:9)",
    )
    assert (second.text, second.error, second.state) == (
        "main.g('Bearer ••••••')",
        "KeyError: 'id' (lib.py:7)",
        "failed",
    )


def test_waits_tell_how_they_ended():
    """What was waited for came, or did not in time; an open one has its limit."""
    history = History()
    history.timer("wait for the signal a · main.py:1", 60, fired=False)
    history.timer("wait for the signal b · main.py:2", 60)
    history.timer("wait for an event · main.py:3", 60, fired=None)
    collector = collected(history)
    found = entries_of(collector, collector.steps, [])
    assert [entry.outcome for entry in found] == ["came", "timed out", None]
    assert [entry.until is not None for entry in found] == [False, False, True]


def test_a_part_of_a_story_has_only_its_own_arrivals_and_lines():
    """Those before and after are left out."""
    history = History()
    for n in range(1, 5):
        history.call("f", f"main.py:{n}", [n], line=2 * n)
        history.signal(f"s{n}", None)
    collector = collected(history)
    lines = [line(2 * n + 1, "print", f"p{n}", at=4 * n) for n in range(2, 4)]
    part = entries_of(collector, collector.steps[1:3], lines, ends=collector.steps[3].asked_at)
    assert [entry.text for entry in part] == [
        "signal s1",
        "f(2)",
        "p2",
        "signal s2",
        "f(3)",
        "p3",
        "signal s3",
    ]


def test_ten_thousand_events_are_kept_in_a_few_words():
    """Of the payloads of three thousand steps nothing is held but previews."""
    history = History()
    for n in range(3333):
        history.call("main.f", "main.py:2", ["x" * 500, n], result=["y" * 500], line=n + 1)
    collector = collected(history)
    assert collector.events == 10_000
    assert [step.n for step in collector.steps] == list(range(1, 3334))
    assert {(step.arguments, step.result, step.failure) for step in collector.steps} == {((), None, None)}
    assert max(len(told.call) + len(told.result) for told in collector.told.values()) < 200
    assert collector.large == {}
    last = entries_of(collector, collector.steps[-3:], [])
    assert [(entry.n, entry.text[-6:], entry.state) for entry in last] == [
        (3331, " 3330)", "done"),
        (3332, " 3331)", "done"),
        (3333, " 3332)", "done"),
    ]


@pytest.mark.parametrize(
    ("begins", "shown"),
    [
        ('{"result":"xxx', '300,000 bytes: "xxx…'),
        ('{"result":{"preview":"[1, 2, 3, …","pickle":"v1.', "300,000 bytes: [1, 2, 3, …"),
        ('{"result":{"preview":{"a":1},"pickle":"v1.', '300,000 bytes: {"a": 1}…'),
    ],
)
def test_a_large_result_stays_a_reference_that_shows_its_beginning(begins, shown):
    """It is read only when somebody looks at that step."""
    history = History()
    history.call("main.f", "main.py:2", result="small")
    done = history.events[-1].activity_task_completed_event_attributes.result.payloads[0]
    done.CopyFrom(payload({"blob": "blob_1", "bytes": 300_000, "begins": begins}))
    done.metadata[REFERENCE] = b"blob_1"
    collector = collected(history)
    (entry,) = entries_of(collector, collector.steps, [])
    assert list(collector.large) == [1]
    assert entry.result == shown


def test_a_note_about_the_run_stands_where_it_was_made():
    """What was written about the run is told behind the lines there were then; an error of the run's own is its end."""
    history = History()
    history.call("requests.get", "main.py:2", ["u"], result=1, line=1)
    history.call("requests.get", "main.py:4", ["v"], result=2, line=2)
    lines = [
        line(1, "call", "requests.get('u')", where="main.py:2"),
        line(1, "print", "inside", attempt=1, sub=1),
        line(1, "error", "AK1600: it does not fit", attempt=NOTE, sub=1 << 20),
        line(2, "call", "requests.get('v')", where="main.py:4"),
        line(3, "error", "KeyError: 'x'"),
    ]
    collector = collected(history)
    entries = entries_of(collector, collector.steps, lines)
    assert [entry.text for entry in entries] == [
        "requests.get('u')",
        "AK1600: it does not fit",
        "requests.get('v')",
    ]
    assert [item.text for item in entries[0].inside] == ["inside"]


def test_trouble_on_a_worker_is_told():
    """A task that failed stands where it happened."""
    history = History()
    failed = history.add("WORKFLOW_TASK_FAILED").workflow_task_failed_event_attributes
    failed.failure.message = "nondeterminism"
    history.add("WORKFLOW_EXECUTION_CANCEL_REQUESTED")
    collector = collected(history)
    assert [entry.text for entry in entries_of(collector, [], [])] == [
        "its worker could not go on: nondeterminism",
        "stop asked for",
    ]


def test_moment_belongs_to_the_version_that_ran_then():
    """A task is its version's from its start on; before the first, the first one's; of an old history, nobody's."""
    history = History()
    for version in ("one", "one", "two"):
        history.add("WORKFLOW_TASK_STARTED")
        attributes = history.add("WORKFLOW_TASK_COMPLETED").workflow_task_completed_event_attributes
        attributes.deployment_version.build_id = version
    collector = collected(history)
    began = [began for began, _ in collector.versions]
    assert [version for _, version in collector.versions] == ["one", "two"]
    assert collector.version_at(START) == "one"
    assert collector.version_at(began[1] - dt.timedelta(microseconds=1)) == "one"
    assert collector.version_at(began[1]) == "two"
    assert collected(History()).version_at(START) == ""
