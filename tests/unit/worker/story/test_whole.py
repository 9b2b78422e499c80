"""One step in whole."""

from __future__ import annotations

import datetime as dt

from tests.helpers.histories import failure, payload
from worker.steps import Step
from worker.story.whole import Whole, lines_of, whole

AT = dt.datetime(2026, 1, 2, tzinfo=dt.UTC)


def step(kind: str = "call", **given) -> Step:
    """A step of the outside."""
    return Step(1, kind, "main.f", "main.py:3", 5, AT, **given)


def test_nothing_is_cut():
    """Arguments, keywords and the result, as JSON that can be copied."""
    given = payload({"args": ["x" * 500], "kwargs": {"json": {"id": 7}}})
    found = whole(step(arguments=(given,), result=payload({"result": {"all": list(range(100))}})))
    assert found.as_document() == {
        "arguments": ["x" * 500],
        "keywords": {"json": {"id": 7}},
        "result": {"all": list(range(100))},
        "failure": None,
    }
    lines = lines_of(found)
    assert lines[:8] == ["", "given", f'  "{"x" * 500}"', "", "given json", "  {", '    "id": 7', "  }"]
    assert lines[9:12] == ["came back", "  {", '    "all": [']
    assert not found.shortened


def test_objects_and_secrets_are_told_by_their_preview():
    """Nothing is decoded."""
    secret = {"preview": "Bearer ••••••", "secret": ["Bearer ", {"var": "T"}]}
    given = payload({"args": [secret, {"preview": "<Order 7>", "pickle": "v1.x"}]})
    found = whole(step(arguments=(given,)))
    assert found.as_document()["arguments"] == ["Bearer ••••••", "<Order 7>"]
    assert found.shortened


def test_an_error_names_the_lines_it_passed():
    """Whole, with the source."""
    found = whole(step(failure=failure("KeyError", "m" * 3000, "lib.py:9")))
    assert found.error == f"KeyError: {'m' * 3000} (lib.py:9)"
    assert lines_of(found) == ["", "failed with", f"  {found.error}", "    lib.py:9, in f", "      f()"]


def test_control_characters_are_visible():
    """What a service answered does not steer the terminal."""
    assert "\x1b" not in "".join(lines_of(Whole(came_back=("\x9b31m\x1b[2J",), error="\x1b[2J")))
