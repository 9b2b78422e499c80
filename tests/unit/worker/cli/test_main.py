"""What of ``ak`` is loaded: the command that is asked for, and everything only where that is needed."""

from __future__ import annotations

import subprocess
import sys

import pytest
import typer

from worker.cli import main

HEAVY = {"sqlalchemy", "temporalio", "rich", "starlette", "yaml", "celpy"}
LIGHT = ["version", "--help", "session list --help", "deploy --help", "deploy --nope"]


def names(word: str) -> set[str]:
    """The commands and groups that ``ak`` has for this word."""
    return set(typer.main.get_command(main.application(word)).commands)


def test_every_command_is_found_in_the_file_that_has_it():
    """The table says which file has what; the files say it as well."""
    everything = names("")
    assert everything == {"version", *main._COMMANDS, *main._GROUPS}
    for word in everything:
        assert word in names(word), word


def test_a_command_is_loaded_with_the_others_of_its_file_only():
    """And a word that is no command loads everything, for the message that says what may have been meant."""
    assert names("up") == {"up", "worker", "gateway"}
    assert names("session") == {"session"}
    assert names("sesion") == names("")


@pytest.mark.parametrize("line", LIGHT)
def test_what_prints_only_text_loads_no_library_it_does_not_need(line):
    """The store's and Temporal's libraries take several times as long to load as such a command."""
    code = f"import sys; from worker.cli import main; main.run({line.split()!r}); print(*sys.modules, file=sys.stderr)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = {name.partition(".")[0] for name in done.stderr.splitlines()[-1].split()}
    assert "typer" in loaded
    assert not HEAVY & loaded
