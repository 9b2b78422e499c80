"""The programs of the SDK page on the whole system: real sessions, events and signals; the output is the page's."""

from __future__ import annotations

import asyncio
import json

import pytest
from temporalio.client import Client

from tests.helpers.ak import running
from tests.helpers.snippets import snippets
from tests.helpers.waiting import eventually_sync

SDK = snippets("sdk.md", "retention.md", "from-autokitteh.md", "from-plain-temporal.md")
MANIFEST = """
version: v2
project:
  name: docs
  connections:
    - {name: approvals, integration: slack}
    - {name: chat, integration: slack}
"""


@pytest.fixture(scope="module")
def up(tmp_path_factory):
    """A running ``ak up`` with one file for each program."""
    project = tmp_path_factory.mktemp("project")
    (project / "autokitteh.yaml").write_text(MANIFEST)
    for snippet in SDK:
        (project / f"s{snippet.number}.py").write_text(
            snippet.code.replace("main.py:", f"s{snippet.number}.py:")
        )
    with running(tmp_path_factory.mktemp("up") / "home", project) as started:
        yield started
        assert started.stop() == 0, started.log()


async def send(address: str, session: str, name: str, payload: dict) -> None:
    """Signal a session as any program would."""
    client = await Client.connect(address)
    await client.get_workflow_handle(session).signal(name, payload)


def handlers(up) -> list[str]:
    """The handlers of all sessions that completed."""
    found = up.ak("session", "list", "docs", "--limit", "200")
    return [item["handler"] for item in found if item["state"] == "completed"]


@pytest.mark.parametrize("snippet", SDK, ids=lambda snippet: f"{snippet.number}-{snippet.handler}")
def test_programs_of_the_sdk_page_run_as_they_say(up, snippet):
    """Events come through ``ak event send``, signals through Temporal's client."""
    handler = f"s{snippet.number}.py:{snippet.handler}"
    session = up.ak("session", "start", "docs", handler, "--data", json.dumps(snippet.data))["id"]
    if snippet.then:
        eventually_sync(lambda: up.prints(session) == ["waiting"], 30)
    for kind, name, payload, *event_type in snippet.then:
        if kind == "signal":
            asyncio.run(send(up.ready["temporal"], session, name, payload))
        else:
            up.ak("event", "send", "docs", name, "--type", event_type[0], "--data", json.dumps(payload))
    ended = up.ak("session", "wait", session, "--timeout", "60")
    assert ended["state"] == "completed", ended["error"]
    expected = [
        line.replace("post Ada", "None Ada") for line in snippet.lines
    ]  # started by hand, it has no type
    assert up.prints(session) == expected
    for name in set(snippet.started):
        children = [f"s{snippet.number}.py:{name}"] * snippet.started.count(name)
        eventually_sync(lambda: [h for h in handlers(up) if h in children] == children, 30)  # noqa: B023
