"""One ``ak up`` for a file of tests; projects are deployed as needed."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.helpers import browser
from tests.helpers.ak import running

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def up(tmp_path_factory):
    """A running ``ak up`` without projects."""
    with running(tmp_path_factory.mktemp("up") / "home") as started:
        yield started
        assert started.stop() == 0, started.log()


@pytest.fixture(scope="session")
def examples():
    """The examples that stand in the documentation."""
    return ROOT / "examples"


@pytest.fixture(scope="module")
def page():
    """A page of a headless Chromium."""
    with browser.opened() as opened:
        yield opened
