"""Each example on the page of errors is what its input really prints; the page is the golden file."""

from __future__ import annotations

import re

import pytest

import manifest
from manifest import render
from manifest.errors import CODES
from tests.helpers.snippets import DOCS

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
