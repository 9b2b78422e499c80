"""Moving open sessions to new code, going back to old code, taking no new work, and what happens when code does not fit."""

from __future__ import annotations

import asyncio
import datetime as dt
import os
import signal
import urllib.error
import urllib.request
from pathlib import Path

import pytest
from temporalio.api.common.v1 import Payload
from temporalio.client import Client
from temporalio.common import RawValue

from tests.helpers import golden
from tests.helpers.ak import CommandError
from tests.helpers.projects import write
from tests.helpers.waiting import eventually_sync
from worker import moving
from worker.config import Settings
from worker.payload.converter import data_converter
from worker.store import open_store

WAITING = """
    import os
    import autokitteh

    def on_event(event):
        print("{version} begins", os.getenv("MODE"))
        os.stat("/{first}")
        autokitteh.next_signal("go")
        print("{version} ends")
        return "{version}"

    def on_other(event):
        os.stat("/tmp")
        {call}
        autokitteh.next_signal("go")
        return "{version} other"
"""
HOOK = """
    - {name: hook, type: webhook, call: "main.py:on_event"}
    - {name: nightly, schedule: "0 3 * * *", call: "main.py:on_event"}
"""


def code(version: str, *, call: str = "os.listdir('/opt')", first: str = "etc") -> dict[str, str]:
    """The handlers in one version."""
    return {"main.py": WAITING.format(version=version, call=call, first=first)}


def mode(value: str) -> str:
    """A manifest's variable MODE."""
    return f"vars:\n  - {{name: MODE, value: {value}}}\n"


async def connected(up) -> Client:
    """The Temporal server of an ``ak up``."""
    return await Client.connect(up.ready["temporal"], data_converter=data_converter())


def begin(up, project: str, handler: str, identifier: str, *, task_seconds: float = 2) -> str:
    """Start a session whose failing tasks are tried again soon."""

    async def start() -> str:
        """By Temporal's client."""
        handle = await (await connected(up)).start_workflow(
            handler, id=identifier, task_queue=project, task_timeout=dt.timedelta(seconds=task_seconds)
        )
        return handle.id

    return asyncio.run(start())


def go(up, session: str) -> None:
    """Send the signal a session waits for."""

    async def send() -> None:
        """By Temporal's client, as from its UI."""
        await (await connected(up)).get_workflow_handle(session).signal("go", 1)

    asyncio.run(send())


@pytest.fixture(scope="module")
def store(up):
    """The store itself, for what is waited for: a command each time would be slow."""
    found = Settings.load({**up.environment})
    opened = open_store(found.database_url, secret_key=found.installation_key())
    yield opened
    opened.close()


def errors(store, session: str) -> list[str]:
    """The error lines of a session's log."""
    return [line.text for line in store.log.read(session) if line.kind == "error"]


def waits_for(store, session: str, call: str) -> bool:
    """Whether the session has made this call and waits for its signal."""
    lines = [line.text for line in store.log.read(session)]
    return any(call in line for line in lines) and any("_signal" in line for line in lines)


def test_migrate_moves_what_fits_and_what_does_not_fit_goes_back_by_itself(up, store, tmp_path):
    """One session goes on with the new code. The other stays; moved by hand, it is back on the code that recorded it."""
    project = write(tmp_path / "p", "moved", code("one"))
    first = up.ak("deploy", str(project))["deployment"]
    fits = up.ak("session", "start", "moved", "main.py:on_event")["id"]
    other = begin(up, "moved", "main.py:on_other", "ses_other")
    eventually_sync(lambda: waits_for(store, fits, "/etc") and waits_for(store, other, "/opt"), 30)
    edited = code("two", call="os.stat('/opt')")["main.py"].replace('os.stat("/etc")', 'os.stat("/" + "etc")')
    write(project, "moved", {"main.py": edited})
    answer = up.ak("deploy", str(project), "--migrate")
    second = answer["deployment"]
    verdicts = {item["id"]: (item["verdict"], item["moved"]) for item in answer["sessions"]["sessions"]}
    assert verdicts == {fits: ("moves", True), other: ("breaks", False)}
    where = {item["id"]: item["deployment"] for item in up.ak("session", "list", "moved")}
    assert where == {fits: second, other: first}
    version = up.ak("deployment", "get", second)["version"]

    async def move() -> None:
        """As with Temporal's own command line."""
        client = await connected(up)
        run = (await client.get_workflow_handle(other).describe()).run_id
        assert await moving.move(client, "moved", other, run, version)

    asyncio.run(move())
    assert up.ak("session", "get", other)["deployment"] == second
    for session in (fits, other):
        go(up, session)
    assert up.ak("session", "wait", fits, "--timeout", "60")["result"] == "two"
    assert up.prints(fits) == ["one begins None", "two ends"]
    entries = up.ak("session", "show", fits)["runs"][0]["entries"]
    sources = [item["source"] for item in entries if "os.stat" in item["text"]]
    assert sources == ['os.stat("/etc")']  # of the build that made the call, not of the one it was moved to
    ended = up.ak("session", "wait", other, "--timeout", "90")
    assert (ended["result"], ended["deployment"]) == ("one other", first)
    (told,) = errors(store, other)
    assert "recorded #2 os.listdir main.py:14 / now #2 os.stat main.py:14" in told
    assert "likely: the code was edited" in told
    assert "It goes back to the version that recorded it" in told


