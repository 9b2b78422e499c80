"""The session log, on both databases."""

from __future__ import annotations

from worker.contracts import LogBatch, LogLine


def batch(first: int, *texts: str, run: str = "r1", attempt: int = 0) -> LogBatch:
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
    return LogBatch("p", "ses_1", run, first, lines, attempt)


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
