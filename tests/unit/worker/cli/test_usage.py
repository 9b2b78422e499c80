"""A wrong command line: one message with a code, what is wrong, and the next step; never the library's own text."""

from __future__ import annotations

import importlib.metadata
import json

import pytest

from worker.cli import main

WRONG = {
    "nosuch": ("there is no command `ak nosuch`", "`ak --help` lists what there is."),
    "sesion list": (
        "there is no command `ak sesion`",
        "Did you mean `ak session`? `ak --help` lists what there is.",
    ),
    "session lst": (
        "there is no command `ak session lst`",
        "Did you mean `ak session list`? `ak session --help` lists what there is.",
    ),
    "deploy --nope": ("`ak deploy` has no option --nope", "`ak deploy --help` lists what there is."),
    "session start p f --datta 3": (
        "`ak session start` has no option --datta",
        "Did you mean --data? `ak session start --help` lists what there is.",
    ),
    "session start quickstart": (
        "`ak session start` needs HANDLER",
        "Write `ak session start PROJECT HANDLER`; `ak session start --help` says more.",
    ),
    "deploy one two": (
        "`ak deploy` takes no such argument: two",
        "Write `ak deploy [DIRECTORY]`; `ak deploy --help` says more.",
    ),
    "deploy --limit many": ("--limit should be a valid integer", "See `ak deploy --help`."),
    "session start p f --data": ("--data needs a value", "See `ak session start --help`."),
    "deploy --check=3": ("--check takes no value", "See `ak deploy --help`."),
}


@pytest.mark.parametrize("line", WRONG)
def test_a_wrong_command_line_is_explained(line, capsys):
    """With status 2, on standard error, and nothing else."""
    message, hint = WRONG[line]
    assert main.run(line.split()) == 2
    assert capsys.readouterr() == ("", f"AK1001: {message}\n  {hint}\n")


@pytest.mark.parametrize("line", [line for line in WRONG if not line.endswith("--data")])
def test_a_wrong_command_line_is_a_document_for_programs(line, capsys):
    """The one that every other error prints."""
    message, hint = WRONG[line]
    assert main.run([*line.split(), "--json"]) == 2
    facts = {"code": "AK1001", "message": message, "where": "", "hint": hint}
    assert json.loads(capsys.readouterr().out) == {"error": facts}


@pytest.mark.parametrize("line", ["--json", "session --json"])
def test_programs_that_name_no_command_are_told_so(line, capsys):
    """They did not ask for the help."""
    assert main.run(line.split()) == 2
    assert "needs a command" in json.loads(capsys.readouterr().out)["error"]["message"]


@pytest.mark.parametrize("line", ["", "session"])
def test_people_who_name_no_command_see_the_help(line, capsys):
    """Nothing is wrong with asking what there is."""
    assert main.run(line.split()) == 2
    shown = capsys.readouterr()
    assert "Commands:" in shown.out + shown.err
    assert "AK1001" not in shown.err


@pytest.mark.parametrize("line", ["version", "--version"])
def test_the_version_is_told_by_command_and_by_option(line, capsys):
    """Both print the same, and the same document."""
    installed = importlib.metadata.version("autokitteh-temporal")
    assert main.run(line.split()) == 0
    assert capsys.readouterr().out == f"{installed}\n"
    assert main.run([*line.split(), "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {"version": installed}
