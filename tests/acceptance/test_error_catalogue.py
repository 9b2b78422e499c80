"""Each example on the page of errors that needs a running ``ak up`` prints what stands there; the page is the golden file.

The programs of the page are one project; commands run in this process, on that home. An example's session (``ses_…``)
has run its program to the end, unless what comes before its first command is told here.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import os
import shlex
import signal
from collections.abc import Callable
from pathlib import Path

import pytest
from temporalio.api.common.v1 import Payload
from temporalio.client import Client
from temporalio.common import RawValue

from tests.helpers import catalogue
from tests.helpers.ak import AkUp
from tests.helpers.projects import write
from tests.helpers.waiting import eventually_sync
from worker.cli import main
from worker.config import Settings
from worker.contracts import LINE_STATE, LogBatch, LogLine
from worker.payload.converter import data_converter
from worker.retention import LEASE
from worker.store import Store, open_store

EXAMPLES = [example for example in catalogue.examples() if example.up]
FORGED = {"preview": "Order", "pickle": "gASVAAAAAAAAAA=="}


class World:
    """What an example may need: the server, the store, the places that the page calls by other names."""

    def __init__(self, up: AkUp, store: Store, directory: Path) -> None:
        self.up = up
        self.store = store
        self.directory = directory
        self.shop = directory / "srv"
        self.names = {
            "~/.autokitteh": str(up.home),
            "127.0.0.1:9980": up.ready["gateway"].removeprefix("http://"),
            "/srv/shop": str(self.shop),
            "http://127.0.0.1:8233": up.ready["ui"],
            "127.0.0.1:7233": up.ready["temporal"],
        }

    def files(self, *names: str) -> dict[str, str]:
        """Programs of the page, with the paths of this run."""
        found = catalogue.project()
        return {name: found[name].replace("/srv/shop", str(self.shop)) for name in names or found}

    async def client(self) -> Client:
        """Temporal's own, as a program of somebody else has it."""
        return await Client.connect(self.up.ready["temporal"], data_converter=data_converter())

    def begin(self, handler: str, project: str = "shop", *arguments: object, identifier: str) -> str:
        """Start a session whose failing tasks are tried again soon."""

        async def start() -> str:
            """By Temporal's client."""
            client = await self.client()
            options = {"id": identifier, "task_queue": project, "task_timeout": dt.timedelta(seconds=2)}
            return (await client.start_workflow(handler, args=arguments, **options)).id

        return asyncio.run(start())

    def count(self, query: str) -> int:
        """How many sessions Temporal finds."""

        async def ask() -> int:
            """By Temporal's client."""
            return (await (await self.client()).count_workflows(query)).count

        return asyncio.run(ask())

    def signal(self, session: str, value: object) -> None:
        """Send what a session waits for, past us."""

        async def send() -> None:
            """By Temporal's client."""
            await (await self.client()).get_workflow_handle(session).signal("approved", value)

        asyncio.run(send())

    def told(self, session: str, *texts: str) -> None:
        """Return once the session's log says all of this."""

        def has() -> bool:
            """In any of its lines."""
            lines = [line.text for line in self.store.log.read(session)]
            return all(any(text in line for line in lines) for text in texts)

        eventually_sync(has, 60)

    def started(self, example: catalogue.Example) -> str:
        """The session of an example's program, which has ended; it is what the commands call ``ses_…``."""
        session = self.up.ak("session", "start", "shop", f"{example.files[0][0]}:on_event", "--wait")
        return str(session["id"])


def waiting(world: World, example: catalogue.Example) -> str:
    """A session that goes on."""
    session = world.begin("patient.py:on_event", identifier=f"ses_0000000000000000000{example.code.lower()}")
    world.told(session, "await_signal")
    return session


def slow(world: World, _example: catalogue.Example) -> str:
    """A session that waits for a signal after its first step."""
    session = world.begin("slow.py:on_event", identifier="ses_000000000000000000slow")
    world.told(session, "await_signal")
    return session


def forged(world: World, _example: catalogue.Example) -> str:
    """A session got a signal that claims to be ours."""
    session = world.begin("signals.py:on_event", identifier="ses_00000000000000000forged")
    world.told(session, "await_signal")
    world.signal(session, FORGED)
    world.told(session, "completed")
    return session


