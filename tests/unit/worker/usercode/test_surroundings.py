"""What a program changes about its process is its own."""

from __future__ import annotations

import logging
import sys
import warnings
from types import SimpleNamespace

import pytest

from worker.usercode.surroundings import Surroundings, noting_handlers


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


def test_levels_of_loggers_are_the_sessions(surroundings):
    """As often as they are changed."""
    logger = logging.getLogger("test.surroundings")
    one = session()
    for level in (logging.DEBUG, "INFO"):
        with surroundings.of(one):
            surroundings.note_level(logger, level)
            logger.setLevel(level)
        assert logger.level == logging.NOTSET
    with surroundings.of(one):
        assert logger.level == logging.INFO
    surroundings.note_level(logger, logging.ERROR)
    with surroundings.of(session()):
        assert logger.level == logging.NOTSET


def test_handlers_of_loggers_are_each_sessions_own(surroundings):
    """Every session runs the line that adds a handler: what one has added is not there for another."""
    logger, mine, base = logging.getLogger("test.own"), logging.NullHandler(), logging.NullHandler()
    logger.addHandler(base)
    scope = {"__ak_route__": None}
    exec("def note(surroundings, logger): surroundings.note_handlers(logger)", scope)
    one, other = session(), session()
    for owner in (one, other):
        with surroundings.of(owner):
            assert logger.handlers == [base]
            scope["note"](surroundings, logger)
            logger.addHandler(mine)
        assert logger.handlers == [base]
    with surroundings.of(one):
        assert logger.handlers == [base, mine]
        scope["note"](surroundings, logger)
        logger.removeHandler(mine)
    with surroundings.of(one):
        assert logger.handlers == [base]
    with surroundings.of(other):
        assert logger.handlers == [base, mine]
    with surroundings.of(session()):
        surroundings.note_handlers(logger)
        logger.addHandler(mine)
    assert logger.handlers == [base, mine], "what a library adds is the process's"
    logger.handlers.clear()


def test_sessions_do_not_find_the_handlers_of_the_calls():
    """The project is loaded for calls as well; a session adds its handlers itself, and finds none there."""
    logger, mine = logging.getLogger("test.calls"), logging.NullHandler()
    scope = {"__ak_route__": None}
    exec("def add(logger, handler): logger.addHandler(handler)", scope)
    with noting_handlers() as noted:
        scope["add"](logger, mine)
    made = Surroundings({}, noted)
    with made.of(session()):
        assert logger.handlers == []
    assert logger.handlers == [mine]
    logger.handlers.clear()
