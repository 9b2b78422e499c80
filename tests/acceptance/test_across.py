"""Sessions of two projects, events in their order, and asyncio around it, as durable sessions and as single steps."""

from __future__ import annotations

import json

import httpx
import pytest

from tests.helpers.ak import running
from tests.helpers.projects import write
from tests.helpers.waiting import eventually_sync

FIRST = """
import asyncio
import autokitteh


def parent(event):
    child = autokitteh.start("main.py:child", {"n": 20}, {"by": "parent"}, project="second")
    print(child.startswith("ses_"))
    return autokitteh.wait_for_signal(child, timeout=60)


def missing(event):
    for name in ("third", "broken"):
        try:
            autokitteh.start("main.py:child", project=name)
        except autokitteh.AutoKittehError as error:
            print(error)


def in_order(event):
    first, second = autokitteh.subscribe("first_hook"), autokitteh.subscribe("second_hook")
    print("ready")
    autokitteh.wait_for_signal("posted") if event.data.durable else wait_for_posts()
    got = [autokitteh.next_event(item, timeout=30) for item in (first, second)]
    got.append(autokitteh.next_event([first, second], timeout=0.5))
    print("more")
    got += [autokitteh.next_event([first, second], timeout=30) for _ in range(2)]
    return [item and item.body.text for item in got]


def signals(event):
    autokitteh.signal("posted", {})


def wait_for_posts():
    import time

    while autokitteh.get_value("posted") is None:
        time.sleep(0.05)


async def subscribes():
    sub = autokitteh.subscribe("first_hook")
    print("ready")
    await asyncio.sleep(0)
    return autokitteh.next_event(sub, timeout=30).body.text


def in_asyncio(event):
    return asyncio.run(subscribes())
"""
SECOND = """
def child(event):
    print(event.data.n)
    return event.data.n * 2
"""
BROKEN = "import nowhere_at_all\n" + SECOND
CHILD = "- {name: hook, type: webhook, call: 'main.py:child'}"
TRIGGERS = """
- {name: first_hook, type: webhook}
- {name: second_hook, type: webhook}
"""


@pytest.fixture(scope="module")
def up(tmp_path_factory):
    """A running ``ak up`` with both projects."""
    home = tmp_path_factory.mktemp("up")
    first = write(home / "first", "first", {"main.py": FIRST}, triggers=TRIGGERS)
    second = write(home / "second", "second", {"main.py": SECOND}, triggers=CHILD)
    with running(home / "home", first, second) as started:
        yield started
        assert started.stop() == 0, started.log()


def begin(up, handler: str, *, durable: bool = True) -> str:
    """Start a handler of the first project."""
    memo = [] if durable else ["--memo", "durable=false"]
    data = json.dumps({"durable": durable})
    return up.ak("session", "start", "first", f"main.py:{handler}", "--data", data, *memo)["id"]


def result(up, session: str):
    """The result of a session that completed."""
    ended = up.ak("session", "wait", session, "--timeout", "60")
    assert ended["state"] == "completed", ended["error"]
    return ended["result"]


def test_child_in_another_project_signals_its_result(up):
    """It runs there, on that project's active deployment."""
    found = result(up, begin(up, "parent"))
    (child,) = up.ak("session", "list", "second")
    assert (up.prints(child["id"]), found) == (["20"], {"completed": True, "value": 40})


@pytest.mark.parametrize("durable", [True, False], ids=["durable", "not durable"])
def test_start_in_a_project_that_cannot_run_it_is_an_error(up, tmp_path, durable):
    """There is none of that name, or its only deployment has failed; the message names it."""
    broken = write(tmp_path / "broken", "broken", {"main.py": BROKEN}, triggers=CHILD)
    assert "nowhere_at_all" in up.run("deploy", str(broken), check=False).stderr
    session = begin(up, "missing", durable=durable)
    result(up, session)
    assert up.prints(session) == [
        "start('main.py:child'): there is no project 'third'",
        "start('main.py:child'): project 'broken' was never deployed successfully",
    ]


@pytest.mark.parametrize("durable", [True, False], ids=["durable", "not durable"])
def test_events_are_queued_and_come_in_order(up, durable):
    """What came before anybody waited, nothing within the timeout, and what came afterwards."""
    session = begin(up, "in_order", durable=durable)
    eventually_sync(lambda: up.prints(session) == ["ready"], 30)
    first, second = up.webhook("first_hook"), up.webhook("second_hook")
    httpx.post(second, content=b"b")
    httpx.post(first, content=b"a")
    if durable:
        up.ak("session", "start", "first", "main.py:signals")
    else:
        up.ak("value", "set", "first", "posted", "true")
    eventually_sync(lambda: up.prints(session) == ["ready", "more"], 30)
    httpx.post(first, content=b"c")
    httpx.post(second, content=b"d")
    assert result(up, session) == ["a", "b", None, "c", "d"]


def test_subscriptions_work_inside_asyncio(up):
    """Also when the handler is a plain function that runs a loop of its own."""
    session = begin(up, "in_asyncio")
    eventually_sync(lambda: up.prints(session) == ["ready"], 30)
    httpx.post(up.webhook("first_hook"), content=b"x")
    assert result(up, session) == "x"
