"""Each example on the page of errors is what its input really prints; the page is the golden file.

Those that need a running ``ak up`` are in ``tests/acceptance/test_error_catalogue.py``.
"""

from __future__ import annotations

import importlib.metadata
import re
import shutil

import pytest

import manifest
from manifest import render
from manifest.errors import CODES
from tests.helpers import catalogue
from tests.helpers.snippets import DOCS
from worker.cli import context, main

EXAMPLE = re.compile(r"^### (AK\d{4})\n\n```yaml\n(.*?)```\n\n```text\n(.*?)```\n", re.MULTILINE | re.DOTALL)
EXAMPLES = EXAMPLE.findall((DOCS / "errors.md").read_text())


@pytest.mark.parametrize(("code", "text", "printed"), EXAMPLES, ids=[code for code, _, _ in EXAMPLES])
def test_a_manifest_prints_its_problem_as_the_page_shows_it(code, text, printed, tmp_path):
    """The manifest on the page has that one problem, in those words, at that place."""
    (tmp_path / "main.py").write_text("def on_event(event):\n    pass\n")
    (tmp_path / "broken.py").write_text("def on_event(event)\n    pass\n")
    result = manifest.load_text(text, directory=tmp_path)
    assert {problem.code for problem in result.problems} == {code}
    assert render.text(result.problems, text) + "\n" == printed


def test_every_code_of_a_manifest_has_an_example():
    """None is left out, and none stands twice."""
    assert [code for code, _, _ in EXAMPLES] == list(CODES)


COMMANDS = [example for example in catalogue.examples() if not example.up]


@pytest.mark.parametrize("example", COMMANDS, ids=str)
def test_a_command_prints_its_error_as_the_page_shows_it(example, tmp_path, monkeypatch, capsys):
    """In a directory with the files that stand before it, and a home where nothing runs."""
    home = tmp_path / "home"
    here = tmp_path / "here"
    here.mkdir()
    for name, text in example.files:
        (here / name).write_text(text)
    monkeypatch.chdir(here)
    monkeypatch.setattr(context, "PATIENCE_SECONDS", 0.0)
    if example.code == "AK1900":
        monkeypatch.setattr(importlib.metadata, "version", broken)

    def run(line: str) -> str:
        """The command, in this process."""
        changes, arguments = catalogue.words(line)
        with monkeypatch.context() as patch:
            for name, value in {"AK_HOME": str(home), **changes}.items():
                patch.setenv(name, value)
            main.run(arguments)
        shown = capsys.readouterr()
        return shown.out + shown.err

    catalogue.check(example, run, {"~/.autokitteh": str(home), "~/shop": str(here)})
    shutil.rmtree(home, ignore_errors=True)


def broken(_name: str) -> str:
    """Stands for a bug."""
    raise KeyError("autokitteh-temporal")


def test_every_code_of_commands_and_sessions_has_an_example():
    """In the order of the table; none is left out, and none has two sections."""
    page = catalogue.PAGE.read_text()
    table = re.findall(r"^\| (AK1\d{3}) \|", page, re.MULTILINE)
    assert re.findall(r"^### (AK1\d{3})$", page, re.MULTILINE) == table
    assert list(dict.fromkeys(example.code for example in catalogue.examples())) == table
    assert all(example.commands for example in catalogue.examples())
