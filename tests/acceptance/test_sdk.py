"""The SDK's functions on the whole system: gateway, supervisor, build process, Temporal.

Each test runs twice: with a warm cache, and with none, where every step replays.
"""

from __future__ import annotations

import asyncio
import json
import shutil
import threading
from pathlib import Path

import httpx
import pytest
from temporalio.client import Client

from tests.helpers import catalogue
from tests.helpers.ak import running
from tests.helpers.waiting import eventually_sync

PROJECT = Path(__file__).parents[1] / "projects" / "sdk"


@pytest.fixture(scope="module", params=["1000", "0"], ids=["warm", "cold"])
def up(tmp_path_factory, request):
    """A running ``ak up`` with the project."""
    home = tmp_path_factory.mktemp("up") / "home"
    project = tmp_path_factory.mktemp("project") / "sdk"
    shutil.copytree(PROJECT, project)
    with running(home, project, AK_MAX_CACHED_SESSIONS=request.param, AK_ANSWER_SECONDS="8") as started:
        yield started
        assert started.stop() == 0, started.log()


@pytest.fixture
def empty(up):
    """The same without any values."""
    run(up, "forget_values")
    return up


def begin(up, handler: str, file: str = "main.py", **data) -> str:
    """Start a handler; returns the session's id."""
    return up.ak("session", "start", "sdk", f"{file}:{handler}", "--data", json.dumps(data))["id"]


def finish(up, session: str) -> dict:
    """Wait for a session's end; it must have completed."""
    return completed(up.ak("session", "wait", session, "--timeout", "90"))


def run(up, handler: str, **data) -> dict:
    """Start a handler and wait for its end; it must have completed."""
    start = ("session", "start", "sdk", f"main.py:{handler}", "--data", json.dumps(data))
    return completed(up.ak(*start, "--wait"))


def completed(ended: dict) -> dict:
    """The session, which must have completed."""
    assert ended["state"] == "completed", json.dumps(ended["error"])
    return ended


def printed(up, session: str, *lines: str) -> None:
    """Wait until a session has printed exactly these lines."""
    eventually_sync(lambda: up.prints(session) == list(lines), 30)


def received(up, session: str) -> list[str]:
    """The events and signals that a session's log says it was given."""
    return [line["text"] for line in up.ak("session", "log", session) if line["kind"] == "signal"]


def post(up, trigger: str, **arguments) -> httpx.Response:
    """Post to a webhook."""
    return httpx.post(up.webhook(trigger), timeout=60, **arguments)


def test_values_of_every_kind_come_back_equal_and_change_atomically(empty):
    """All operations on values, in all their spellings."""
    assert run(empty, "values")["result"] == [
        *[None, 7, 8, True, True, 2, 2, 5, 6, False, True, True, True],
        ["d", "n", "new", "v", "when"],
        [],
    ]


def test_limits_of_values_are_named_and_overwriting_at_the_limit_works(empty):
    """64 values of 64 KiB."""
    too_many, too_large = run(empty, "limits")["result"]
    assert too_many == "number of stored values (65) exceeds maximum allowed (64)"
    assert too_large.startswith("value size (700")
    assert too_large.endswith("maximum allowed (65536 bytes)")


def test_counter_is_exact_under_concurrent_sessions(up):
    """Eight sessions add at the same time."""
    before = run(up, "read_counter")["result"] or 0
    sessions = [begin(up, "count", n=5) for _ in range(8)]
    for session in sessions:
        finish(up, session)
    assert run(up, "read_counter")["result"] == before + 40


def test_values_are_read_and_changed_from_the_command_line(empty, up):
    """What sessions store is listed, read, set and deleted; sessions read what was set."""
    empty.ak("value", "set", "sdk", "counter", "40")
    finish(up, begin(up, "count", n=2))
    assert up.ak("value", "get", "sdk", "counter")["value"] == 42
    tricky = {"preview": 1, "pickle": "x"}
    assert up.ak("value", "set", "sdk", "tricky", json.dumps(tricky))["value"] == tricky
    assert run(up, "read_value", key="tricky")["result"] == repr(tricky)
    assert [item["key"] for item in up.ak("value", "list", "sdk")] == ["counter", "tricky"]
    up.ak("value", "delete", "sdk", "tricky")
    for arguments, status in ((("get", "sdk", "tricky"), 4), (("set", "sdk", "k", "no json"), 2)):
        assert up.run("value", *arguments, check=False).returncode == status


