"""Who is told about the connections of now, and when."""

from __future__ import annotations

import dataclasses
from types import SimpleNamespace

from tests.helpers.fake_store import deployment
from worker.contracts import Credentials
from worker.store.records import Connection, Variable
from worker.supervisor import credentials


class Keeper:
    """Keeps a process that remembers what it is told."""

    def __init__(self, state: str, project: str = "shop"):
        self.deployment = dataclasses.replace(deployment(project=project), state=state)
        self.told = ""
        self.heard: list[Credentials] = []

    def say(self, message):
        """Remember it."""
        self.heard.append(message)


def store_of(token: str, stamp: str):
    """A store whose project has one connection."""
    variable = Variable("shop", "token", token, "chat", secret=True)
    return SimpleNamespace(
        vars=SimpleNamespace(list=lambda _project: [variable], stamps=lambda: {"shop": stamp}),
        connections=SimpleNamespace(list=lambda _project: [Connection("con_1", "shop", "chat", "slack")]),
    )


async def test_each_change_is_told_once_to_those_that_serve_sessions():
    """Active and draining deployments hear of it; one on its way does not, nor does one of another project."""
    active, draining, pending = Keeper("active"), Keeper("draining"), Keeper("starting")
    keepers = [active, draining, pending]
    for token, stamp in (("one", "s1"), ("one", "s1"), ("two", "s2")):
        await credentials.tell_changes(store_of(token, stamp), keepers)
    expected = [Credentials({"chat": {"token": token}}, {"chat__token": token}) for token in ("one", "two")]
    assert active.heard == draining.heard == expected
    assert pending.heard == []


async def test_nobody_is_told_what_has_not_changed():
    """A project whose variables were never touched has nothing to tell."""
    other = Keeper("active", "other")
    await credentials.tell_changes(store_of("one", "s1"), [other])
    assert other.heard == []
