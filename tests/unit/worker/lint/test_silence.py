"""What a project does not want to hear: a comment on a line, a list in pyproject.toml."""

from __future__ import annotations

import pytest

from worker.errors import UserCodeError
from worker.lint.report import as_text, lint

PROGRAM = """
import requests

def on_event(event):
    for name in {"a", "b"}:%s
        requests.get(name)
    with open("x", "w") as file:
        file.write("x")
"""


@pytest.fixture
def codes(tmp_path):
    """The codes of the findings in the program with a comment and with this pyproject.toml."""

    def codes(comment: str = "", project: str = "") -> list[str]:
        (tmp_path / "main.py").write_text(PROGRAM % comment)
        (tmp_path / "pyproject.toml").write_text(project)
        found = lint(tmp_path, ["main.py:on_event"])
        assert found["ignored"] == 2 - len(found["hazards"])
        assert ("ignored" in as_text(found)) == bool(found["ignored"])
        return [item["code"] for item in found["hazards"]]

    return codes


@pytest.mark.parametrize(
    ("comment", "left"),
    [
        ("", ["set-order", "file-write"]),
        ("  # ak: ignore", ["file-write"]),
        ("  # in any order; ak: nothing  # ak: ignore[set-order, file-write]", ["file-write"]),
        ("  # ak: ignore[file-write]", ["set-order", "file-write"]),
    ],
)
def test_a_comment_silences_its_line(codes, comment, left):
    """All findings of the line, or those it names."""
    assert codes(comment) == left


def test_a_project_silences_a_kind(codes):
    """Everywhere in the project."""
    assert codes(project='[tool.autokitteh.lint]\nignore = ["file-write"]\n') == ["set-order"]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ('ignore = "file-write"', "ignore is a list of codes of findings"),
        ('ignore = ["set-ordre"]', "set-ordre is no finding of ak lint"),
    ],
)
def test_a_wrong_table_is_an_error_with_its_line(codes, line, message):
    """The file, the line, and where the codes stand."""
    with pytest.raises(UserCodeError, match=message) as raised:
        codes(project=f"[project]\nname = 'x'\n[tool.autokitteh.lint]\n{line}\n")
    assert raised.value.where == "pyproject.toml:4"
    assert "docs/lint.md" in raised.value.hint
