"""The terminal sessions of ``docs/debugging.md`` really go like that."""

from __future__ import annotations

import re
import shlex

import pytest

from tests.helpers.projects import write
from tests.helpers.snippets import DOCS

PAGE = (DOCS / "debugging.md").read_text()
PROGRAM = re.search(r"<!-- file: main.py -->\n```python\n(.*?)```", PAGE, re.DOTALL)
EDIT = re.search(r'<!-- edit: "(.*?)" → "(.*?)" -->', PAGE)
TALKS = [found[1] for found in re.finditer(r"```console\n(.*?)```", PAGE, re.DOTALL)]


def commands():
    """Each command with what the page says it prints."""
    for talk in TALKS:
        for part in re.split(r"^\$ ", talk, flags=re.MULTILINE)[1:]:
            command, _, output = part.partition("\n")
            yield command, output.splitlines()


def pattern_of(lines: list[str]) -> str:
    """A line ``…`` is any lines; a ``…`` inside a line is any text."""
    parts = [
        r"(?:.*\n)*?" if line == "…" else re.escape(line).replace("…", ".*?") + r"\s*\n" for line in lines
    ]
    return "".join(parts)


@pytest.fixture
def project(tmp_path):
    """The project of the page."""
    assert PROGRAM is not None
    return write(
        tmp_path / "shop",
        "shop",
        {"main.py": PROGRAM[1]},
        triggers="- {name: orders, type: webhook, call: 'main.py:on_order'}",
    )


def test_terminal_sessions_of_the_page_go_like_that(up, project):
    """One after the other, with the ids that come; the edit is made before it is deployed."""
    assert EDIT is not None
    up.ak("deploy", str(project))
    known: dict[str, str] = {}
    found = list(commands())
    assert len(found) > 7
    for command, expected in found:
        words = [known.get(word, word) for word in shlex.split(command)[1:]]
        if words[0] == "deploy":
            text = (project / "main.py").read_text()
            (project / "main.py").write_text(text.replace(EDIT[1], EDIT[2]))
            words = ["deploy", str(project)]
        output = up.run(*words).stdout
        name = re.match(r"(ses_\d)…", expected[0])
        if name is not None:
            known[name[1]] = output.split()[0]
        pattern = pattern_of(expected)
        for short, identifier in known.items():
            pattern = pattern.replace(f"{short}.*?", identifier)
        assert re.match(pattern, output), (command, expected, output)
