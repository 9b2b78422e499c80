"""The page about findings: each has a section, and each example has the findings that its comments say."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from worker.lint.findings import CODES
from worker.lint.report import lint

PAGE = (Path(__file__).parents[4] / "docs" / "lint.md").read_text()
SECTIONS = dict(re.findall(r"^### (.+?)\n(.*?)(?=^### |\Z)", PAGE, re.DOTALL | re.MULTILINE))


def test_every_finding_has_a_section():
    """The page explains all findings and no others."""
    assert set(SECTIONS) == CODES


@pytest.mark.parametrize("code", sorted(CODES))
def test_an_example_has_the_findings_it_says(tmp_path, code):
    """An arrow in a comment names the finding of its line; nothing else is found."""
    (example,) = re.findall(r"```python\n(.*?)```", SECTIONS[code], re.DOTALL)
    (tmp_path / "main.py").write_text(example)
    expected = [
        (f"main.py:{number}", match.group(1))
        for number, line in enumerate(example.splitlines(), 1)
        if (match := re.search(r"# ← ([\w-]+)", line))
    ]
    assert expected
    assert {found for _, found in expected} == {code}
    found = lint(tmp_path, ["main.py:on_event"])["hazards"]
    assert [(item["where"], item["code"]) for item in found] == expected
    severities = {"An error": "error", "A warning": "warning", "A note": "note"}
    said = next(
        severity for words, severity in severities.items() if SECTIONS[code].strip().startswith(words)
    )
    assert found[0]["severity"] == said or code == "long-computation"
    assert {item["link"] for item in found} == {f"docs/lint.md#{code}"}
