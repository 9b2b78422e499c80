"""Each example on the page of errors is what its input really prints; the page is the golden file.

Those that need a running ``ak up`` are in ``tests/acceptance/test_error_catalogue.py``.
"""

from __future__ import annotations

import functools
import importlib.metadata
import json
import re

import pytest

import manifest
from manifest import filters, render
from manifest.errors import CODES
from tests.helpers import catalogue
from tests.helpers.snippets import DOCS
from worker.cli import context, main

EXAMPLE = re.compile(r"```yaml\n(.*?)```\n\n```text\n(.*?)```\n", re.DOTALL)
SECTION = re.compile(r"^### (AK2\d{3})\n(.*?)(?=^##|\Z)", re.MULTILINE | re.DOTALL)
SECTIONS = SECTION.findall((DOCS / "errors.md").read_text())
EXAMPLES = [(code, *found) for code, section in SECTIONS for found in EXAMPLE.findall(section)]


@pytest.mark.parametrize(("code", "text", "printed"), EXAMPLES, ids=[code for code, _, _ in EXAMPLES])
def test_a_manifest_prints_its_problem_as_the_page_shows_it(code, text, printed, tmp_path):
    """The manifest on the page has problems of that one code, in those words, at those places."""
    (tmp_path / "main.py").write_text("def on_event(event):\n    pass\n")
    (tmp_path / "broken.py").write_text("def on_event(event)\n    pass\n")
    result = manifest.load_text(text, directory=tmp_path)
    assert {problem.code for problem in result.problems} == {code}
    assert render.text(result.problems, text) + "\n" == printed


def test_every_code_of_a_manifest_has_an_example():
    """None is left out, and none has two sections."""
    assert [code for code, _ in SECTIONS] == list(CODES)
    assert list(dict.fromkeys(code for code, _, _ in EXAMPLES)) == [
        code for code in CODES if code != "AK2017"
    ]


FILTERS = [
    (code, *entry)
    for code, section in SECTIONS
    for block in re.findall(r"```filters\n(.*?)```\n", section, re.DOTALL)
    for entry in re.findall(r"^(\S.*)\n((?:  .*\n)+)", block, re.MULTILINE)
]
# What is too long to stand on a page, by what stands there instead.
LONG = {
    "(101 brackets in each other)": "(" * 101 + "1" + ")" * 101,
    "(101 negations in each other)": "!" * 101 + "true",
    "(32,769 characters)": "a" * 32_769,
    "(a regular expression of 1,001 characters)": f'data.name.matches("{"a" * 1001}")',
}
LARGE = {
    "data of 5,000 levels": functools.reduce(lambda inner, _: {"a": inner}, range(5000), {}),
    "n of 60 elements": {"n": [1] * 60},
    "t of 4,000 characters": {"t": "a" * 4000},
    "n of 400,000 elements": {"n": [1] * 400_000},
    "n of 100,000 elements and t of 4,000,000 characters": {"n": [1] * 100_000, "t": "a" * 4_000_000},
    "n and m of 600,000 elements": {"n": [1] * 600_000, "m": [1] * 600_000},
}


@pytest.mark.parametrize(("code", "text", "said"), FILTERS, ids=[entry[1] for entry in FILTERS])
def test_a_filter_says_what_the_page_shows(code, text, said):
    """What is wrong with it, and where; or why it has no value for the data beside it."""
    if code == "AK2013":
        problems = filters.check(LONG.get(text, text))
        assert [f"  {problem.column}: {problem.message}" for problem in problems] == said.splitlines()
        return
    expression, _, data = text.partition("  with ")
    with pytest.raises(filters.FilterError) as caught:
        filters.compile(expression).matches(LARGE.get(data) or json.loads(data), "")
    assert f"  {caught.value.message}" == said.rstrip("\n")


def test_the_page_shows_filters_of_both_kinds():
    """Those that are wrong, and those that have no value."""
    assert {code for code, _, _ in FILTERS} == {"AK2013", "AK2017"}


STATUS = {"AK1001": 2, "AK1002": 4, "AK1900": 3}
COMMANDS = [example for example in catalogue.examples() if not example.up]


@pytest.fixture
def ak(tmp_path, monkeypatch, capsys):
    """Run a line of the page in a directory of its own and a home where nothing runs; status, stdout and stderr."""
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    monkeypatch.setattr(context, "PATIENCE_SECONDS", 0.0)
    monkeypatch.setattr(context, "LOOK_SECONDS", 0.0)

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

    def run(line: str) -> str:
        """Ours in this process; its files are there by then."""
        for name, text in example.files:
            (tmp_path / "here" / name).write_text(text)
        return catalogue.others(line, tmp_path / "here") or "".join(ak(example, line)[1:])

    catalogue.check(example, run, names)


@pytest.mark.parametrize("example", COMMANDS, ids=str)
def test_a_program_reads_the_same_error_as_one_document(example, ak):
    """With its code and its status, and nothing else on standard output."""
    for line in example.commands:
        if not catalogue.is_ours(line):
            continue
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
    table = re.findall(r"^\| (AK[134]\d{3}) \|", page, re.MULTILINE)
    assert re.findall(r"^### (AK[134]\d{3})$", page, re.MULTILINE) == table
    shown = {example.code for example in catalogue.examples()}
    shown |= {code for code, _ in catalogue.situations().values()}
    assert not {code for code in table if code not in shown and not catalogue.has_answer(code)}
    assert all(example.commands for example in catalogue.examples())
