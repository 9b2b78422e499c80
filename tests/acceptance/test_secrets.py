"""Secrets: used in every way a program can, and readable nowhere. New credentials reach sessions that wait.

Length: one project that uses its secrets in every way, and every place in which they could stand.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import gzip
import os
import re
import shutil
import signal
import sqlite3
import subprocess
import threading
from pathlib import Path

import httpx
import pytest
from temporalio.client import Client

from tests.acceptance.conftest import ROOT
from tests.helpers.ak import AK, AkUp, gone, running
from tests.helpers.projects import write
from tests.helpers.vendor import serving
from tests.helpers.waiting import eventually_sync
from worker.masking import forms

TOKEN = "t0p-secret/t+ken&%1"
BOT = "xoxb-bot-token-42-first"
SECOND = "xoxb-bot-token-42-second"
THIRD = "xoxb-bot-token-42-third"
LITERAL = "literal-secret-in-the-manifest"
PEM = (
    '-----BEGIN KEY-----\nMIIEpAIBAAKCAQEAq7Z"quoted"\n'
    + "\n".join(f"{n}Abc9{'zQ' * 25}" for n in range(4))
    + "\n-----END KEY-----"
)
WAITS = """
    import os
    from autokitteh import wait_for_signal
    from autokitteh.slack import slack_client

    def connect():
        return slack_client("chat", base_url=os.environ["VENDOR_URL"] + "/")

    def waits(event):
        slack = connect()
        slack.auth_test()
        print("1 before")
        while wait_for_signal("wake", timeout=90) == "again":
            slack.auth_test()
            connect().auth_test()
            print("2 after")
        slack.auth_test()
        connect().auth_test()
        return os.environ["MODE"]

    def once(event):
        connect().auth_test()
        return os.environ["MODE"]
"""
EXTRA = """
connections:
  - {name: chat, integration: slack, vars: [{name: BotToken, value: xoxb-bot-token-42-first, secret: true}]}
vars:
  - {name: MODE, value: first}
  - {name: VENDOR_URL, value: "VENDOR"}
"""
BASE64 = re.compile(rb"[A-Za-z0-9+/_-]{16,}")


@contextlib.contextmanager
def vendors_server():
    """The vendors' server."""
    with serving() as served:
        served.answers = {"/post": {"ok": True}, "/auth.test": {"ok": True, "url": "https://team.example"}}
        yield served


@contextlib.contextmanager
def installation(folder, vendor):
    """A running ``ak up`` with the project; every command line of the machine is looked at meanwhile."""
    home, project = folder / "home", folder / "project"
    shutil.copytree(ROOT / "tests" / "projects" / "secretive", project)
    watch = Watch()
    with running(home, project) as started, watch:
        started.watch = watch
        for name, value in (("TOKEN", TOKEN), ("PEM", PEM)):
            given(started, value, "var", "set", "secretive", name, "--secret", "--no-deploy")
        given(
            started, BOT, "var", "set", "secretive", "BotToken", "-", "-c", "chat", "--secret", "--no-deploy"
        )
        started.ak("var", "set", "secretive", "VENDOR_URL", vendor.url)
        yield started
        assert started.stop() == 0, started.log()


@pytest.fixture(scope="module")
def vendor():
    """The vendors' server."""
    with vendors_server() as served:
        yield served


@pytest.fixture(scope="module")
def up(tmp_path_factory, vendor):
    """The installation in which variables and credentials are changed."""
    with installation(tmp_path_factory.mktemp("secrets"), vendor) as started:
        yield started


class Watch(threading.Thread):
    """Remembers every command line of this machine."""

    def __init__(self):
        super().__init__()
        self.seen: set[bytes] = set()
        self.over = threading.Event()

    def run(self):
        """Look, again and again."""
        while not self.over.wait(0.05):
            for entry in Path("/proc").glob("[0-9]*/cmdline"):
                try:
                    self.seen.add(entry.read_bytes())
                except OSError:
                    continue

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_error):
        self.over.set()
        self.join()


