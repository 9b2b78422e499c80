"""What a session's uncaught error says: errors of ours by their code, the SDK's with it, the user's as they are."""

from __future__ import annotations

import pickle
from pathlib import Path

import pytest

from autokitteh.errors import AutoKittehError, ConnectionInitError
from worker.errors import CallError, OverBudget
from worker.session.failures import to_failure
from worker.story.render import headline

NOWHERE = Path("/nowhere")
OURS = CallError("get: nothing to do it with", where="main.py:3", hint="Do this.", code="AK1403")


@pytest.mark.parametrize(
    ("error", "message", "kind", "code", "line"),
    [
        (
            OURS,
            "AK1403: get: nothing to do it with (main.py:3)\n  Do this.",
            "AK1403",
            "AK1403",
            "AK1403: get: nothing to do it with",
        ),
        (CallError("no"), "AK1500: no", "AK1500", "AK1500", "AK1500: no"),
        (
            AutoKittehError("no such thing"),
            "autokitteh.AutoKittehError: no such thing [AK1800]",
            "autokitteh.AutoKittehError",
            "AK1800",
            "autokitteh.AutoKittehError: no such thing [AK1800]",
        ),
        (
            ConnectionInitError("chat"),
            "autokitteh.errors.ConnectionInitError: AutoKitteh connection 'chat' not initialized [AK1700]",
            "autokitteh.errors.ConnectionInitError",
            "AK1700",
            "autokitteh.errors.ConnectionInitError: AutoKitteh connection 'chat' not initialized [AK1700]",
        ),
        (KeyError("id"), "KeyError: 'id'", "KeyError", "", "KeyError: 'id'"),
    ],
    ids=["ours with its cause's code", "ours", "the SDK's", "a connection's", "the user's"],
)
def test_a_failure_names_the_code(error, message, kind, code, line):
    """In Temporal's message, in the details the command line reads, and in the line a person sees."""
    failure = to_failure(error, NOWHERE)
    details = failure.details[0]
    assert (failure.message, failure.type) == (message, kind)
    assert (details["type"], details["code"]) == (kind, code)
    assert headline(details) == line
    assert details["traceback"].startswith(line)


def test_a_session_that_ended_before_errors_had_codes_is_shown_as_it_was():
    """Its history says nothing of one."""
    assert headline({"type": "worker.errors.CallError", "message": "no"}) == "worker.errors.CallError: no"


def test_a_code_of_its_own_travels_with_an_error():
    """Across the boundary of a process, too."""
    error = pickle.loads(pickle.dumps(AutoKittehError("too large", code="AK1404")))
    assert (str(error), error.code, AutoKittehError("x").code) == ("too large", "AK1404", "AK1800")


def test_a_handler_that_computed_too_long_is_told_what_to_do(tmp_path):
    """It is raised as a class, which says nothing by itself."""
    failure = to_failure(OverBudget(), tmp_path)
    assert str(failure.message).startswith("OverBudget: the handler computed too long without a call")
    assert "@autokitteh.activity" in str(failure.message)
