"""Operator logs: text for people, JSON for machines, secrets in neither."""

from __future__ import annotations

import json
import logging

import pytest
from temporalio.exceptions import ApplicationError

from worker import log


@pytest.fixture
def written(capsys):
    """Reads what went to standard error; all loggers are as before afterwards."""
    root, ours = logging.getLogger(), logging.getLogger("autokitteh")
    before = [(logger, logger.handlers[:], logger.level, logger.propagate) for logger in (root, ours)]
    yield lambda: capsys.readouterr().err
    for logger, handlers, level, propagate in before:
        logger.handlers[:] = handlers
        logger.setLevel(level)
        logger.propagate = propagate


def test_log_writes_action_and_facts_as_text(written):
    """A person reads one line with the action first."""
    log.configure("info")
    log.log(action="build_started", project="shop", tries=2)
    assert written() == "info: build_started project=shop tries=2\n"


def test_log_writes_one_json_object_per_line(written):
    """A machine reads level, action and facts; what JSON cannot say becomes text."""
    log.configure("info", as_json=True)
    log.log(action="build_started", path=object)
    entry = json.loads(written())
    assert (entry["level"], entry["action"], entry["path"]) == ("info", "build_started", str(object))


def test_log_leaves_out_what_is_below_its_level(written):
    """``AK_LOG_LEVEL`` decides."""
    log.configure("warning")
    log.log(action="detail")
    assert written() == ""


@pytest.mark.parametrize("as_json", [False, True])
def test_log_tells_where_an_error_was_raised(written, as_json):
    """A traceback is kept in both formats."""
    log.configure("info", as_json=as_json)
    try:
        {}["absent"]
    except KeyError:
        log.log(action="failed", level="error", exc_info=True)
    assert "KeyError: 'absent'" in written()


@pytest.mark.parametrize("as_json", [False, True])
def test_log_hides_secrets_wherever_they_stand(written, as_json):
    """Masked values appear neither in facts nor in tracebacks, also where JSON escapes them."""
    secret = 'pass"word\n1'
    log.configure("info", as_json=as_json)
    log.mask([secret, "abc"])
    try:
        raise ValueError(secret)
    except ValueError:
        log.log(action="failed", level="error", token=secret, abc="abc", exc_info=True)
    text = written()
    assert 'pass"word' not in text
    assert 'pass\\"word' not in text
    assert "••••••" in text or "\\u2022" in text
    assert "abc" in text


def test_log_keeps_hiding_when_it_is_configured_again(written):
    """A second configuration does not forget the secrets of the first."""
    log.configure("info")
    log.mask(["swordfish"])
    log.configure("info", as_json=True)
    log.log(action="said", text="swordfish")
    assert "swordfish" not in written()


def test_log_leaves_the_root_logger_to_the_program(written):
    """In a build process the root logger is the user's."""
    handlers = logging.getLogger().handlers[:]
    log.configure("info", libraries=False)
    log.log(action="ready")
    assert logging.getLogger().handlers == handlers
    assert written() == "info: ready\n"


@pytest.fixture
def library(written):
    """Temporal's logger; it is as before afterwards."""
    found = logging.getLogger("temporalio")
    before = found.handlers[:], found.level, found.propagate
    yield logging.getLogger("temporalio.activity")
    found.handlers[:] = before[0]
    found.setLevel(before[1])
    found.propagate = before[2]


def test_log_of_temporals_library_names_session_and_call(written, library):
    """A call that failed: the error in a word, for the session's log has the frames that are the user's."""
    log.configure("warning", as_json=True, libraries=False)
    about = {
        "workflow_id": "ses_1",
        "workflow_type": "main.py:on_event",
        "activity_type": "main.charge",
        "attempt": 2,
    }
    try:
        raise ApplicationError("ValueError: no")
    except ApplicationError:
        library.warning(
            f"Completing activity as failed ({about})", extra={"temporal_activity": about}, exc_info=True
        )
    entry = json.loads(written())
    assert entry.pop("at")
    assert entry == {
        "level": "warning",
        "action": "Completing activity as failed",
        "session": "ses_1",
        "handler": "main.py:on_event",
        "call": "main.charge",
        "attempt": 2,
        "error": "ValueError: no",
    }


def test_log_keeps_the_traceback_of_what_is_no_failure_of_the_users(written, library):
    """What breaks in Temporal's library, or in ours, is told with its frames."""
    log.configure("warning", as_json=True, libraries=False)
    try:
        raise RuntimeError("broken")
    except RuntimeError:
        library.warning("Failed", extra={"temporal_activity": {"workflow_id": "ses_1"}}, exc_info=True)
    entry = json.loads(written())
    assert entry["session"] == "ses_1"
    assert "RuntimeError: broken" in entry["traceback"]


@pytest.mark.parametrize("text", ["plain", "[1]", "{broken", "3", "[" * 100_000, "\udcff"])
def test_entry_of_makes_an_object_of_any_line(text):
    """The text is kept, whatever it is."""
    entry = json.loads(log.entry_of(text))
    assert (entry["action"], entry["text"]) == ("output", text)


def test_entry_of_keeps_an_object():
    """What is one already is not wrapped."""
    assert log.entry_of('{"action": "a"}') == '{"action": "a"}'


def test_what_a_library_logs_is_output(written):
    """Its text is no action of ours."""
    log.configure("INFO", as_json=True)
    logging.getLogger("uvicorn.error").info("Started server process [%d]", 7)
    (line,) = written().splitlines()
    entry = json.loads(line)
    del entry["at"]
    assert entry == {
        "action": "output",
        "level": "info",
        "logger": "uvicorn.error",
        "text": "Started server process [7]",
    }