def test_check_and_migrate_exclude_each_other(up, tmp_path):
    """One changes nothing, the other does: a usage error."""
    done = up.run("deploy", str(tmp_path), "--check", "--migrate", check=False)
    assert (done.returncode, "AK1001" in done.stderr) == (2, True)


def test_activate_goes_back_to_an_old_deployment_with_its_configuration(up, store, tmp_path):
    """A changed variable is a deployment of the same build; the one before is activated when its process is gone."""
    project = write(tmp_path / "p", "back", code("one"), extra=mode("a"))
    first = up.ak("deploy", str(project))
    up.ak("var", "set", "back", "MODE", "b")
    eventually_sync(lambda: store.deployments.get(first["deployment"]).state == "inactive", 60)
    listed = up.ak("deployment", "list", "back")
    assert [(item["state"], item["build"]) for item in listed] == [
        ("active", first["build"]),
        ("inactive", first["build"]),
    ]
    golden.check(up.run("deployment", "list", "back").stdout, "deployment/list")
    open_one = up.ak("session", "start", "back", "main.py:on_event")["id"]
    eventually_sync(lambda: waits_for(store, open_one, "/etc"), 30)
    answer = up.ak("deployment", "activate", first["deployment"], "--migrate")
    assert (answer["changed"], answer["sessions"]["moved"]) == (True, 1)
    go(up, open_one)
    assert up.ak("session", "wait", open_one, "--timeout", "60")["deployment"] == first["deployment"]
    session = up.ak("session", "start", "back", "main.py:on_event")["id"]
    eventually_sync(lambda: up.prints(session) == ["one begins a"], 30)
    assert up.ak("deployment", "activate", first["deployment"][:12])["changed"] is False
    shown = up.ak("deployment", "get", "back")
    assert (shown["id"], shown["sessions"], shown["variables"]) == (first["deployment"], 1, ["MODE"])
    golden.check(up.run("deployment", "get", "back").stdout, "deployment/get", VERSION=shown["version"])
    assert up.run("deployment", "get", "dep_nothing", check=False).returncode == 4
    go(up, session)


SAYS = """
    import autokitteh
    import idna

    def on_event(event):
        return ["{version}", idna.__version__]

    def waits(event):
        autokitteh.next_signal("go")
        return on_event(event)
"""


def test_activate_goes_back_to_old_code_and_old_libraries(up, store, tmp_path):
    """Each deployment is its code and its requirements; a session ends on the one it began on."""

    def deploy(version: str, library: str) -> dict:
        """Deploy code that says this, with this version of a library."""
        files = {"main.py": SAYS.format(version=version), "requirements.txt": f"idna=={library}\n"}
        return up.ak("deploy", str(write(tmp_path / "p", "codes", files)))

    def says() -> list[str]:
        """What a new session says."""
        return up.ak("session", "start", "codes", "main.py:on_event", "--wait")["result"]

    first, second, third = deploy("one", "3.6"), deploy("two", "3.6"), deploy("two", "3.7")
    assert first["build"] != second["build"]
    assert second["build"] == third["build"]
    assert len({item["deployment"] for item in (first, second, third)}) == 3
    assert [(item["action"], item["name"]) for item in third["actions"]] == [("update", "requirements.txt")]
    assert says() == ["two", "3.7"]
    waiting = up.ak("session", "start", "codes", "main.py:waits")["id"]
    eventually_sync(lambda: store.mailbox.awaited([waiting]), 30)
    for older, said in ((first, ["one", "3.6"]), (second, ["two", "3.6"])):
        answer = up.ak("deployment", "activate", older["deployment"])
        assert (answer["changed"], answer["build"]) == (True, older["build"])
        assert says() == said
    up.run("project", "export", "codes", "--to", str(tmp_path / "out"))
    assert (tmp_path / "out" / "requirements.txt").read_text() == "idna==3.6\n"
    go(up, waiting)
    ended = up.ak("session", "wait", waiting, "--timeout", "60")
    assert (ended["result"], ended["deployment"]) == (["two", "3.7"], third["deployment"])


