"""Each example of the SDK's page on the whole system: its code, its output."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import httpx
import pytest

from tests.helpers.ak import running
from tests.helpers.vendor import serving
from tests.helpers.waiting import eventually_sync

PROJECT = Path(__file__).parents[1] / "projects" / "sdk_page"


@pytest.fixture(scope="module")
def up(tmp_path_factory):
    """A running ``ak up`` with the examples."""
    project = shutil.copytree(PROJECT, tmp_path_factory.mktemp("project") / "sdk_page")
    with running(tmp_path_factory.mktemp("up") / "home", project) as started:
        yield started
        assert started.stop() == 0, started.log()


def begin(up, handler: str, **data) -> str:
    """Start an example; returns the session's id."""
    return up.ak("session", "start", "sdk_page", f"program.py:{handler}", "--data", json.dumps(data))["id"]


def printed(up, session: str) -> list[str]:
    """What a session printed until its end, which was a good one."""
    ended = up.ak("session", "wait", session, "--timeout", "60")
    assert ended["state"] == "completed", ended["error"]
    return up.prints(session)


def waiting(up, session: str, line: str) -> None:
    """Return once a session has printed a line."""
    eventually_sync(lambda: line in up.prints(session), 30)


def test_activity(up):
    """A function that calls a service is one step."""
    with serving() as service:
        service.answers["/data"] = {"n": 1}
        assert printed(up, begin(up, "fetches", url=f"{service.url}/data")) == ["{'n': 1}"]
        assert service.asked() == ["/data"]


def test_start(up):
    """The child's id is printed at once, and the child does its work."""
    (line,) = printed(up, begin(up, "on_webhook"))
    child = line.removeprefix("Started session: ")
    assert printed(up, child) == ["Processing task 123 with priority high"]


def test_subscribe_and_unsubscribe(up):
    """A subscription has an id."""
    (line,) = printed(up, begin(up, "subscribes"))
    assert len(line.removeprefix("Subscribed with ID: ")) == 36
    assert printed(up, begin(up, "unsubscribes")) == ["done"]


def test_next_event_of_one_subscription(up):
    """The event that passes the filter, and not the one before it."""
    session = begin(up, "waits_for_one")
    waiting(up, session, "subscribed")
    httpx.get(up.webhook("webhook_trigger"))
    httpx.post(up.webhook("webhook_trigger"), json={"n": 1})
    line = printed(up, session)[1]
    assert line.startswith("Received event: {")
    assert "'method': 'POST'" in line


def test_next_event_of_several_subscriptions(up):
    """Whichever arrives first, with the connection that it came from."""
    session = begin(up, "waits_for_several")
    waiting(up, session, "subscribed")
    up.ak("event", "send", "sdk_page", "slack_conn", "--type", "message_posted", "--data", "{}")
    assert printed(up, session)[1] == "Received event from: slack_conn"


def test_http_outcome(up):
    """The caller gets what the handler says."""
    answer = httpx.post(up.webhook("api"), json={"n": 21}, timeout=60)
    assert (answer.status_code, answer.json()) == (200, {"result": 42})
    assert answer.headers["Content-Type"] == "application/json"


def test_values(up):
    """What is stored is listed."""
    assert printed(up, begin(up, "stores", user="Ada")) == ["Stored keys: ['counter', 'last_user']"]
    assert [item["key"] for item in up.ak("value", "list", "sdk_page")] == ["counter"]


def test_signals(up):
    """One session waits for an approval, another one sends it."""
    session = begin(up, "workflow")
    waiting(up, session, "Waiting for approval...")
    printed(up, begin(up, "approve"))
    assert printed(up, session) == ["Waiting for approval...", "Approved by: admin"]


def test_events_and_attribute_dictionaries(up):
    """Both spellings, in a session and in a test of a handler."""
    session = begin(up, "handler", body="hello")
    assert printed(up, session) == [f"Session: {session}"]
    assert printed(up, begin(up, "tests_itself")) == ["Session: ses_123"]
