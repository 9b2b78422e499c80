"""The session log, on both databases."""

from __future__ import annotations

import dataclasses
import datetime as dt

import pytest

from worker.contracts import LogBatch, LogLine
from worker.errors import StoreError


def batch(first: int, *texts: str, run: str = "r1", attempt: int = 0, task: int = 0) -> LogBatch:
    """Lines numbered from ``first``; those of an attempt share its number."""
    lines = [
        LogLine(
            first if attempt else first + i,
            1000.0 + i,
            "print",
            text,
            "main.py:1",
            attempt,
            i + 1 if attempt else 0,
        )
        for i, text in enumerate(texts)
    ]
    return LogBatch("p", "ses_1", run, first, lines, attempt, task)


def texts(store, **how) -> list[str]:
    """The log as texts."""
    return [line.text for line in store.log.read("ses_1", **how)]


def test_lines_read_back_in_order(store):
    """Batches follow each other."""
    store.log.write([batch(0, "a", "b"), batch(2, "c")])
    assert texts(store) == ["a", "b", "c"]
    assert store.log.read("ses_1")[0].where == "main.py:1"


def test_batch_replaces_from_its_first_line_on(store):
    """Lines of a task that was never acknowledged are replaced, also by fewer."""
    store.log.write([batch(0, "a", "b", "c", "d")])
    store.log.write([batch(1, "B")])
    assert texts(store) == ["a", "B"]


def test_lines_of_a_task_that_another_process_took_over_are_left_out(store):
    """A process that was held up comes with lines of a task which somebody else has had since."""
    store.log.write([batch(0, "a", task=3)])
    store.log.write([batch(1, "B", task=9), batch(2, "C", task=14)])
    store.log.write([batch(1, "late", task=6)])
    assert texts(store) == ["a", "B", "C"]
    store.log.write([batch(2, "C again", task=14)])
    assert texts(store) == ["a", "B", "C again"]


def test_moved_session_leaves_what_was_acknowledged(store):
    """Its lines begin far behind; what a process of the version before wrote for a task nobody accepted goes."""
    store.log.write([batch(0, "a", "b", task=3), batch(2, "c", task=9)])
    moved = batch(1_000_000, "new", task=12)
    store.log.write([dataclasses.replace(moved, acknowledged=3)])
    assert texts(store) == ["a", "b", "new"]
    store.log.write([batch(1_000_001, "newer", task=12)])
    assert texts(store) == ["a", "b", "new", "newer"]


def test_last_attempt_of_a_call_is_shown(store):
    """What an attempt printed before its process died is not shown beside the next one's."""
    store.log.write([batch(0, "call", "after")])
    store.log.write([batch(0, "half", attempt=1)])
    store.log.write([batch(0, "one", "two", attempt=2)])
    store.log.write([batch(0, "one", attempt=2)])
    assert texts(store) == ["call", "one", "two", "after"]


def test_run_that_was_reset_shares_its_beginning(store):
    """A run whose lines begin later shows the earlier run's lines before."""
    store.log.write([batch(0, "a", "b", "c")])
    store.log.write([batch(2, "C", run="r2")])
    assert texts(store) == ["a", "b", "C"]
    assert texts(store, run_id="r1") == ["a", "b", "c"]


def test_tail_follows_all_sessions(store):
    """New lines come in the order of their writing."""
    store.log.write([batch(0, "a")])
    seq = store.log.last_seq()
    store.log.write([batch(1, "b")])
    assert [line.text for line in store.log.tail("p", seq)] == ["b"]
    assert store.log.tail("other") == []


def test_odd_text_is_kept_readable(store):
    """A NUL and a lone surrogate do not break the log."""
    store.log.write([batch(0, "a\0b\ud800c")])
    assert texts(store) == ["a\u2400b\\ud800c"]


def test_batch_of_one_run_leaves_another_alone(store):
    """Replacing lines stays within a run of a session."""
    store.log.write([batch(0, "a"), batch(0, "b", run="r2")])
    store.log.write([batch(0, "B", run="r2")])
    assert texts(store, run_id="r1") == ["a"]
    assert texts(store, run_id="r2") == ["B"]


def test_empty_batch_takes_lines_back(store):
    """An activation that was never acknowledged and printed nothing the second time leaves nothing."""
    store.log.write([batch(0, "a", "b")])
    store.log.write([batch(1)])
    assert texts(store) == ["a"]


def test_lines_of_attempts_outlive_a_rewritten_batch(store):
    """Writing the session's own lines again does not take away what activities printed."""
    store.log.write([batch(0, "call", "after")])
    store.log.write([batch(0, "inside", attempt=1)])
    store.log.write([batch(0, "call", "after")])
    assert texts(store) == ["call", "inside", "after"]


def test_run_reset_twice_shares_both_beginnings(store):
    """Each run's own lines begin where it was reset; what is before comes from the run before it."""
    store.log.write([batch(0, "a", "b", "c", "d")])
    store.log.write([batch(2, "C", "D", run="r2")])
    store.log.write([batch(3, "E", run="r3")])
    assert texts(store) == ["a", "b", "C", "E"]


def test_unknown_session_or_run_has_no_lines(store):
    """Nothing is written for it, nothing is read."""
    store.log.write([batch(0, "a")])
    assert store.log.read("ses_2") == []
    assert texts(store, run_id="r9") == []


def test_read_goes_on_after_a_number(store):
    """Who follows a session asks for what is new."""
    store.log.write([batch(0, "a")])
    seq = store.log.read("ses_1")[-1].seq
    store.log.write([batch(1, "b")])
    assert texts(store, after_seq=seq) == ["b"]


def test_tail_comes_in_parts(store):
    """A long log is followed part by part without a gap."""
    store.log.write([batch(0, *map(str, range(10)))])
    seen, seq = [], 0
    while part := store.log.tail(after_seq=seq, limit=3):
        seen += [line.text for line in part]
        seq = part[-1].seq
    assert seen == [str(number) for number in range(10)]


def test_times_are_in_utc(store):
    """A line's time is the second it was given, aware."""
    store.log.write([batch(0, "a")])
    assert store.log.read("ses_1")[0].at == dt.datetime.fromtimestamp(1000, dt.UTC)


def test_failing_batch_undoes_the_whole_write(store):
    """Batches of one write are kept together or not at all."""
    with pytest.raises(StoreError):
        store.log.write([batch(0, "a"), batch(1, "b", attempt=1), batch(1, "b", attempt=1)])
    assert texts(store) == []


def test_note_stands_behind_the_lines_so_far_and_is_written_once(store):
    """What others say about a run survives the run's own lines, and is not repeated while nothing else happens."""
    store.log.write([batch(0, "a", "b")])
    store.log.write([batch(1, "printed", attempt=1)])
    assert store.log.note("p", "ses_1", "r1", "error", "it waits", "main.py:2") is True
    assert store.log.note("p", "ses_1", "r1", "error", "it waits", "main.py:2") is False
    assert store.log.note("p", "ses_1", "r1", "error", "it waits for more") is True
    store.log.write([batch(1, "B", "c")])
    assert texts(store) == ["a", "B", "printed", "it waits", "it waits for more", "c"]
    assert store.log.notes(["r1", "r2"]) == {"r1": "it waits for more"}


def test_note_about_a_run_without_lines_is_read(store):
    """A session that never got to its first line."""
    assert store.log.note("p", "ses_1", "r1", "error", "it waits") is True
    assert texts(store) == ["it waits"]
