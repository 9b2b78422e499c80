"""A story on paper: golden at 80 columns."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest

from tests.helpers.golden import check
from worker.story.model import Entry, Run, Story, Wait
from worker.story.render import Paper, entry_lines, head_lines, meta_of, story_lines
from worker.story.waiting import with_filters

START = dt.datetime(2026, 1, 31, 10, 0, tzinfo=dt.UTC)
FOLDER = Path(__file__).parent / "golden"


def at(seconds: float) -> dt.datetime:
    """So long after the start."""
    return START + dt.timedelta(seconds=seconds)


def facts(**changes) -> dict:
    """A session as ``ak session get`` has it."""
    plain = {
        "id": "ses_" + "1" * 26,
        "project": "shop",
        "deployment": "dep_" + "1" * 26,
        "handler": "main.py:on_order",
        "state": "error",
        "trigger": "orders",
        "event_id": "evt_" + "1" * 26,
        "started_at": START,
        "ended_at": at(90_000),
        "result": None,
        "ui": "http://127.0.0.1:8233/x/y",
        "error": {
            "type": "KeyError",
            "message": "'missing'",
            "traceback": 'Traceback (most recent call last):\n  File "main.py", line 9, in f\nKeyError',
        },
    }
    return plain | changes


CHILD = Story(
    facts(id="ses_" + "2" * 26, state="completed", error=None, result={"n": 2}),
    (
        Run(
            "r",
            at(8),
            "completed",
            entries=(
                Entry(
                    "sleep",
                    at(8),
                    "sleep 1 s",
                    n=1,
                    where="main.py:30",
                    source="time.sleep(1)",
                    state="done",
                    ended_at=at(9),
                ),
            ),
        ),
    ),
)
ENTRIES = (
    Entry("print", at(0), "hello\nworld"),
    Entry(
        "call",
        at(1),
        "requests.get('https://example.com/orders/7', timeout=3, headers={'Accept': 'json'})",
        n=1,
        where="main.py:4",
        source="order = requests.get(url, timeout=3).json()",
        state="done",
        result="{'id': 7, 'total': 12.5}",
        ended_at=at(1.12),
        attempts=1,
        inside=(Entry("print", at(1), "asking"),),
    ),
    Entry(
        "warning",
        at(2),
        "main.py writes to a file that only this machine has, which the next run of this session will not find",
        where="main.py:5",
    ),
    Entry(
        "system",
        at(2),
        "set_value('last', 7)",
        n=2,
        where="main.py:6",
        state="done",
        ended_at=at(2.02),
        attempts=1,
    ),
    Entry(
        "call",
        at(3),
        "charge({'id': 7})",
        n=3,
        where="main.py:7",
        source="charge(order)",
        state="failed",
        error="ConnectionError: the bank does not answer (main.py:40)",
        last_failure="ConnectionError: the bank does not answer (main.py:40)",
        attempts=3,
        ended_at=at(7),
    ),
    Entry(
        "child",
        at(8),
        "start('main.py:child', {'n': 1})",
        n=4,
        where="main.py:8",
        source='autokitteh.start("main.py:child", {"n": 1})',
        state="done",
        outcome="completed",
        ended_at=at(9),
        result="2",
        child=CHILD,
    ),
    Entry(
        "wait",
        at(10),
        "wait for the signal approved",
        n=5,
        where="main.py:9",
        source="approved = autokitteh.wait_for_signal()",
        state="done",
        outcome="timed out",
        ended_at=at(70),
    ),
    Entry("event", at(86_500), "event evt_" + "2" * 26 + " (post) from orders"),
    Entry(
        "call",
        at(86_501),
        "requests.post('https://example.com')",
        n=6,
        where="main.py:10",
        source="requests.post(url)",
        state="open",
        attempts=2,
        last_failure="OSError: refused",
        next_attempt_at=at(90_030),
    ),
    Entry(
        "sleep",
        at(86_502),
        "sleep 7200 s",
        n=7,
        where="main.py:11",
        source="time.sleep(7200)",
        state="open",
        until=at(93_702),
    ),
)


@pytest.fixture(autouse=True)
def utc(monkeypatch):
    """Times are shown in the local zone: here UTC."""
    import time

    monkeypatch.setenv("TZ", "UTC")
    time.tzset()


def test_a_failed_session_at_80_columns():
    """Every kind of entry; no line is wider, the link excepted."""
    story = Story(
        facts(),
        (Run("r", START, "error", data="{'number': 7}", entries=ENTRIES, before=1234),),
        build="bld_" + "1" * 32,
    )
    lines = story_lines(story, Paper(80), at(90_000))
    assert [line for line in lines if len(line) > 80 and "http" not in line] == []
    check("\n".join(lines), "failed", folder=FOLDER)


def test_a_waiting_session_that_restarted_itself():
    """Its runs in sequence, and what it waits for now."""
    runs = (
        Run("r1", START, "restarted", data="{'n': 1}", entries=ENTRIES[:1]),
        Run("r2", at(60), "running", data="{'n': 2}", entries=ENTRIES[-1:]),
    )
    story = Story(
        facts(state="running", error=None, ended_at=None, event_id=None, trigger=None),
        runs,
        earlier=1,
        waits_for=(
            Wait("the end of sleep 7200 s at main.py:11", until=at(93_702)),
            Wait("a worker", since=at(89_990)),
        ),
        parent="ses_" + "3" * 26,
        notes=("its code changed",),
    )
    check("\n".join(story_lines(story, Paper(80), at(90_000))), "waiting", folder=FOLDER)


@pytest.mark.parametrize(
    ("how", "steps", "by", "note"),
    [
        ("forked", 3, "fork of ses_9 at 3", "  · steps 1 to 3 were taken over from ses_9"),
        ("forked", 1, "fork of ses_9 at 1", "  · step 1 was taken over from ses_9"),
        ("forked", 0, "fork of ses_9 at 0", ""),
        ("restarted", 0, "restart of ses_9", ""),
    ],
)
def test_a_session_made_from_another_one_names_it(how, steps, by, note):
    """Before the event that had started the other one; a fork says which steps are not its own."""
    origin = {"session": "ses_9", "how": how, "steps": steps}
    lines = head_lines(Story(facts(event_id="evt_1", origin=origin)), Paper(80), at(90_000))
    assert f"  by        {by}" in lines
    assert "  first by  trigger orders, event evt_1" in lines
    assert any(line.startswith("  · ") for line in lines) == bool(note)
    assert any(line.startswith(note) for line in lines)


def test_a_session_of_which_only_the_log_is_left_says_so():
    """What started it is known as long as its event is kept."""
    forgotten = Story(facts(only_log=True, trigger=None, event_id=None))
    assert "  by        not known any more" in head_lines(forgotten, Paper(80), at(90_000))
    kept = head_lines(Story(facts(only_log=True, event_id="evt_1")), Paper(80), at(90_000))
    assert "  by        trigger orders, event evt_1" in kept


def test_waits_are_told_relative_and_written_absolute():
    """A person wants to know how long, a program when."""
    wait = Wait("the end of sleep 60 s", until=at(60))
    assert wait.told(at(20)) == "the end of sleep 60 s, until 10:01:00 (in 40.0 s)"
    assert wait.as_document() == "the end of sleep 60 s, until 2026-01-31T10:01:00+00:00"
    late = Wait("a worker", since=at(0))
    assert late.told(at(70)) == "a worker, for 1 min 10 s"
    assert late.as_document() == "a worker, since 2026-01-31T10:00:00+00:00"
    assert Wait("x").told(at(0)) == Wait("x").as_document() == "x"


def test_a_step_says_on_which_day_its_time_is_over():
    """Without the day, a wait of a day would seem to end at once."""

    def told(seconds):
        entry = Entry("wait", at(0), "wait for the signal go", n=1, state="open", until=at(seconds))
        return meta_of(entry, at(0))

    assert told(60) == "until 10:01:00"
    assert told(86_400) == "until 2026-02-01 10:00:00"


def test_a_wait_for_an_event_names_the_filter():
    """That of what the session has subscribed to; other waits have none."""
    registered = ["the signal go", "an event of orders with data.x == 1"]
    wait = Wait("an event from orders at main.py:2", until=at(60))
    assert with_filters(wait, registered) == Wait(
        "an event from orders at main.py:2 (an event of orders with data.x == 1)", until=at(60)
    )
    assert with_filters(wait, registered[:1]) == wait
    assert with_filters(Wait("the signal go"), registered) == Wait("the signal go")


def test_what_has_several_lines_keeps_them():
    """A note about the run and a remedy behind an error's message: each line on its own, cut to the width."""
    note = Entry(
        "error", at(0), "AK1600: it does not fit\n  - #1  os.stat\n  + #1  os.listdir", where="main.py:6"
    )
    assert [line[9:] for line in entry_lines(note, Paper(60), at(1))] == [
        "     ✗ AK1600: it does not fit (main.py:6)",
        "         - #1 os.stat",
        "         + #1 os.listdir",
    ]
    error = {"type": "CallError", "message": "no\n  mark it", "traceback": ""}
    assert story_lines(Story(facts(error=error)), Paper(80), at(1))[-2:] == [
        "error  CallError: no",
        "       mark it",
    ]


