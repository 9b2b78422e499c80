"""The documentation's programs print what stands under them, its links lead somewhere, and nothing public is missing."""

from __future__ import annotations

import gc
import re
import sys

import pytest

import autokitteh
from autokitteh.testing import Project
from tests.helpers.snippets import DOCS, snippets

SDK = snippets("sdk.md", "retention.md", "from-autokitteh.md", "from-plain-temporal.md")
PAGES = [*sorted(DOCS.glob("*.md")), DOCS.parent / "README.md"]


@pytest.mark.filterwarnings(
    "ignore::pytest.PytestUnraisableExceptionWarning"
)  # files that programs left open
@pytest.mark.parametrize("snippet", SDK, ids=lambda snippet: f"{snippet.number}-{snippet.handler}")
def test_programs_of_the_sdk_page_print_their_output(snippet, tmp_path, capsys):
    """On virtual time, with the events and signals that the comment names."""
    (tmp_path / "main.py").write_text(snippet.code)
    sys.modules.pop("main", None)
    with Project(tmp_path) as project:
        for kind, name, payload, *event_type in snippet.then:
            if kind == "signal":
                project.signal(name, payload, after=1)
            else:
                project.send(name, payload, event_type=event_type[0], after=1)
        project.run(f"main.py:{snippet.handler}", snippet.data, event_type=snippet.event_type)
        gc.collect()
    sys.modules.pop("main", None)
    assert capsys.readouterr().out.splitlines() == snippet.lines
    assert [child.handler.partition(":")[2] for child in project.started] == snippet.started
    if snippet.outcome is not None:
        assert snippet.outcome.items() <= project.outcomes[0].items()


def test_everything_public_stands_on_the_sdk_page():
    """Each exported name is mentioned."""
    page = (DOCS / "sdk.md").read_text()
    assert [name for name in autokitteh.__all__ if not re.search(rf"\b{name}\b", page)] == []
    assert len(SDK) > 8


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page):
    """Every relative link is a file."""
    for link in re.findall(r"\]\((?!https?:)([^)#]+)", page.read_text()):
        assert (page.parent / link).exists(), link