def test_published_value_is_public_until_it_is_unpublished(empty, up):
    """Anybody reads it as JSON; nobody reads another one."""
    session = begin(empty, "publishes")
    eventually_sync(lambda: len(up.prints(session)) == 1, 30)
    url = up.prints(session)[0]
    answer = httpx.get(f"{url}/public")
    assert (answer.status_code, answer.json()) == (200, {"cat": "meow", "at": "2026-01-02"})
    assert httpx.get(f"{url}/counter").status_code == 404
    post(up, "other", content=b"")
    finish(up, session)
    assert httpx.get(f"{url}/public").status_code == 404


def test_events_between_and_after_are_received_in_order_once(up):
    """What arrives while nobody waits is queued; each event comes once; None after the timeout."""
    session = begin(up, "waits", n=4, timeout=4)
    printed(up, session, "subscribed")
    for n in range(3):
        assert post(up, "waited", json={"n": n}).status_code == 202
    finish(up, session)
    lines = up.prints(session)
    assert lines[1:5] == ["0 post POST 0", "1 post POST 1", "2 post POST 2", "timeout"]
    assert lines[5].startswith("no such subscription")


def test_largest_event_starts_a_session(up):
    """What the gateway takes in reaches the handler, and a result as large comes back whole."""
    size = 512 * 1024
    answer = post(up, "measures", content=b"m" * size)
    assert answer.status_code == 202
    found = eventually_sync(
        lambda: up.ak("session", "list", "sdk", "--event", answer.headers["AutoKitteh-Event-ID"]), 30
    )
    assert len(finish(up, found[0]["id"])["result"]) == size
    assert up.prints(found[0]["id"]) == [f"{size} {size}"]


def test_filter_of_a_subscription_decides(up):
    """Only events that pass the filter arrive, and the equality it holds is no obstacle."""
    session = begin(up, "waits", n=2, filter="event_type == 'post' && data.body.json.n == 7")
    printed(up, session, "subscribed")
    for n in (1, 7, 2, 7.0):
        post(up, "waited", json={"n": n})
    finish(up, session)
    assert [line.split()[0] for line in up.prints(session)[1:3]] == ["7", "7.0"]


def test_first_subscription_in_the_given_order_wins(up):
    """With events of both waiting, the order of the ids decides, not the time of arrival."""
    session = begin(up, "waits_for_two", timeout=1)
    printed(up, session, "subscribed")
    post(up, "other", content=b"b")
    post(up, "waited", content=b"a")
    eventually_sync(lambda: len(received(up, session)) == 2, 30)
    run(up, "sends_signal", name="both are here")
    finish(up, session)
    assert json.loads(up.prints(session)[1]) == ["a", "b", None]


def test_body_of_a_received_event_is_bytes(up):
    """Also in events from next_event."""
    session = begin(up, "reads_bytes")
    printed(up, session, "subscribed")
    post(up, "waited", content=b"\x00\xff")
    finish(up, session)
    assert up.prints(session)[1] == "bytes b'\\x00\\xff' None True"


def test_wrong_source_and_wrong_filter_are_errors_at_the_call(up):
    """The source is checked before the filter."""
    session = run(up, "bad_subscriptions")["id"]
    first, second, third = up.prints(session)
    assert first == 'subscribe(meow, woof) -> source "meow" not found'
    assert "invalid filter" in second
    assert "invalid filter" in third


def test_signal_reaches_all_sessions_that_wait(up):
    """Two sessions wait for an approval, a third sends it."""
    waiting = [begin(up, "approval"), begin(up, "approval")]
    for session in waiting:
        printed(up, session, "waiting")
    run(up, "approve", who="Ada")
    for session in waiting:
        finish(up, session)
        assert up.prints(session) == ["waiting", "approved by Ada"]


def test_signal_sent_before_the_wait_is_received_by_sessions_that_ran_then(up):
    """The first wait for a name gets what was sent since the session's birth."""
    session = begin(up, "late_waiter", seconds=3)
    printed(up, session, "started")
    run(up, "approve", who="Bob")
    finish(up, session)
    assert up.prints(session)[1] == "{'approver': 'Bob'}"


def test_waiting_for_a_signal_times_out_with_none(up):
    """Both spellings."""
    assert up.prints(run(up, "no_signal")["id"]) == ["None None"]


def test_parent_and_child_play_ping_pong(up):
    """Signals to one session, in order; the child's end is a signal with its result."""
    lines = up.prints(run(up, "ping")["id"])
    assert lines[:5] == [f"pong {n}0" for n in range(1, 6)]
    assert lines[5] == str({"completed": True, "value": {"done": True, "big": 2**60}})


def test_fan_out_of_children(up):
    """Many children at once, each with its completion signal."""
    assert run(up, "fan_out", n=30)["result"] == sum(n * n for n in range(30))


