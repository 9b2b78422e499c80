"""A program as text, and what lint says about it."""

from __future__ import annotations

from textwrap import dedent

import pytest

from worker.lint.report import lint


@pytest.fixture
def read(tmp_path):
    """The report about the handler ``on_event`` of a program, given as text by file."""

    def read(**files: str):
        for name, text in files.items():
            path = tmp_path / f"{name}.py"
            path.write_text(dedent(text))
        return lint(tmp_path, ["main.py:on_event"])

    return read
