"""What a program writes to standard output stands in the log of whoever runs."""

from __future__ import annotations

import contextlib
import contextvars
import io
import logging
import pprint
import sys

import pytest

from worker.process import streams


class Log:
    """A session's or a call's."""

    def __init__(self):
        self.begun = ""
        self.lines = []
        self.skipped = 0

    def add(self, kind, text):
        """One line."""
        self.lines.append((kind, text))

    def skip(self):
        """One number."""
        self.skipped += 1


@pytest.fixture
def log():
    """Of whoever runs."""
    return Log()


@pytest.fixture
def stream(log):
    """A stream of a build process."""
    return streams.Stream(io.StringIO(), "print", lambda: log)


@pytest.fixture
def as_output(stream, monkeypatch):
    """Puts it under ``sys.stdout``: in the test itself, since pytest has its own there before."""

    def put():
        monkeypatch.setattr(sys, "stdout", stream)
        for name in ("__enter__", "__exit__"):
            monkeypatch.setattr(contextlib._RedirectStream, name, getattr(contextlib._RedirectStream, name))
        streams.isolate_redirection()

    return put


def test_whole_lines_are_lines(stream, log):
    """A begun one waits for its end; a print ends it."""
    pprint.PrettyPrinter(stream=stream).pprint([1])
    stream.write("be")
    stream.write("gun\nand ")
    assert log.lines == [("print", "[1]"), ("print", "begun")]
    stream.say(log, "ended\n")
    assert log.lines[2:] == [("print", "and ended")]


def test_redirection_is_for_who_redirects(as_output, stream, log):
    """Another context goes on writing to the log; a captured print takes its number only."""
    as_output()
    other = contextvars.copy_context()
    with contextlib.redirect_stdout(io.StringIO()) as outer:
        with contextlib.redirect_stdout(io.StringIO()) as inner:
            sys.stdout.write("inner")
            stream.say(log, "said\n")
        sys.stdout.write("outer")
        other.run(sys.stdout.write, "seen\n")
        sys.stdout.flush()
    sys.stdout.write("after\n")
    assert (outer.getvalue(), inner.getvalue()) == ("outer", "innersaid\n")
    assert log.lines == [("print", "seen"), ("print", "after")]
    assert log.skipped == 1


def test_redirection_of_a_stream_that_is_not_ours_is_pythons(as_output, monkeypatch):
    """A program that put one of its own there."""
    as_output()
    own = io.StringIO()
    monkeypatch.setattr(sys, "stdout", own)
    with contextlib.redirect_stdout(io.StringIO()) as caught:
        sys.stdout.write("caught")
    assert sys.stdout is own
    assert caught.getvalue() == "caught"


def test_log_records_are_not_taken(stream, log):
    """They have lines of their own."""
    handler = logging.StreamHandler(stream)
    handler.emit(logging.makeLogRecord({"msg": "told"}))
    assert log.lines == []
    assert stream._real.getvalue() == "told\n"


def test_nobodys_output_goes_to_the_real_stream():
    """While a project is loaded."""
    real = io.StringIO()
    stream = streams.Stream(real, "print", lambda: None)
    stream.write("loading\n")
    stream.flush()
    stream.close()
    stream.write("on\n")
    assert real.getvalue() == "loading\non\n"
    assert not stream.isatty()
    assert stream.writable()


def test_input_cannot_be_closed(monkeypatch):
    """It is empty, and no session's own."""

    class Input(io.StringIO):
        pass

    monkeypatch.setattr(sys, "stdin", Input(""))
    streams.keep_input()
    sys.stdin.close()
    assert sys.stdin.read() == ""
