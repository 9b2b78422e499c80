"""What a person who knows only the Temporal UI sees of a session that runs, waits, failed or completed.

``UPDATE_SCREENSHOTS=1 pytest …`` writes the pictures that ``docs/temporal-ui.md`` shows.
"""

from __future__ import annotations

import contextlib
import os
import re
from pathlib import Path

import pytest
from playwright.sync_api import Error as PlaywrightError
from playwright.sync_api import expect

from tests.helpers.projects import write
from tests.helpers.waiting import eventually_sync

pytestmark = pytest.mark.timeout(300)  # the first test waits for the server and its sessions, too
DOCS = Path(__file__).parents[2] / "docs" / "images"
MAIN = """
import asyncio
import time
import autokitteh
from autokitteh import next_event, next_signal, restart, set_value, start, subscribe


@autokitteh.activity
def charge(order, cents):
    return {"receipt": f"r-{order}", "cents": cents}


@autokitteh.activity
def write_report():
    time.sleep(300)


def on_order(event):
    order = event.data.get("order", 7)
    print(f"order {order} came in")
    receipt = charge(order, 1999)
    print(f"charged: {receipt['receipt']}")
    set_value("last_order", order)
    time.sleep(0.2)
    start("main.py:ship", {"order": order})
    return receipt


async def ship(event):
    await asyncio.sleep(0.1)


def approval(event):
    print("asking for approval")
    subscription = subscribe("approve", "data.method == 'POST'")
    return ask(subscription)


def ask(subscription):
    return next_event(subscription, timeout=24 * 3600)


def busy(event):
    print("writing the report")
    write_report()


def again(event):
    round = event.data.get("round", 0)
    if round < 2:
        restart({"round": round + 1})
    print("the last round")
    next_signal("over")


def broken(event):
    customer = charge(1, 5)
    return customer["name"]
"""
HANDLERS = ("on_order", "approval", "busy", "again", "broken")


def line_of(text: str) -> int:
    """The line of the program that holds this text."""
    return next(n for n, line in enumerate(MAIN.splitlines(), 1) if text in line)


@pytest.fixture(scope="module")
def shop(up, tmp_path_factory):
    """A project with a session of each kind."""
    triggers = "\n".join(f"- {{name: {name}, type: webhook, call: 'main.py:{name}'}}" for name in HANDLERS)
    triggers += "\n- {name: approve, type: webhook}"
    project = write(tmp_path_factory.mktemp("shop"), "shop", {"main.py": MAIN}, triggers=triggers)
    deployed = up.ak("deploy", str(project))
    import httpx

    sessions = {}
    for name in HANDLERS:
        event = httpx.get(deployed["webhooks"][name]).headers["AutoKitteh-Event-ID"]
        found = eventually_sync(lambda event=event: up.ak("session", "list", "shop", "--event", event))
        sessions[name] = found[0]["id"]
    up.ak("session", "wait", sessions["on_order"])
    eventually_sync(lambda: up.prints(sessions["approval"]) == ["asking for approval"])
    yield sessions
    for name in ("approval", "busy", "again"):
        up.run("session", "stop", sessions[name], "--force", check=False)  # it may have ended meanwhile


def look(up, page, session: str, tab: str = "", picture: str = "") -> None:
    """Open a session's page, or one of its tabs; keep a picture when asked to."""
    page.goto(f"{up.ready['ui']}/namespaces/default/workflows/{session}")
    expect(page.locator('button:has-text("More Actions"):visible').first).to_be_enabled(timeout=30_000)
    if tab:
        page.get_by_text(tab, exact=True).first.click()
    if picture and os.environ.get("UPDATE_SCREENSHOTS"):
        page.wait_for_timeout(2_000)  # the timeline is drawn bit by bit
        DOCS.mkdir(exist_ok=True)
        page.screenshot(path=DOCS / f"{picture}.png")


def sees(page, text: str | re.Pattern[str]) -> None:
    """The text stands on the page."""
    expect(page.get_by_text(text).first).to_be_visible(timeout=30_000)


def details(page, text: str) -> None:
    """The text stands in one of the frames in which the UI draws Markdown."""
    drawn = ""
    for _ in range(120):
        page.wait_for_timeout(
            250
        )  # the browser's news, new frames among them, are heard only while it is asked
        drawn = drawn_text(page)
        if re.search(text, drawn):
            return
    pytest.fail(f"{text!r} is not in {drawn!r}")


