"""Each example on the page of errors is what its input really prints; the page is the golden file.

Those that need a running ``ak up`` are in ``tests/acceptance/test_error_catalogue.py``.
"""

from __future__ import annotations

import importlib.metadata
import json
import re

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


STATUS = {"AK1001": 2, "AK1002": 4, "AK1900": 3}
COMMANDS = [example for example in catalogue.examples() if not example.up]


@pytest.fixture
def ak(tmp_path, monkeypatch, capsys):
    """Run a line of the page in a directory of its own and a home where nothing runs; status, stdout and stderr."""
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    monkeypatch.setattr(context, "PATIENCE_SECONDS", 0.0)

    def run(example, line: str, *more: str) -> tuple[int, str, str]:
        """In this process."""
        for name, text in example.files:
            (tmp_path / "here" / name).write_text(text)
        changes, arguments = catalogue.words(line)
        with monkeypatch.context() as patch:
            for name, value in {"AK_HOME": str(tmp_path / "home"), **changes}.items():
                patch.setenv(name, value)
            if example.code == "AK1900":
                patch.setattr(importlib.metadata, "version", broken)
            status = main.run([*arguments, *more])
        shown = capsys.readouterr()
        return status, shown.out, shown.err

    return run


@pytest.mark.parametrize("example", COMMANDS, ids=str)
def test_a_command_prints_its_error_as_the_page_shows_it(example, ak, tmp_path):
    """What went to both streams, with the names of this run replaced by those of the page."""
    names = {"~/.autokitteh": str(tmp_path / "home"), "~/shop": str(tmp_path / "here")}
    catalogue.check(example, lambda line: "".join(ak(example, line)[1:]), names)


@pytest.mark.parametrize("example", COMMANDS, ids=str)
def test_a_program_reads_the_same_error_as_one_document(example, ak):
    """With its code and its status, and nothing else on standard output."""
    for line in example.commands:
        status, printed, shown = ak(example, line, "--json")
        error = json.loads(printed)["error"]
        assert (error["code"], status) == (example.code, STATUS.get(example.code, 1))
        assert set(error) == {"code", "message", "where", "hint"}
        assert error["message"].splitlines()[0] in shown


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
