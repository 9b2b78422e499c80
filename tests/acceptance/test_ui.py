"""The Temporal UI in a real browser: start a handler from its form, read its result, signal, cancel and terminate it."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.helpers.projects import write
from tests.helpers.waiting import eventually_sync

MAIN = """
import time
import autokitteh

@autokitteh.activity
def greet(name):
    return "hello " + name

def on_event(event):
    print(greet(event.data.get("name", "nobody")))
    time.sleep(0.2)
    return {"greeting": "hello " + event.data.get("name", "nobody")}

def waits(event):
    try:
        print("waiting")
        time.sleep(600)
    finally:
        print("cleaned up")

def fails(event):
    return event.data["id"]
"""


@pytest.fixture(scope="module")
def deployed(up, tmp_path_factory):
    """A project to play with."""
    triggers = "\n".join(
        f"- {{name: {name}, type: webhook, call: 'main.py:{name}'}}"
        for name in ("on_event", "waits", "fails")
    )
    project = write(tmp_path_factory.mktemp("ui"), "clicked", {"main.py": MAIN}, triggers=triggers)
    return up.ak("deploy", str(project))


def start_in_form(page, link: str, data: str) -> str:
    """Fill and send the form behind one of our links; returns the workflow id."""
    page.goto(link)
    expect(page.locator("#workflowType")).not_to_have_value("", timeout=30_000)
    identifier = page.locator("#workflowId").input_value()
    if data:
        page.locator(".cm-content").first.click()
        page.keyboard.insert_text(data)
        page.locator("#workflowId").click()
    # The form is live once it has asked for the task queue's pollers; a click before that is lost.
    expect(page.get_by_text("Task Queue is Active")).to_be_visible(timeout=30_000)
    page.get_by_test_id("start-workflow-button").click()
    expect(page.get_by_text("Workflow started successfully")).to_be_visible(timeout=30_000)
    return identifier


def test_form_starts_a_handler_with_input_and_shows_its_result(up, deployed, page):
    """Task queue and type come filled in; the input is a JSON object; call and result can be read."""
    link = deployed["start"]["main.py:on_event"]
    identifier = start_in_form(page, link, '{"name": "Ada"}')
    ended = eventually_sync(lambda: ended_or_none(up, identifier))
    assert (ended["state"], ended["result"]) == ("completed", {"greeting": "hello Ada"})
    assert up.prints(identifier) == ["hello Ada"]
    page.goto(f"{up.ready['ui']}/namespaces/default/workflows/{identifier}")
    expect(page.get_by_text("Completed").first).to_be_visible(timeout=30_000)
    expect(page.get_by_text("main.greet").first).to_be_visible(timeout=30_000)
    expect(page.get_by_text("hello Ada").first).to_be_visible(timeout=30_000)


def test_form_without_input_starts_a_handler(up, deployed, page):
    """An empty input is an empty object."""
    # The editor is empty for a fresh workflow id only; for a used one the form offers the last input.
    link = f"{deployed['start']['main.py:on_event'].rpartition('=')[0]}=ses_fresh"
    identifier = start_in_form(page, link, "")
    ended = eventually_sync(lambda: ended_or_none(up, identifier))
    assert ended["result"] == {"greeting": "hello nobody"}


def test_failed_session_says_what_and_where(up, deployed, page):
    """The failure's message stands on the session's page."""
    session = up.ak("session", "start", "clicked", "main.py:fails", "--wait")
    assert session["state"] == "error"
    assert session["error"]["type"] == "KeyError"
    line = MAIN.splitlines().index('    return event.data["id"]') + 1
    page.goto(f"{up.ready['ui']}/namespaces/default/workflows/{session['id']}")
    expect(page.get_by_text(f"KeyError: 'id' (main.py:{line})").first).to_be_visible(timeout=30_000)


def act(page, action: str) -> None:
    """Choose something from a session's menu."""
    page.locator('button:has-text("More Actions"):visible').first.click()
    page.get_by_role("menuitem", name=action).first.click()


def confirm(page) -> None:
    """Press the button of the dialog that is open."""
    page.locator("[data-testid=confirm-modal-button]:visible").first.click()


def waiting_session(up, page) -> str:
    """A session that waits, with its page open."""
    session = up.ak("session", "start", "clicked", "main.py:waits")["id"]
    eventually_sync(lambda: up.prints(session) == ["waiting"])
    page.goto(f"{up.ready['ui']}/namespaces/default/workflows/{session}")
    expect(page.locator('button:has-text("More Actions"):visible').first).to_be_enabled(timeout=30_000)
    expect(page.get_by_text("sleep 600 s").first).to_be_visible(timeout=30_000)
    return session


def test_cancel_runs_finally_blocks(up, deployed, page):
    """A cancellation request stops the session after its cleaning up."""
    session = waiting_session(up, page)
    page.locator('button:has-text("Request Cancellation"):visible').first.click()
    confirm(page)
    assert up.ak("session", "wait", session, "--timeout", "60")["state"] == "stopped"
    assert up.prints(session) == ["waiting", "cleaned up"]


def test_terminate_stops_at_once(up, deployed, page):
    """Terminating runs nothing any more."""
    session = waiting_session(up, page)
    act(page, "Terminate")
    confirm(page)
    assert up.ak("session", "wait", session, "--timeout", "60")["state"] == "stopped"
    assert up.prints(session) == ["waiting"]


def test_signal_reaches_the_session(up, deployed, page):
    """A signal of any name, without input, is kept and stands in the log."""
    session = waiting_session(up, page)
    act(page, "Send a Signal")
    page.locator("[data-testid=signal-select-button]:visible").click()
    page.get_by_role("option", name="Custom").first.click()
    page.locator("input#custom-signal-name:visible, input[id*=signal]:visible").last.fill("approval")
    confirm(page)
    eventually_sync(lambda: "approval" in up.run("session", "log", session).stdout)
    up.ak("session", "stop", session, "--force")


def ended_or_none(up, identifier: str) -> dict | None:
    """The session once it has ended."""
    done = up.run("session", "get", identifier, "--json", check=False)
    if done.returncode:
        return None
    import json

    found = json.loads(done.stdout)
    return found if found["state"] in {"completed", "error", "stopped"} else None
