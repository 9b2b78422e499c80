"""What a session sets on a logger is its own."""

from __future__ import annotations

import logging
import logging.config
import sys
import threading

import pytest

from worker.usercode.loggers import Loggers


@pytest.fixture
def loggers(log):
    """The loggers of this process, after what was set up before."""
    assert log.handlers
    made = Loggers()
    with made.installed():
        yield made


@pytest.fixture
def log():
    """A logger that has a handler."""
    made = logging.getLogger("test.loggers")
    made.addHandler(logging.NullHandler())
    yield made
    made.handlers.clear()
    made.setLevel(logging.NOTSET)


def users(text: str):
    """A function as it stands in a project, of a logger ``log`` and a value ``new``."""
    scope = {"__ak_route__": None, "logging": logging}
    exec(f"def run(log, new=None):\n    {text}\n    return log", scope)
    return scope["run"]


def facts(log: logging.Logger) -> tuple:
    """All that can be set."""
    return log.level, log.propagate, log.disabled, list(log.handlers), list(log.filters)


@pytest.mark.parametrize(
    "text",
    [
        "log.setLevel('INFO')",
        "log.level = 7",
        "log.propagate = False",
        "log.disabled = True",
        "log.handlers = []",
        "log.handlers.clear()",
        "log.handlers[:] = [new]",
        "log.addHandler(new)",
        "log.removeHandler(log.handlers[0])",
        "log.addFilter(new)",
        "log.filters.append(new)",
    ],
)
def test_a_change_is_seen_by_its_session_only(loggers, log, text):
    """Neither by another one, nor by what runs beside it, nor afterwards."""
    before, beside = facts(log), []
    one, other = {}, {}
    with loggers.seen(one):
        users(text)(log, logging.NullHandler())
        mine = facts(log)
        thread = threading.Thread(target=lambda: beside.append(facts(log)))
        thread.start()
        thread.join()
    assert mine != before
    assert beside == [before]
    assert facts(log) == before
    with loggers.seen(other):
        assert facts(log) == before
    with loggers.seen(one):
        assert facts(log) == mine
    assert other == {}


def test_a_level_decides_for_its_session_only(loggers, log):
    """Also where the process remembers what is let through, and for loggers below."""
    child = logging.getLogger("test.loggers.child")
    assert not child.isEnabledFor(logging.DEBUG)
    one = {}
    with loggers.seen(one):
        users("log.setLevel('DEBUG')")(log)
        assert child.isEnabledFor(logging.DEBUG)
    assert not child.isEnabledFor(logging.DEBUG)
    with loggers.seen({}):
        assert not child.isEnabledFor(logging.DEBUG)
    with loggers.seen(one):
        assert child.isEnabledFor(logging.DEBUG)


def test_a_session_that_only_logs_keeps_nothing(loggers, log):
    """The lists are read for each record."""
    one = {}
    with loggers.seen(one):
        users("log.warning('said')")(log)
        users("log.propagate = True")(log)
    assert one == {}


def test_what_calls_change_is_not_there_for_sessions(loggers, log):
    """A session sets up its loggers itself, whatever was called before."""
    before = facts(log)
    users("log.addHandler(new)")(log, logging.NullHandler())
    log.setLevel(logging.ERROR)
    with loggers.seen({}):
        assert facts(log) == before
    assert len(log.handlers) == 2
    assert log.level == logging.ERROR


def test_what_an_import_changes_is_the_processes(loggers, log, tmp_path, monkeypatch):
    """A library is imported once, whoever asks for it first."""
    (tmp_path / "a_library.py").write_text("import logging\nlogging.getLogger('test.loggers').setLevel(7)\n")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "a_library", raising=False)
    with loggers.seen({}):
        users("import a_library")(log)
    assert log.level == 7
    with loggers.seen({}):
        assert log.level == 7


def test_a_configuration_switches_no_logger_off_and_closes_its_own_handlers(loggers, log):
    """Which loggers exist, and whose handlers are open, depends on other sessions."""

    level = 37  # nobody else's

    class Told(logging.NullHandler):
        """Says that it was closed."""

        closed = False

        def close(self) -> None:
            """Note it."""
            self.closed = True

    config = {"version": 1, "root": {"level": level, "handlers": []}}
    mine, others = Told(), Told()
    one, other = {}, {}
    for seen, handler in ((one, mine), (other, others)):
        with loggers.seen(seen):
            users("log.addHandler(new)")(log, handler)
    scope = {"__ak_route__": None, "configure": logging.config.dictConfig}
    exec("def run(config): configure(config)", scope)
    with loggers.seen(one):
        scope["run"](config)
        assert not log.disabled
        assert logging.getLogger().level == level
    assert mine.closed
    assert not others.closed
    assert logging.getLogger().level != level
