"""What comes of situations that no single command makes, as the page of errors shows it; the page is the golden file."""

from __future__ import annotations

import pytest

from tests.helpers import catalogue
from tests.helpers.situations import commands, doctor, insides
from tests.helpers.situations.place import OF_INSTALLATIONS, SITUATIONS, Place
from worker.cli import context, main
from worker.errors import WorkerError

assert commands
assert doctor
assert insides


@pytest.fixture
def place(tmp_path, monkeypatch, capsys):
    """Where a situation is made."""
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    monkeypatch.setenv("AK_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("AK_LISTEN", "127.0.0.1:0")
    monkeypatch.setattr(context, "PATIENCE_SECONDS", 0.0)
    monkeypatch.setattr(context, "LOOK_SECONDS", 0.0)

    def run(*arguments: str) -> str:
        """A command, in this process; what it printed."""
        capsys.readouterr()
        main.run(list(arguments))
        shown = capsys.readouterr()
        return shown.out + shown.err

    return Place(tmp_path, monkeypatch, run)


@pytest.mark.parametrize("title", SITUATIONS)
def test_a_situation_is_told_as_the_page_shows_it(title, place, tmp_path):
    """By the command, or by the error that the command or the log would print."""
    try:
        printed = str(SITUATIONS[title](place))
    except WorkerError as error:
        printed = f"{error.code}: {error}"
    names = {"~/.autokitteh": str(tmp_path / "home"), "~/shop": str(tmp_path / "here")}
    catalogue.check_situation(title, printed, names)


def test_the_page_shows_no_other_situation():
    """Each one on it is made by a test."""
    assert set(catalogue.situations()) == {*SITUATIONS, *OF_INSTALLATIONS}
