"""What goes wrong in projects: two commands name the cause. Each transcript is a golden file beside this one."""

from __future__ import annotations

import asyncio
import datetime as dt
import os
import signal
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import httpx
import pytest
from temporalio.client import Client

from tests.helpers.projects import write
from tests.helpers.waiting import eventually_sync
from worker import moving
from worker.payload.converter import data_converter

CODE = """
import os
import sqlite3
import urllib.request

import autokitteh
from autokitteh import activity


def on_order(event):
    print("order", event.data.body.json["number"])


def on_answer(event):
    print("answer for order", event.data.body.json["order"])


def on_payment(event):
    return pay(event.data["euros"])


@activity
def pay(euros):
    return {"key": os.environ["PAYMENTS_KEY"][:3], "euros": euros}


def on_report(event):
    return fetch("http://127.0.0.1:1/report")


@activity
def fetch(url):
    return urllib.request.urlopen(url, timeout=5).status


def on_rows(event):
    database = connect()
    return database.execute("select 1").fetchall()


@activity
def connect():
    return sqlite3.connect(":memory:")


def on_approval(event):
    approvals = autokitteh.subscribe("approvals", 'data.body.json.order == "7"')
    print("waiting")
    return autokitteh.next_event(approvals)


def on_release(event):
    print("waiting")
    return autokitteh.next_signal("approved")


def approve(event):
    autokitteh.signal("aproved", {"by": "ann"})


def on_slow(event):
    return ask(event.data["url"])


@activity
def ask(url):
    return urllib.request.urlopen(url).status

"""
TRIGGERS = """
- {name: orders, type: webhook, filter: 'data.body.json.actoin == "opened"', call: "main.py:on_order"}
- {name: approvals, type: webhook, call: "main.py:on_answer"}
"""
EDITED = """
import os
import autokitteh

def on_event(event):
    os.{first}("/etc")
    autokitteh.next_signal("go")
    return "done"
"""
VARS = """
vars:
  - {name: PAYMENTS_TOKEN, value: "sk-1234567", secret: true}
"""


@pytest.fixture(scope="module")
def deployed(up, tmp_path_factory):
    """The project, running."""
    directory = tmp_path_factory.mktemp("shop")
    return up.ak("deploy", str(write(directory, "shop", {"main.py": CODE}, triggers=TRIGGERS, extra=VARS)))


def start(up, handler: str, data: str = "{}") -> str:
    """Start a session of a handler."""
    return str(up.ak("session", "start", "shop", f"main.py:{handler}", "--data", data)["id"])


def ended(up, handler: str, data: str = "{}") -> str:
    """A session of a handler that has ended with an error."""
    session = up.ak("session", "start", "shop", f"main.py:{handler}", "--data", data, "--wait")
    assert session["state"] == "error"
    return str(session["id"])


def states(up, handler: str) -> list[str]:
    """Of the sessions of a handler."""
    return [item["state"] for item in up.ak("session", "list", "--handler", handler)]


def post(deployed, trigger: str, body: dict) -> str:
    """Post to a webhook; returns the event."""
    return str(httpx.post(deployed["webhooks"][trigger], json=body).headers["AutoKitteh-Event-ID"])


def test_filter_with_a_typo_in_a_key(transcript, deployed):
    """Events come in and no session starts: the event is listed as unhandled, and explained part by part."""
    event = post(deployed, "orders", {"action": "opened", "number": 7})
    text = transcript("typo-in-filter", "ak event list shop --unhandled", f"ak event explain {event}")
    assert "no such key: actoin" in text
    assert "did you mean action?" in text


def test_renamed_secret(up, transcript, deployed):
    """The manifest has the variable under another name than the code reads."""
    session = ended(up, "on_payment", '{"euros": 12}')
    text = transcript("renamed-secret", "ak session list --handler on_payment", f"ak session show {session}")
    assert "PAYMENTS_KEY" in text
    assert "sk-1234567" not in text


def test_library_exception(up, transcript, deployed):
    """A library raises: what it said, and the line that called it."""
    session = ended(up, "on_report")
    text = transcript(
        "library-exception", "ak session list --handler on_report", f"ak session show {session}"
    )
    assert "Connection refused" in text
    assert "main.py:33" in text


def test_unpicklable_result(up, transcript, deployed):
    """A result that cannot be recorded: which call, of which type."""
    session = ended(up, "on_rows")
    text = transcript("unpicklable-result", "ak session list --handler on_rows", f"ak session show {session}")
    assert "main.connect" in text
    assert "a sqlite3.Connection cannot be pickled" in text
    assert "main.py:37" in text


