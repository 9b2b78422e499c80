"""Problems as text and as JSON."""

from __future__ import annotations

from manifest import render
from manifest.errors import CODES, Problem

PROBLEM = Problem("a.yaml", 2, 3, "this is wrong", "AK2002", hint="do that")


def test_text_shows_line_and_caret():
    """The caret stands below the column; the hint comes last."""
    assert render.text([PROBLEM], "one\n  two\n") == (
        "a.yaml:2:3: this is wrong [AK2002]\n      two\n      ^\n    do that"
    )


def test_text_keeps_the_caret_below_after_tabs():
    """A tab is shown as one column."""
    assert render.text([PROBLEM], "one\n\t\ttwo\n").splitlines()[1:3] == ["      two", "      ^"]


def test_text_without_the_line_is_one_line():
    """A place after the end, or in another file, is told without a line of the manifest."""
    assert render.text([PROBLEM]) == "a.yaml:2:3: this is wrong [AK2002]\n    do that"
    other = Problem("main.py", 1, 1, "invalid syntax", "AK2016")
    assert render.text([other], "version: v2\n") == "main.py:1:1: invalid syntax [AK2016]"


def test_text_says_that_a_warning_is_one():
    """Errors need no word; warnings have it."""
    warning = Problem("a.yaml", 1, 1, "no meaning", "AK2002", "warning")
    assert render.text([warning]) == "a.yaml:1:1: warning: no meaning [AK2002]"


def test_json_has_every_field():
    """A machine reads the same facts."""
    assert render.as_json([PROBLEM]) == [
        {
            "path": "a.yaml",
            "line": 2,
            "column": 3,
            "code": "AK2002",
            "message": "this is wrong",
            "severity": "error",
            "hint": "do that",
        }
    ]
    assert PROBLEM.code in CODES


def test_no_problem_is_no_text():
    """Nothing is said about nothing."""
    assert (render.text([]), render.as_json([])) == ("", [])