def drawn_text(page) -> str:
    """What stands in the frames, in one line; a frame that is being drawn anew has nothing yet."""
    found = []
    for frame in page.frames[1:]:
        with contextlib.suppress(PlaywrightError):
            found.append(frame.locator("body").inner_text(timeout=2_000))
    return " ".join(" ".join(found).split())


def test_completed_session_tells_its_steps(up, shop, page):
    """Calls, operations, sleeps and children with their lines, and the result as JSON."""
    look(up, page, shop["on_order"], picture="ui-completed")
    for text in (
        f"main.charge • main.py:{line_of('receipt = charge(order')}",
        f"autokitteh.set_value • main.py:{line_of('set_value(')}",
        f"sleep 0.2 s · main.py:{line_of('time.sleep(0.2)')}",
        f"start main.py:ship · main.py:{line_of('start(')}",
    ):
        sees(page, text)
    sees(page, "r-7")


def test_where_a_session_comes_from_and_what_to_type(up, shop, page):
    """Summary and details name the trigger, the event and the commands that tell more."""
    look(up, page, shop["on_order"], "User Metadata")
    details(page, "webhook get → main.py:on_order")
    details(page, "order 7 came in charged: r-7 completed")
    details(
        page, f"started by trigger on_order, event evt_.*ak session show {shop['on_order']}.*ak event explain"
    )


def test_waiting_session_tells_for_what_and_until_when(up, shop, page):
    """The timeline names the source of the awaited event; the current details when the wait ends."""
    look(up, page, shop["approval"], picture="ui-waiting")
    line = line_of("return next_event(")
    sees(page, f"wait for an event from approve · main.py:{line}")
    look(up, page, shop["approval"], "User Metadata", picture="ui-waiting-details")
    until = r"until 20\d\d-\d\d-\d\d \d\d:\d\d:\d\d UTC"
    details(page, f"asking for approval.*waiting for an event from approve at main.py:{line}, {until}")


def test_call_stack_is_the_users(up, shop, page):
    """The Call Stack tab shows the lines of the program that wait, and nothing of ours or of Temporal's."""
    look(up, page, shop["approval"], "Call Stack", picture="ui-call-stack")
    sees(page, "the handler waits at")
    editor = page.locator(".cm-content:visible").first
    expect(editor).to_contain_text(
        f'File "main.py", line {line_of("return ask(")}, in approval', timeout=30_000
    )
    expect(editor).to_contain_text(f'File "main.py", line {line_of("return next_event(")}, in ask')
    expect(editor).not_to_contain_text("site-packages")
    expect(editor).not_to_contain_text("worker/")


def test_running_session_tells_its_call(up, shop, page):
    """The call that is under way stands on the timeline with its line, and in the current details."""
    look(up, page, shop["busy"], picture="ui-running")
    line = line_of("    write_report()")
    sees(page, re.compile(rf"main\.write_report • main\.py:{line}"))
    look(up, page, shop["busy"], "User Metadata")
    details(page, f"writing the report.*waiting for main.write_report at main.py:{line}")


def test_failed_session_tells_what_and_where(up, shop, page):
    """Message first, with the user's line; the traceback has the user's frames only."""
    look(up, page, shop["broken"], picture="ui-failed")
    line = line_of('return customer["name"]')
    sees(page, f"KeyError: 'name' (main.py:{line})")
    expect(page.get_by_text("site-packages")).to_have_count(0)


def test_restarted_session_tells_where_it_comes_from(up, shop, page):
    """Temporal takes no summary along when a session restarts: the current details say it instead."""
    session = shop["again"]
    eventually_sync(lambda: up.prints(session) == ["the last round"])
    look(up, page, session, "User Metadata")
    details(
        page,
        rf"restarted 2 times, started by trigger again, event evt_\w+; what it did: ak session show {session} "
        "the last round waiting for the signal over at main.py",
    )


def test_stopped_session_waits_for_nothing(up, shop, page):
    """Its current details say that it was stopped."""
    session = up.ak("session", "start", "shop", "main.py:again")["id"]
    eventually_sync(lambda: up.prints(session) == ["the last round"])
    up.ak("session", "stop", session)
    up.ak("session", "wait", session)
    look(up, page, session, "User Metadata")
    details(page, "started by hand; what it did: .*the last round stopped")


def test_sleep_of_an_event_loop_has_its_line(up, shop, page):
    """``asyncio.sleep`` is a timer with length and line, as ``time.sleep`` is."""
    child = next(item for item in up.ak("session", "list", "shop") if item["handler"] == "main.py:ship")
    look(up, page, child["id"])
    sees(page, f"sleep 0.1 s · main.py:{line_of('await asyncio.sleep')}")