def test_session_stuck_on_an_event_that_never_matches(up, transcript, deployed):
    """The session waits; the event that should have woken it says which part of the filter was false."""
    session = start(up, "on_approval")
    eventually_sync(lambda: up.prints(session) == ["waiting"])
    event = post(deployed, "approvals", {"order": 7})
    eventually_sync(lambda: states(up, "on_answer") == ["completed"])
    assert f"`ak event explain {event}`" in " ".join(up.run("session", "show", session).stdout.split())
    text = transcript("stuck-on-an-event", f"ak session show {session}", f"ak event explain {event}")
    assert 'data.body.json.order == "7"' in text
    assert "data.body.json.order  → 7" in text


def test_session_that_waits_for_a_signal_of_another_name(up, transcript, deployed):
    """It was sent, under a name with a typing error: one command shows both names."""
    session = start(up, "on_release")
    eventually_sync(lambda: up.prints(session) == ["waiting"])
    sender = start(up, "approve")
    eventually_sync(lambda: up.ak("session", "get", sender)["state"] == "completed")
    text = transcript("wrong-signal-name", f"ak session show {session}")
    assert "the signal aproved was sent at" in text
    assert "did you mean approved?" in " ".join(text.split())


def test_webhook_with_a_wrong_url(up, transcript, tmp_path):
    """The provider has the URL without its last character: there is no event, and their list says where to look."""
    trigger = '- {name: paid, type: webhook, call: "main.py:on_order"}'
    deployed = up.ak("deploy", str(write(tmp_path / "b", "billing", {"main.py": CODE}, triggers=trigger)))
    url = deployed["webhooks"]["paid"]
    assert httpx.post(url[:-1], json={"order": 7}).status_code == 404
    eventually_sync(lambda: up.ak("event", "refused", "billing"))
    slug = url.rpartition("/")[2][:-1]
    text = transcript("wrong-webhook-url", "ak event list billing", "ak event refused billing", URL=slug)
    assert "nearly the URL of the webhook paid of billing" in text


@pytest.fixture
def slow() -> Iterator[str]:
    """A service that takes a connection and does not answer until the test is over."""
    over = threading.Event()

    class Handler(BaseHTTPRequestHandler):
        """Answers late."""

        def do_GET(self) -> None:
            """Wait, then answer."""
            over.wait(60)
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_arguments: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/quote"
    over.set()
    server.shutdown()
    server.server_close()
    thread.join()


def test_slow_external_service(up, transcript, deployed, slow):
    """The session runs and nothing happens: what it waits for is one call, with its address and line."""
    session = start(up, "on_slow", f'{{"url": "{slow}"}}')
    eventually_sync(lambda: up.ak("session", "show", session)["waits_for"])
    text = transcript("slow-service", "ak session list --handler on_slow", f"ak session show {session}")
    assert "main.ask" in text
    assert "/quote" in text


def test_nondeterministic_edit(up, tmp_path, transcript):
    """A session was moved onto code that asks for something else: it waits, and both lines are told, also afterwards."""
    directory = write(tmp_path / "p", "edited", {"main.py": EDITED.replace("{first}", "stat")})
    up.ak("deploy", str(directory))
    asyncio.run(begin(up))
    eventually_sync(lambda: up.ak("session", "show", "ses_edited")["waits_for"])
    write(directory, "edited", {"main.py": EDITED.replace("{first}", "listdir")})
    new = up.ak("deploy", str(directory))["deployment"]
    version = up.ak("deployment", "get", new)["version"]
    os.kill(up.process.pid, signal.SIGSTOP)  # who would put it right at once
    try:
        asyncio.run(move_and_go(up, version))
        eventually_sync(lambda: up.ak("session", "get", "ses_edited")["problem"], 60)
        text = transcript(
            "nondeterministic-edit", "ak session list edited --state running", "ak session show ses_edited"
        )
    finally:
        os.kill(up.process.pid, signal.SIGCONT)
    assert "running, waits (AK1600)" in text
    assert "recorded #1 os.stat main.py:6 / now #1 os.listdir main.py:6" in text
    assert "likely: the code was edited" in text
    assert up.ak("session", "wait", "ses_edited", "--timeout", "90")["result"] == "done"
    assert "likely: the code was edited" in up.run("session", "show", "ses_edited").stdout


async def connected(up) -> Client:
    """The Temporal server of an ``ak up``."""
    return await Client.connect(up.ready["temporal"], data_converter=data_converter())


async def begin(up) -> None:
    """Start the session by Temporal's client, so that failing tasks are tried again soon."""
    client = await connected(up)
    await client.start_workflow(
        "main.py:on_event", id="ses_edited", task_queue="edited", task_timeout=dt.timedelta(seconds=2)
    )


async def move_and_go(up, version: str) -> None:
    """Move it as Temporal's own command line does, and let it go on."""
    client = await connected(up)
    handle = client.get_workflow_handle("ses_edited")
    assert await moving.move(client, "edited", "ses_edited", (await handle.describe()).run_id, version)
    await handle.signal("go", 1)
