"""One ``ak up`` for a file of tests; projects are deployed as needed."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.helpers import browser
from tests.helpers.ak import running

ROOT = Path(__file__).parents[2]

# What takes longest begins first, or one of it would run alone at the end; a file stays on one worker. Of files that
# are not named here none takes more than a minute, and their order is that of their names.
LONGEST = (
    "test_sdk.py",
    "test_retention.py",
    "test_project_life.py",
    "test_redispatch.py",
    "test_show.py",
    "test_compose.py",
    "test_debug.py",
    "test_deploy.py",
    "test_developing.py",
    "test_safe_deploys.py",
    "test_secrets.py",
    "test_fork.py",
    "test_together.py",
    "test_observability.py",
    "test_plan.py",
)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items):
    """Files that take long go first."""
    folder = Path(__file__).parent
    assert [name for name in LONGEST if not (folder / name).is_file()] == [], "there are no such files"
    here = [item for item in items if item.path.is_relative_to(folder)]
    places = {name: place for place, name in enumerate(LONGEST)}
    ordered = iter(sorted(here, key=lambda item: places.get(item.path.name, len(LONGEST))))
    mine = set(here)
    items[:] = [next(ordered) if item in mine else item for item in items]


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