def test_a_narrow_terminal_cuts_lines():
    """Nothing is wider than the paper."""
    lines = [line for entry in ENTRIES for line in entry_lines(entry, Paper(50), at(90_000))]
    assert max(map(len, lines)) <= 50


def test_colours_only_where_they_are_asked_for():
    """And they change nothing but colours."""
    import re

    plain = [line for entry in ENTRIES for line in entry_lines(entry, Paper(80), at(90_000))]
    painted = [line for entry in ENTRIES for line in entry_lines(entry, Paper(80, colours=True), at(90_000))]
    assert "\x1b" not in "".join(plain)
    assert "\x1b[31m✗\x1b[0m" in "".join(painted)
    assert [re.sub(r"\x1b\[[0-9;]*m", "", line) for line in painted] == plain


def test_a_story_as_a_document_is_json():
    """With its runs, entries and children."""
    import json

    from worker.cli.output import encode

    story = Story(facts(), (Run("r", START, "error", entries=ENTRIES),))
    found = json.loads(json.dumps(story.as_document(), default=encode))
    entries = found["runs"][0]["entries"]
    assert [entry["n"] for entry in entries if "n" in entry] == [1, 2, 3, 4, 5, 6, 7]
    assert entries[1]["seconds"] == 0.12
    assert entries[1]["inside"][0]["text"] == "asking"
    child = next(entry["child"] for entry in entries if entry["kind"] == "child")
    assert child["runs"][0]["entries"][0]["text"] == "sleep 1 s"