def changed_file(world: World, _example: catalogue.Example) -> str:
    """A file was changed, and the process killed: the session is replayed and finds it."""
    (world.shop / "mode").write_text("")
    files = {**world.files("refund.py"), "invoices.py": recorded_invoices(world)}
    triggers = "- {name: go, type: webhook, call: 'refund.py:on_event'}"
    world.up.ak("deploy", str(write(world.directory / "refunds", "refunds", files, triggers=triggers)))
    session = world.begin("refund.py:on_event", "refunds", identifier="ses_00000000000000000refund")
    world.told(session, "await_signal")
    (world.shop / "mode").write_text("careful")
    build = world.store.deployments.active("refunds").build_id
    for pid in world.up.build_pids():
        if str(Path(f"/proc/{pid}/cwd").readlink()).endswith(build):
            os.kill(pid, signal.SIGKILL)
    world.signal(session, 1)
    world.told(session, "AK1600")
    return session


def recorded_invoices(world: World) -> str:
    """The first of the two programs of that name."""
    (example,) = [example for example in EXAMPLES if example.code == "AK1602"]
    return example.files[0][1].replace("/srv/shop", str(world.shop))


def lost(world: World, _example: catalogue.Example) -> str:
    """A session whose data is in no database."""
    name = f"blob_{'0' * 64}".encode()
    data = RawValue(Payload(metadata={"encoding": b"json/plain", "autokitteh-blob": name}, data=b"{}"))
    session = world.begin("patient.py:on_event", "shop", data, identifier="ses_000000000000000000lost")
    world.told(session, "AK1601")
    return session


def edited(world: World, _example: catalogue.Example) -> str:
    """A session ended, then its program was edited."""
    project = {"refund.py": "def on_event(event):\n    pass\n", "invoices.py": recorded_invoices(world)}
    triggers = "- {name: go, type: webhook, call: 'invoices.py:on_event'}"
    where = world.directory / "invoices"
    world.up.ak("deploy", str(write(where, "invoices", project, triggers=triggers)))
    session = world.up.ak("session", "start", "invoices", "invoices.py:on_event", "--wait")
    project |= world.files("invoices.py")
    world.up.ak("deploy", str(write(where, "invoices", project, triggers=triggers)))
    return str(session["id"])


def session_of(world: World, program: str, suffix: str, *texts: str) -> str:
    """A session of a program, once its log says all of this."""
    session = world.begin(f"{program}:on_event", identifier=f"ses_{suffix:0>24}")
    world.told(session, *texts)
    return session


def waits(world: World, _example: catalogue.Example) -> str:
    """A session waits with a time limit."""
    return session_of(world, "kinds.py", "kinds", "await_signal")


def stopped(world: World, _example: catalogue.Example) -> str:
    """A session was stopped and has cleaned up."""
    session = session_of(world, "kinds.py", "stopped", "await_signal")
    world.up.ak("session", "stop", session)
    world.told(session, "stopped")
    return session


def forked(world: World, _example: catalogue.Example) -> str:
    """A session was forked."""
    session = session_of(world, "kinds.py", "forked", "await_signal")
    fork = str(world.up.ak("session", "fork", session, "--at", "2")["id"])
    world.told(fork, "await_signal")
    return fork


def restarted(world: World, _example: catalogue.Example) -> str:
    """A session has restarted itself twice, and ended."""
    session = world.begin("rounds.py:on_event", "shop", {}, identifier="ses_000000000000000000rounds")
    world.told(session, "completed")
    return session


def together(world: World, _example: catalogue.Example) -> str:
    """A session has subscribed while its thread sleeps."""
    return session_of(world, "together.py", "together", "listdir", "subscribe")


def alike(world: World, _example: catalogue.Example) -> str:
    """Two sessions have ids that begin alike."""
    for n in (1, 2):
        world.begin("greet.py:on_event", "elsewhere", identifier=f"ses_alike_{n}")
    eventually_sync(lambda: world.count('WorkflowId STARTS_WITH "ses_alike"') == 2, 30)
    return ""


def forgotten(world: World, _example: catalogue.Example) -> str:
    """A session's log is left; ``test_retention.py`` waits until Temporal has really deleted a history."""
    session = f"ses_{'forgotten':0>24}"
    lines = [
        LogLine(1, 0.0, LINE_STATE, "running", "greet.py:on_event"),
        LogLine(2, 1.0, LINE_STATE, "completed"),
    ]
    world.store.log.write([LogBatch("shop", session, "run", 1, lines)])
    return session


