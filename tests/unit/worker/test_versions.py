"""Room for another version in Temporal."""

from __future__ import annotations

import pytest

from worker import versions
from worker.errors import DeployError
from worker.versions import Version, check_room


@pytest.fixture
def temporal(monkeypatch):
    """A Temporal that knows 94 versions that are not drained and 300 that are; every version has an open session."""
    known = [Version(f"v{n}", current=n == 0) for n in range(94)]
    known += [Version(f"old{n}", current=False, drained=True) for n in range(300)]

    async def describe(_client, _project):
        """All of them."""
        return known

    async def open_sessions(_client, _project, _build_id):
        """One on each."""
        return 1

    monkeypatch.setattr(versions, "describe", describe)
    monkeypatch.setattr(versions, "open_sessions", open_sessions)
    return known


async def test_drained_versions_take_no_room(temporal):
    """Temporal replaces them by itself, however many there are."""
    await check_room(None, "shop", "new", 100)


async def test_a_new_version_is_refused_before_the_limit(temporal):
    """The message says how many there are, how many have sessions, and the limit."""
    temporal.append(Version("v94", current=False))
    with pytest.raises(DeployError, match=r"395 versions .* 95 of them not drained, 95 with .* limit is 100"):
        await check_room(None, "shop", "new", 100)


async def test_a_version_that_is_there_needs_no_room(temporal):
    """Going back to an earlier deployment registers nothing new."""
    temporal.append(Version("v94", current=False))
    await check_room(None, "shop", "old7", 100)


async def test_the_limit_is_that_of_the_server(temporal):
    """A server that allows more takes more, one that allows less is full earlier."""
    temporal.append(Version("v94", current=False))
    await check_room(None, "shop", "new", 1000)
    with pytest.raises(DeployError, match="the limit is 40"):
        await check_room(None, "shop", "new", 40)
