"""What a program changes about its process is its own."""

from __future__ import annotations

import logging
import sys
import warnings
from types import SimpleNamespace

import pytest

from worker.usercode.surroundings import Surroundings


@pytest.fixture
def surroundings(monkeypatch):
    """Of a process with one variable."""
    monkeypatch.setattr(warnings, "filters", list(warnings.filters))
    return Surroundings({"A": "1"})


def session():
    """Somebody who owns surroundings."""
    return SimpleNamespace(surroundings=None)


def test_nothing_is_kept_for_who_changes_nothing(surroundings):
    """Most sessions."""
    one = session()
    with surroundings.of(one):
        pass
    assert one.surroundings is None


def test_changes_are_put_aside_and_put_back(surroundings, monkeypatch, tmp_path):
    """Environment, directory, search path, streams, warnings and the depth of recursion."""
    one, other = session(), session()
    stream = sys.stdout
    before = sys.getrecursionlimit()
    monkeypatch.chdir(tmp_path)
    surroundings.settle()
    (tmp_path / "below").mkdir()
    with surroundings.of(one):
        surroundings._environment["A"] = "2"
        surroundings._environment["B"] = "3"
        monkeypatch.chdir("below")
        sys.path.append("mine")
        sys.stdout = sys.__stderr__
        warnings.simplefilter("error", DeprecationWarning)
        sys.setrecursionlimit(before + 7)
        logging.disable(logging.ERROR)
        mine = list(warnings.filters)
    for owner in (other, SimpleNamespace(surroundings=None)):
        with surroundings.of(owner):
            assert surroundings._environment == {"A": "1"}
            assert "mine" not in sys.path
            assert sys.stdout is stream
            assert warnings.filters != mine
            assert sys.getrecursionlimit() == before
            assert logging.root.manager.disable == 0
            assert str(tmp_path) == str(tmp_path.cwd())
        assert owner.surroundings is None
    with surroundings.of(one):
        assert surroundings._environment == {"A": "2", "B": "3"}
        assert warnings.filters == mine
        assert sys.getrecursionlimit() == before + 7
        assert logging.root.manager.disable == logging.ERROR
        assert surroundings.unlike_the_process() == "environment variables and working directory"
    assert surroundings._environment == {"A": "1"}
    assert sys.getrecursionlimit() == before


def test_change_of_a_call_on_another_thread_is_nobodys(surroundings):
    """A session finds what was there at the start, and the call finds its own again."""
    one = session()
    surroundings._environment["A"] = "of a call"
    with surroundings.of(one):
        assert surroundings._environment == {"A": "1"}
    assert one.surroundings is None
    assert surroundings._environment == {"A": "of a call"}


def test_what_logging_is_told_to_use_is_put_back(surroundings):
    """The class of loggers, the maker of records, and warnings that go to the log."""
    kind, one = type("Kind", (logging.Logger,), {}), session()
    with surroundings.of(one):
        logging.setLoggerClass(kind)
        logging.captureWarnings(capture=True)
    assert logging.getLoggerClass() is logging.Logger
    with surroundings.of(session()):
        shown = warnings.showwarning
        logging.captureWarnings(capture=True)
        assert warnings.showwarning is not shown
    with surroundings.of(one):
        assert logging.getLoggerClass() is kind