def never_run(world: World, _example: catalogue.Example) -> str:
    """A session of a project that is not deployed."""
    return world.begin("patient.py:on_event", "elsewhere", identifier="ses_00000000000000000elsewhere")


def breaking(world: World, _example: catalogue.Example) -> str:
    """A session ran, and then its module ends the process."""
    (world.shop / "broken").unlink(missing_ok=True)
    session = session_of(world, "fragile.py", "fragile", "completed")
    (world.shop / "broken").write_text("")
    return session


def parked(world: World, _example: catalogue.Example) -> str:
    """A project has an open session."""
    triggers = "- {name: go, type: webhook, call: 'patient.py:on_event'}"
    project = write(world.directory / "parked", "parked", world.files("patient.py"), triggers=triggers)
    world.up.ak("deploy", str(project))
    return world.begin("patient.py:on_event", "parked", identifier="ses_0000000000000000000parked")


def cleaning(world: World, _example: catalogue.Example) -> str:
    """Another process is cleaning."""
    eventually_sync(lambda: world.store.leases.take(LEASE, "another", 60), 30)
    return ""


def old_version(world: World, _example: catalogue.Example) -> str:
    """A session runs on the only version."""
    session_of(world, "patient.py", "version", "await_signal")
    return ""


BEFORE: dict[str, Callable[[World, catalogue.Example], str]] = {
    "AK1000-3": waiting,
    "AK1000-5": cleaning,
    "AK1001-5": slow,
    "AK1001-6": waits,
    "AK1001-7": stopped,
    "AK1001-8": forked,
    "AK1001-9": together,
    "AK1002-6": alike,
    "AK1002-8": forgotten,
    "AK1100-6": never_run,
    "AK1100-7": breaking,
    "AK1102-2": parked,
    "AK1401-1": forged,
    "AK1600-1": changed_file,
    "AK1601-1": lost,
    "AK1602-1": edited,
    "AK1800-6": restarted,
    "AK4010-1": old_version,
}


def after(text: str, wanted: str = "") -> str:
    """The lines that hold it, each with the next one; all of them where nothing is wanted."""
    lines = text.splitlines(keepends=True)
    at = [number for number, line in enumerate(lines) if wanted in line]
    return "".join(line for number in at for line in lines[number : number + 2]) if wanted else text


@pytest.fixture(scope="module")
def world(up, tmp_path_factory):
    """The page's project, deployed."""
    directory = tmp_path_factory.mktemp("errors")
    found = Settings.load({**up.environment})
    store = open_store(found.database_url, secret_key=found.installation_key())
    store.projects.ensure("bakery")  # asked for once, and never active
    made = World(up, store, directory)
    made.shop.mkdir()
    (made.shop / "mode").write_text("")
    (directory / "shop").mkdir()
    for name, text in made.files().items():
        (directory / "shop" / name).write_text(text)
    webhooks = up.ak("deploy", str(directory / "shop"))["webhooks"]
    gateway = "http://127.0.0.1:9980/webhooks"
    made.names = {f"{gateway}/{name}": url for name, url in webhooks.items()} | made.names
    yield made
    store.close()


@pytest.mark.parametrize("example", EXAMPLES, ids=str)
def test_what_went_wrong_is_told_as_the_page_shows_it(world, example, tmp_path, monkeypatch, capsys):
    """Produced for real, and read with the commands of the page."""
    (tmp_path / "long.txt").write_text("x" * 9000)
    (tmp_path / "taken").mkdir()
    (tmp_path / "taken" / "autokitteh.yaml").write_text("")
    for name, text in example.files:
        place = tmp_path / "failing" / name
        place.parent.mkdir(exist_ok=True)
        place.write_text(text)
    monkeypatch.chdir(tmp_path)
    begin = BEFORE.get(str(example), World.started if "ses_…" in example.console else None)
    session = begin(world, example) if begin is not None else ""
    for name, value in world.up.environment.items():
        monkeypatch.setenv(name, value)

    def run(line: str) -> str:
        """The command; ours in this process."""
        if not catalogue.is_ours(line):
            return catalogue.others(line, tmp_path)
        line, _, wanted = line.partition(" | grep -A1 ")
        changes, arguments = catalogue.words(line.replace("ses_…", session))
        with monkeypatch.context() as patch:
            for name, value in changes.items():
                patch.setenv(name, value)
            main.run(arguments)
        shown = capsys.readouterr()
        return after(shown.out + shown.err, *shlex.split(wanted))

    catalogue.check(example, run, world.names)