def test_unknown_handler_is_an_error_at_the_call_and_a_failed_child_says_so(up):
    """start checks its location; a failed child is not completed."""
    lines = up.prints(run(up, "bad_start")["id"])
    assert "there is no nothing in main.py" in lines[0]
    assert lines[1] == "{'completed': False}"


def test_inside_an_activity_waiting_is_refused_and_values_work(up):
    """The message names the function."""
    (line,) = up.prints(run(up, "in_activity")["id"])
    names = ["subscribe", "next_event", "start", "signal"]
    assert line == str(([f"{name} inside an activity" for name in names], 5))


@pytest.mark.parametrize(
    ("how", "status", "kind", "body"),
    [
        ("json", 299, "application/json", b'{"cat": "meow"}'),
        ("page", 200, "application/json", b'{"a": 1}'),
        ("text", 404, "text/plain; charset=utf-8", b"Not Found"),
        ("bytes", 200, "application/octet-stream", b"\0\1\xff"),
        ("stream", 200, "text/plain; charset=utf-8", b"part 0\npart 1\npart 2\n"),
        ("twice", 303, None, b""),
        ("outcome", 201, "text/plain; charset=utf-8", b"made"),
        ("nothing", 204, None, b""),
    ],
)
def test_synchronous_webhook_answers_what_the_session_says(up, how, status, kind, body):
    """Status, content type and body, also in parts."""
    answer = post(up, "api", params={"how": how}, json={})
    assert (answer.status_code, answer.headers.get("content-type"), answer.content) == (status, kind, body)
    assert answer.headers["autokitteh-event-id"].startswith("evt_")


def test_synchronous_webhook_answers_at_once_when_nobody_will(up):
    """500 for a failed session, 204 for a silent one, 502 when none was started, 504 in the end."""
    assert post(up, "api", params={"how": "fail"}).status_code == 500
    assert post(up, "silent").status_code == 204
    assert post(up, "only_get").status_code == 502
    assert post(up, "answered").status_code == 502
    late = post(up, "api", params={"how": "sleep"})
    assert (late.status_code, late.text) == (504, catalogue.answer("AK3504"))


def test_session_answers_an_event_it_received(up):
    """A session that waits answers the request whose event it was given."""
    session = begin(up, "answers_others")
    printed(up, session, "subscribed")
    answer = post(up, "answered", json={"n": 1})
    assert (answer.status_code, answer.json()) == (200, {"heard": {"n": 1}})
    finish(up, session)


async def histories(address: str, project: str) -> str:
    """Everything Temporal keeps of a project's sessions, as text with all payloads decoded."""
    client = await Client.connect(address)
    texts = []
    async for execution in client.list_workflows(f"TaskQueue = '{project}'"):
        history = await client.get_workflow_handle(execution.id, run_id=execution.run_id).fetch_history()
        texts += [str(event) for event in history.events]
    return "\n".join(texts)


def test_secrets_reach_values_children_and_answers_but_no_history(up):
    """They travel by name."""
    assert run(up, "passes_secrets")["result"] == [True, True]
    text = asyncio.run(histories(up.ready["temporal"], "sdk"))
    assert "passes_secrets" in text
    assert "tok-1234567890" not in text


def test_handler_that_is_not_durable_runs_as_one_activity(up):
    """Everything works in it, directly against the store."""
    event = post(up, "whole").headers["autokitteh-event-id"]
    found: list[str] = []

    def started() -> bool:
        found[:] = [item["id"] for item in up.ak("session", "list", "sdk", "--event", event)]
        return len(found) == 1

    eventually_sync(started, 30)
    printed(up, found[0], "begin POST", "subscribed")
    post(up, "waited", json={"n": 3})
    finish(up, found[0])
    assert up.prints(found[0])[2] == "3 1 ses_ None"


def test_waiting_session_gets_its_event_after_a_deploy(up, tmp_path):
    """A session of the old version receives what arrives when the new one is active."""
    session = begin(up, "waits", n=1)
    printed(up, session, "subscribed")
    changed = tmp_path / "sdk"
    shutil.copytree(PROJECT, changed)
    with (changed / "main.py").open("a") as file:
        file.write(f"\n# {tmp_path.name}\n")
    assert up.ak("deploy", str(changed))["changed"] is True
    threads = [threading.Thread(target=post, args=(up, "waited"), kwargs={"json": {"n": 9}})]
    for thread in threads:
        thread.start()
        thread.join()
    finish(up, session)
    assert up.prints(session)[1] == "9 post POST 9"