def given(up: AkUp, text: str, *arguments: str) -> str:
    """Run a command with something on standard input; returns all it says."""
    done = subprocess.run(
        [AK, *arguments],
        env=up.environment,
        input=text,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout + done.stderr


def decoded(data: bytes, depth: int = 3) -> bytes:
    """The bytes, and what their base64 and gzip hold."""
    parts = [data]
    if depth:
        for run in BASE64.findall(data):
            for start in range(4):
                cut = run[start:].replace(b"-", b"+").replace(b"_", b"/")
                inner = base64.b64decode(cut[: len(cut) // 4 * 4])
                parts.append(inner)
                if inner.startswith(b"\x1f\x8b"):
                    parts.append(gzip.decompress(inner))
    return b"\0".join(parts)


def found_in(data: bytes, *secrets: str) -> list[str]:
    """Which forms of the secrets stand in the data, with what is around them."""
    return [
        f"{secret[:6]}… as {form or 'itself'}: {data[max(0, data.find(text.encode()) - 80) :][:160]!r}"
        for secret in secrets
        for text, form in {**forms(secret), **lines_of(secret)}.items()
        if text.encode() in data
    ]


def lines_of(secret: str) -> dict[str, str]:
    """The telling lines of a secret of several."""
    return {line: "a line of it" for line in secret.splitlines() if len(line) > 30} if "\n" in secret else {}


async def histories(address: str) -> dict[str, bytes]:
    """Every history, as Temporal keeps it, with every payload's content decoded."""
    client = await Client.connect(address)
    kept = {}
    async for execution in client.list_workflows(""):
        handle = client.get_workflow_handle(execution.id, run_id=execution.run_id)
        history = await handle.fetch_history()
        description = await handle.describe()
        raw = b"".join(event.SerializeToString() for event in history.events)
        kept[execution.id] = decoded(raw) + decoded(description.raw_description.SerializeToString())
    return kept


def database(path: Path) -> bytes:
    """An SQLite file with its log, as bytes and row by row."""
    raw = b"".join(part.read_bytes() for part in path.parent.glob(f"{path.name}*"))
    rows = []
    with contextlib.closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as connection:
        for (table,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall():
            if table == "builds":  # the user's own files
                continue
            for row in connection.execute(f'SELECT * FROM "{table}"'):
                rows += [
                    cell.encode() if isinstance(cell, str) else cell
                    for cell in row
                    if isinstance(cell, str | bytes)
                ]
    return raw + b"\0".join(decoded(row) for row in rows)


def ended(up: AkUp, count: int) -> list[dict]:
    """The sessions of the project, once none runs."""

    def none_runs():
        found = up.ak("session", "list", "secretive", "--limit", "50")
        return (
            found
            if len(found) >= count and all(s["state"] not in {"running", "created"} for s in found)
            else None
        )

    return eventually_sync(none_runs)


def test_secrets_are_readable_nowhere(tmp_path):
    """They reach the vendor, the caller and the child, and stand in no history, database, log, output or process list."""
    # An installation of its own: the other tests change what this one looks for.
    with vendors_server() as vendor, installation(tmp_path, vendor) as up:
        look_everywhere(up, vendor)


def look_everywhere(up, vendor):
    """Use the secrets in every way, and look for them in every place."""
    urls = up.ak("deploy", str(up.directories[0]))["webhooks"]
    assert httpx.post(urls["hook"]).status_code == 202
    assert httpx.post(urls["whole"]).status_code == 202
    answer = httpx.post(urls["ask"], timeout=60)
    assert (answer.text, answer.headers["X-Token"]) == (f"the token is {TOKEN}", TOKEN)
    sessions = ended(up, 4)
    main = next(item for item in sessions if item["handler"] == "main.py:every_way")
    assert main["state"] == "completed", up.ak("session", "get", main["id"])["error"]
    assert next(item for item in sessions if item["handler"] == "main.py:child")["state"] == "error"
    assert {header for path, header, _ in vendor.seen if path == "/auth.test"} == {f"Bearer {BOT}"}
    basic = "Basic " + base64.b64encode(f"user:{TOKEN}".encode()).decode()
    assert [header for path, header, _ in vendor.seen if path == "/post"] == [basic, basic]

    secrets = (TOKEN, BOT, PEM, LITERAL)
    told = "".join(
        up.run(*command, *json).stdout
        for json in ((), ("--json",))
        for command in [
            ("var", "list", "secretive"),
            ("value", "list", "secretive"),
            ("value", "get", "secretive", "kept"),
            ("session", "list"),
            ("event", "list", "secretive"),
            *[("session", verb, item["id"]) for item in sessions for verb in ("get", "log")],
        ]
    )
    marker = "plain-marker-1234"  # what is no secret is found with the same means
    assert found_in(asyncio.run(histories(up.ready["temporal"]))[main["id"]], marker)
    assert found_in(database(up.home / "autokitteh.db"), marker)
    prints = up.prints(main["id"])
    assert prints[0] == "printed ••••••"
    assert found_in(told.encode(), *secrets) == []
    for session, history in asyncio.run(histories(up.ready["temporal"])).items():
        assert found_in(history, *secrets) == [], session
    assert found_in(database(up.home / "autokitteh.db"), *secrets) == []
    # What a process writes reaches its file through the supervisor, a moment later.
    logs = lambda: "".join(path.read_text() for path in (up.home / "logs").iterdir())  # noqa: E731
    eventually_sync(lambda: "sub ••••••" in logs())
    own_files = [
        path
        for path in up.home.rglob("*")
        if path.is_file() and path.relative_to(up.home).parts[0] != "builds"
    ]
    for path in own_files:
        assert found_in(path.read_bytes(), *secrets) == [], path
    assert "TOKEN=••••••" in logs()
    assert "stderr ••••••" in told  # in the session's own log
    assert found_in(b"\0".join(up.watch.seen), *secrets) == []
    assert any(b"worker.process" in line for line in up.watch.seen)
    assert [entry for entry in up.ak("var", "list", "secretive", "--reveal") if entry["value"] == TOKEN]


def test_new_token_reaches_sessions_that_wait(up, vendor, tmp_path):
    """Without a deployment: the next call has it, on old and draining versions, on a client made before, after a crash."""
    project = write(
        tmp_path / "p",
        "rotating",
        {"main.py": WAITS},
        triggers="- {name: go, type: webhook, call: 'main.py:once'}",
        extra=EXTRA.replace('VENDOR"', f'{vendor.url}"'),
    )
    first = up.ak("deploy", str(project))["deployment"]
    session = up.ak("session", "start", "rotating", "main.py:waits")
    vendor.seen.clear()
    eventually_sync(lambda: up.prints(session["id"]) == ["1 before"])
    said = given(up, SECOND, "var", "set", "rotating", "BotToken", "-c", "chat", "--secret")
    assert "running sessions use it from their next call on" in said
    eventually_sync(lambda: told(up, vendor, session["id"]) == [SECOND, SECOND], 10)
    assert sorted(tokens(vendor), key=[BOT, SECOND].index) == tokens(vendor)

    up.ak("var", "set", "rotating", "MODE", "other")  # a project's variable: another deployment
    given(up, THIRD, "var", "set", "rotating", "BotToken", "-c", "chat", "--secret")
    kill_build_processes(up)
    vendor.seen.clear()
    wake(up, session["id"], "end")
    ended = up.ak("session", "wait", session["id"], "--timeout", "60")
    assert (ended["state"], ended["deployment"], ended["result"]) == (
        "completed",
        first,
        "first",
    )
    assert tokens(vendor) == [THIRD, THIRD]
    fresh = up.ak("session", "start", "rotating", "main.py:once", "--wait")
    assert (fresh["result"], tokens(vendor)[-1]) == ("other", THIRD)
    assert fresh["deployment"] != first
    assert up.ak("deploy", str(project))["changed"] is False
    for history in asyncio.run(histories(up.ready["temporal"])).values():
        assert found_in(history, BOT, SECOND, THIRD) == []


def test_variable_the_code_reads_is_deployed(up):
    """Where the project itself reads a connection's variable, new sessions get the new one by a deployment."""
    said = given(up, SECOND, "var", "set", "secretive", "BotToken", "-c", "chat", "--secret")
    assert "deployed as dep_" in said


@pytest.mark.parametrize(
    ("arguments", "text", "said"),
    [
        (["TOKEN", "abc", "--secret", "--no-deploy"], "", "stood in the process list"),
        (["TOKEN", "--secret", "--no-deploy"], "abc", "fewer than 6 characters"),
        (["9TOKEN", "x"], "", "is no name for a variable"),
        (["A", "x", "-c", "nobody"], "", "Connections: chat"),
        (["A", "x", "--file", "/dev/null"], "", "exclude each other"),
        (["A", "--file", "/nowhere/at/all"], "", "/nowhere/at/all cannot be read"),
    ],
    ids=["seen", "short", "name", "connection", "two", "file"],
)
def test_setting_variables_says_what_is_wrong(up, arguments, text, said):
    """Weak secrets are warned of; wrong names change nothing."""
    done = subprocess.run(
        [AK, "var", "set", "secretive", *arguments],
        env=up.environment,
        input=text,
        capture_output=True,
        text=True,
        check=False,
    )
    assert said in done.stderr
    assert (done.returncode == 0) == (arguments[0] == "TOKEN")


def test_secrets_come_from_files_and_keep_what_they_are(up, tmp_path):
    """A file's text without its last line break; what was secret stays secret, unless it is said to be plain."""
    (tmp_path / "f").write_text("from-a-file\n")
    up.ak(
        "var",
        "set",
        "secretive",
        "OWN",
        "--file",
        str(tmp_path / "f"),
        "--secret",
        "--description",
        "mine",
        "--no-deploy",
    )
    assert up.ak("var", "set", "secretive", "OWN", "-", "--no-deploy")["secret"] is True
    up.ak("var", "set", "secretive", "OWN", "--file", str(tmp_path / "f"), "--no-deploy")
    own = lambda *more: next(v for v in up.ak("var", "list", "secretive", *more) if v["name"] == "OWN")  # noqa: E731
    assert (own()["value"], own()["description"], own("--reveal")["value"]) == (None, "mine", "from-a-file")
    assert up.ak("var", "set", "secretive", "OWN", "seen", "--plain", "--no-deploy")["secret"] is False
    assert own()["value"] == "seen"


def tokens(vendor) -> list[str]:
    """The tokens that came, in order."""
    return [header.removeprefix("Bearer ") for _, header, _ in vendor.seen]


def told(up, vendor, session: str) -> list[str]:
    """The tokens of the session's next two calls."""
    before = len(up.prints(session))
    wake(up, session, "again")
    eventually_sync(lambda: len(up.prints(session)) > before)
    return tokens(vendor)[-2:]


def wake(up, session: str, payload: str) -> None:
    """Signal a session."""

    async def send() -> None:
        """Through Temporal's client."""
        client = await Client.connect(up.ready["temporal"])
        await client.get_workflow_handle(session).signal("wake", payload)

    asyncio.run(send())


def kill_build_processes(up) -> None:
    """SIGKILL; the supervisor starts them again."""
    killed = up.build_pids()
    for pid in killed:
        os.kill(pid, signal.SIGKILL)
    gone(killed)