def test_deactivated_project_takes_no_new_work_and_goes_on_with_the_old(up, store, tmp_path):
    """Webhooks answer 404, schedules go, the open session goes on; activating it brings everything back."""
    project = write(tmp_path / "p", "quiet", code("one"), triggers=HOOK)
    deployed = up.ak("deploy", str(project))
    session = up.ak("session", "start", "quiet", "main.py:on_event")["id"]
    eventually_sync(lambda: waits_for(store, session, "/etc"), 30)
    eventually_sync(lambda: schedules(up, "quiet") == ["quiet:nightly"], 30)
    assert up.ak("deployment", "deactivate", "quiet")["state"] == "draining"
    assert status(deployed["webhooks"]["hook"]) == 404
    eventually_sync(lambda: schedules(up, "quiet") == [], 30)
    with pytest.raises(CommandError, match="no active deployment"):
        up.ak("session", "start", "quiet", "main.py:on_event")
    with pytest.raises(CommandError, match="not active"):
        up.ak("deployment", "deactivate", deployed["deployment"])
    go(up, session)
    assert up.ak("session", "wait", session, "--timeout", "60")["result"] == "one"
    up.ak("deployment", "activate", deployed["deployment"])
    assert status(deployed["webhooks"]["hook"]) == 202
    eventually_sync(lambda: schedules(up, "quiet") == ["quiet:nightly"], 30)


def schedules(up, project: str) -> list[str]:
    """The project's schedules in Temporal."""

    async def ask() -> list[str]:
        """By Temporal's client."""
        entries = await (await connected(up)).list_schedules()
        return [entry.id async for entry in entries if entry.id.startswith(f"{project}:")]

    return asyncio.run(ask())


def status(url: str) -> int:
    """The status of a POST."""
    try:
        with urllib.request.urlopen(urllib.request.Request(url, data=b"{}"), timeout=30) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        with error:
            return error.code


DEPENDS = """
    import os
    import autokitteh

    def on_event(event):
        if open("{flag}").read() == "stat":
            os.stat("/etc")
        else:
            os.listdir("/etc")
        autokitteh.next_signal("go")
        return "done"
"""


def test_session_that_does_not_fit_its_own_code_waits_and_says_why(up, store, tmp_path):
    """It is visible as waiting, its log says it once, and it goes on when what it depends on is as it was."""
    flag = tmp_path / "flag"
    flag.write_text("stat")
    project = write(tmp_path / "p", "waits", {"main.py": DEPENDS.format(flag=flag)})
    build = up.ak("deploy", str(project))["build"]
    session = begin(up, "waits", "main.py:on_event", "ses_waits")
    eventually_sync(lambda: waits_for(store, session, "/etc"), 30)
    assert up.ak("session", "get", session)["problem"] is None
    flag.write_text("listdir")
    for pid in up.build_pids():
        if str(Path(f"/proc/{pid}/cwd").readlink()).endswith(build):
            os.kill(pid, signal.SIGKILL)
    go(up, session)
    eventually_sync(lambda: errors(store, session), 60)
    eventually_sync(lambda: up.ak("session", "get", session)["problem"], 60)
    shown = up.ak("session", "get", session)
    assert (shown["state"], shown["problem"]["code"]) == ("running", "AK1600")
    listed = {item["id"]: item for item in up.ak("session", "list", "waits")}
    assert listed[session]["problem"]["code"] == "AK1600"
    assert "running, waits (AK1600)" in up.run("session", "list", "waits").stdout
    (told,) = errors(store, session)
    assert "recorded #1 os.stat main.py:7 / now #1 os.listdir main.py:9" in told
    assert "the handler depends on what can change" in told
    assert f"ak session stop {session} --force" in told
    golden.check(told, "deployment/waits")
    flag.write_text("stat")
    ended = up.ak("session", "wait", session, "--timeout", "90")
    assert (ended["result"], ended["problem"]) == ("done", None)
    assert len(errors(store, session)) == 1


def test_session_with_a_value_that_cannot_be_read_waits_and_says_so(up, store, tmp_path):
    """A reference to a large value that is in no store: no task of the session can begin."""
    lost = Payload(metadata={"encoding": b"json/plain", "autokitteh-blob": b"blob_lost"}, data=b"{}")
    if store.deployments.active("waits") is None:
        up.ak("deploy", str(write(tmp_path / "p", "waits", {"main.py": DEPENDS.format(flag="flag")})))

    async def start() -> None:
        """By Temporal's client, as another program would."""
        await (await connected(up)).start_workflow(
            "main.py:on_event",
            RawValue(lost),
            id="ses_unreadable",
            task_queue="waits",
            task_timeout=dt.timedelta(seconds=2),
        )

    asyncio.run(start())
    eventually_sync(lambda: errors(store, "ses_unreadable"), 30)
    eventually_sync(lambda: up.ak("session", "get", "ses_unreadable")["problem"], 30)
    listed = {item["id"]: item for item in up.ak("session", "list", "waits")}
    assert listed["ses_unreadable"]["problem"]["code"] == "AK1601"
    assert "a large value is not in the store: blob_lost" in listed["ses_unreadable"]["problem"]["message"]
    assert "--force ends it without them" in up.run("session", "stop", "ses_unreadable").stderr
    stopped = up.ak("session", "stop", "ses_unreadable", "--force")
    assert (stopped["state"], stopped["problem"]) == ("stopped", None)
