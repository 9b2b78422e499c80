"""What comes of situations that no single command makes, as the page of errors shows it; the page is the golden file.

Each function makes one for real, in a directory and a home of its own; the first line of its docstring is what stands
on the page.

Length: one list of many small situations, read beside one page.
"""

from __future__ import annotations

import asyncio
import contextlib
import datetime as dt
import io
import os
import shutil
import socket
import sqlite3
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.helpers import catalogue
from tests.helpers.fake_store import AT, deployment
from worker import devserver
from worker.cli import context, doctor, main
from worker.config import Settings
from worker.errors import WorkerError
from worker.payload.signing import Signer, derive_keys
from worker.store import open_store
from worker.store.records import Connection, Service
from worker.store.sealing import Sealer
from worker.usercode import archive
from worker.usercode.code_cache import CodeCache

Run = Callable[..., str]
SITUATIONS: dict[str, Callable[[Place], object]] = {}
MANIFEST = "version: v2\nproject:\n  name: shop\n"
KEY = bytes(32)


class Place:
    """A directory, a home, and the commands in them."""

    def __init__(self, root: Path, monkeypatch: pytest.MonkeyPatch, run: Run) -> None:
        self.here = root / "here"
        self.home = root / "home"
        self.patch = monkeypatch
        self.ak = run

    def write(self, **files: str | bytes) -> None:
        """Files of the project; ``__`` stands for the dot in their names."""
        for name, content in files.items():
            path = self.here / name.replace("__", ".")
            path.write_bytes(content if isinstance(content, bytes) else content.encode())


def situation(make: Callable[[Place], object]) -> Callable[[Place], object]:
    """Register it by its first line."""
    assert make.__doc__
    SITUATIONS[make.__doc__.partition("\n")[0].rstrip(".")] = make
    return make


def packed(*members: tuple[str, bytes], size: int | None = None) -> bytes:
    """A build as somebody else might make it."""
    into = io.BytesIO()
    with tarfile.open(fileobj=into, mode="w:gz") as tar:
        for name, content in members:
            member = tarfile.TarInfo(name)
            member.size = len(content) if size is None else size
            tar.addfile(member, io.BytesIO(content if size is None else b"\0" * size))
    return into.getvalue()


@situation
def home_in_project(place: Place) -> object:
    """The home is the project's directory."""
    place.write(autokitteh__yaml=MANIFEST)
    place.patch.setenv("AK_HOME", str(place.here))
    return place.ak("deploy")


@situation
def link_to_nothing(place: Place) -> object:
    """A link in the project leads to nothing."""
    place.write(autokitteh__yaml=MANIFEST)
    (place.here / "data").symlink_to("nothing")
    return place.ak("deploy")


@situation
def link_outside(place: Place) -> object:
    """A link in the project leads out of it."""
    place.write(autokitteh__yaml=MANIFEST)
    (place.here / "data").symlink_to("/etc")
    return place.ak("deploy")


@situation
def strange_name(place: Place) -> object:
    """The name of a file is not text."""
    place.write(autokitteh__yaml=MANIFEST)
    Path(os.fsdecode(bytes(place.here) + b"/data\xff")).write_text("")
    return place.ak("deploy")


@situation
def large_project(place: Place) -> object:
    """The project is too large."""
    place.write(autokitteh__yaml=MANIFEST)
    with (place.here / "data").open("wb") as file:
        file.truncate(archive.LIMIT_BYTES + 1)
    return place.ak("deploy")


@situation
def damaged_build(place: Place) -> object:
    """The stored build of a deployment is damaged."""
    archive.unpack(b"no archive", place.here / "build")
    return ""


@situation
def build_leads_out(place: Place) -> object:
    """Somebody else wrote a build that would lead out of its directory."""
    archive.unpack(packed(("../out", b"x")), place.here / "build")
    return ""


@situation
def build_too_large(place: Place) -> object:
    """Somebody else wrote a build that would fill the disk."""
    archive.unpack(packed(("data", b""), size=archive.LIMIT_BYTES + 1), place.here / "build")
    return ""


@situation
def wrong_encoding(place: Place) -> object:
    """A module is not in the encoding that it names."""
    place.write(main__py=b"# -*- coding: utf-8 -*-\nNAME = '\xff'\n")
    CodeCache().get(place.here / "main.py", "main.py")
    return ""


@situation
def zero_in_module(place: Place) -> object:
    """A module is no Python at all."""
    place.write(autokitteh__yaml=MANIFEST, main__py=b"\0\0")
    return place.ak("deploy")


@situation
def deep_module(place: Place) -> object:
    """An expression of a module is nested too deeply."""
    place.write(main__py="X = " + "-" * 80_000 + "1\n")
    CodeCache().get(place.here / "main.py", "main.py")
    return ""


@situation
def module_gone(place: Place) -> object:
    """A module of a build was deleted."""
    CodeCache().get(place.here / "main.py", "main.py")
    return ""


@situation
def overwritten(place: Place) -> object:
    """A new project would write over files that are there."""
    place.write(autokitteh__yaml=MANIFEST)
    return place.ak("init", ".")


@situation
def not_a_directory(place: Place) -> object:
    """A new project cannot be written."""
    place.write(shop="")
    return place.ak("init", "shop/new")


@situation
def bytes_for_a_variable(place: Place) -> object:
    """A file for a variable is not text."""
    place.write(picture__png=b"\x89PNG\xff")
    deployed(place)
    return place.ak("var", "set", "shop", "PICTURE", "--file", "picture.png")


@situation
def no_command(place: Place) -> object:
    """A program asks for JSON and gives no command."""
    return place.ak("--json").partition("\n")[2]


@situation
def database_directory(place: Place) -> object:
    """The directory of the database cannot be made."""
    place.write(data="")
    place.patch.setenv("AK_DATABASE_URL", f"sqlite:///{place.here}/data/ak.db")
    return place.ak("project", "list")


@situation
def newer_database(place: Place) -> object:
    """The database was used by a newer version of ak."""
    place.ak("project", "list")
    with sqlite3.connect(place.home / "autokitteh.db") as database:
        ((have,),) = database.execute("select value from settings where name = 'schema_version'")
        database.execute("update settings set value = '999' where name = 'schema_version'")
    return place.ak("project", "list").replace(f"knows {have}", "knows 12")


@situation
def other_key(place: Place) -> object:
    """A secret was stored with another key."""
    sealed = Sealer(KEY).seal("tok-0815", "a")
    Sealer(bytes([1]) * 32).open(sealed, "a")
    return ""


@situation
def changed_signature(_place: Place) -> object:
    """A signed payload was changed on the way."""
    signer = Signer(derive_keys(KEY, "shop"))
    signed = signer.sign(b"data", "here")
    signer.verify(signed[:-3] + ("AAA" if not signed.endswith("AAA") else "BBB"), "here")
    return ""


@situation
def many_variables(place: Place) -> object:
    """A project has as many variables as it may have."""
    deployed(place)
    for number in range(64):
        place.ak("var", "set", "shop", f"N{number}", "x", "--no-deploy")
    return place.ak("var", "set", "shop", "ONE_MORE", "x", "--no-deploy")


@situation
def not_deployed(place: Place) -> object:
    """A project has no active deployment."""
    deployed(place, active=False)
    return place.ak("project", "export", "shop", "--to", "copy")


@situation
def not_deployed_either(place: Place) -> object:
    """A deployment is to be ended, and there is none."""
    deployed(place, active=False)
    return place.ak("deployment", "deactivate", "shop")


@situation
def no_worker(place: Place) -> object:
    """A container asks whether its worker is alive."""
    place.ak("project", "list")
    shown = place.ak("worker", "--healthcheck")
    return shown.replace(socket.gethostname(), "HOST")


@situation
def no_gateway(place: Place) -> object:
    """A container asks whether its gateway is alive."""
    place.patch.setenv("AK_LISTEN", "127.0.0.1:1")
    return place.ak("gateway", "--healthcheck")


@situation
def no_temporal_server(place: Place) -> object:
    """`ak up` finds no Temporal server."""

    async def nothing(*_: Any) -> str:
        """No way out."""
        return "it does not run"

    async def refused(*_: Any) -> bool:
        """No network."""
        return False

    place.patch.setattr(shutil, "which", lambda _: None)
    place.patch.setattr(devserver, "download", refused)
    place.patch.setattr(devserver, "build", nothing)
    asyncio.run(devserver.find(place.home / "cache"))
    return ""


@situation
def port_of_temporal(_place: Place) -> object:
    """The port for Temporal is taken."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        try:
            devserver.choose_port(port, "AK_TEMPORAL_PORT")
        except WorkerError as error:
            return f"{error.code}: {error}".replace(str(port), "7233")
    return ""


# What ``ak doctor`` says. The checks get what they look at; how a person reads them is the command's own.


def lines(problems: Any) -> str:
    """As the command prints them."""
    return "\n".join(map(str, problems))


@situation
def old_python(_place: Place) -> object:
    """Python is too old."""
    return lines(doctor.python_version((3, 10)))


@situation
def unknown_setting(place: Place) -> object:
    """A setting is misspelt."""
    return lines(doctor.settings_known(Settings.load({"AK_HOM": "x", "AK_HOME": str(place.home)}).warnings))


@situation
def open_home(place: Place) -> object:
    """Others may read the key."""
    place.ak("project", "list")
    place.home.chmod(0o755)
    return place.ak("doctor")


@situation
def full_disk(place: Place) -> object:
    """The disk is nearly full."""
    return lines(doctor.disk_space(place.home, 81_000_000))


@situation
def older_database(place: Place) -> object:
    """The database is of an older version."""
    place.ak("project", "list")
    with sqlite3.connect(place.home / "autokitteh.db") as database:
        ((have,),) = database.execute("select value from settings where name = 'schema_version'")
        database.execute("update settings set value = '3' where name = 'schema_version'")
    return place.ak("doctor").replace(f"knows {have}", "knows 12")


@situation
def newer_database_told(place: Place) -> object:
    """The database is of a newer version."""
    place.ak("project", "list")
    with sqlite3.connect(place.home / "autokitteh.db") as database:
        ((have,),) = database.execute("select value from settings where name = 'schema_version'")
        database.execute("update settings set value = '999' where name = 'schema_version'")
    return place.ak("doctor").replace(f"knows {have}", "knows 12")


@situation
def died(place: Place) -> object:
    """`ak up` was killed."""
    return lines(doctor.up_died(place.home, 4711))


@situation
def nobody_works(_place: Place) -> object:
    """No worker runs."""
    return lines(doctor.somebody_works([deployment()], []))


@situation
def taken_port(_place: Place) -> object:
    """The gateway's port is taken."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        return lines(doctor.port_in_use("127.0.0.1", port)).replace(str(port), "9980")


@situation
def gateway_gone(_place: Place) -> object:
    """The gateway does not answer."""
    return lines(doctor.gateway_answers("http://127.0.0.1:1", needed=True))


@situation
def temporal_gone(place: Place) -> object:
    """Temporal does not answer."""
    place.patch.setenv("TEMPORAL_ADDRESS", "127.0.0.1:1")
    deployed(place)
    return "\n".join(place.ak("doctor").splitlines()[-2:])


@situation
def clocks_differ(_place: Place) -> object:
    """The database's clock is late."""
    return lines(doctor.clock_differs("the database's", AT - dt.timedelta(seconds=95), AT))


@situation
def last_one_failed(place: Place) -> object:
    """The newest deployment failed."""
    deployed(place, active=False)
    return lines(doctor.newest_failed(failed(place)))


@situation
def crashes(_place: Place) -> object:
    """A process is killed again and again."""
    details = {"dep_1": "its process is killed by SIGKILL, again and again"}
    return lines(
        doctor.does_not_start([Service("sup_1", "supervisor", "alpha", 1, AT, details)], [deployment()])
    )


@situation
def not_set_up(_place: Place) -> object:
    """A connection is used and not set up."""
    return lines(
        doctor.connections_ready("shop", [Connection("con_1", "shop", "chat", "slack")], {"chat"}, [])
    )


@situation
def overdue(_place: Place) -> object:
    """Events wait."""
    return lines(doctor.nothing_overdue({"shop": 3}))


def deployed(place: Place, *, active: bool = True) -> None:
    """The project shop is in the store, as a worker left it."""
    from worker import target

    place.write(autokitteh__yaml=MANIFEST)
    settings = Settings.load({"AK_HOME": str(place.home)})
    with contextlib.closing(
        open_store(settings.database_url, secret_key=settings.installation_key())
    ) as store:
        made = target.request(target.prepare(place.here, store), store)
        if active:
            store.deployments.activate(made.id)


def failed(place: Place) -> list[Any]:
    """The deployments, the newest of which failed."""
    settings = Settings.load({"AK_HOME": str(place.home)})
    with contextlib.closing(
        open_store(settings.database_url, secret_key=settings.installation_key())
    ) as store:
        (made,) = store.deployments.list()
        store.deployments.give_up(made.id, {"message": "No module named 'stripe'", "where": "main.py:2"})
        return list(store.deployments.list())


@pytest.fixture
def place(tmp_path, monkeypatch, capsys):
    """Where a situation is made."""
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    monkeypatch.setenv("AK_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("AK_LISTEN", "127.0.0.1:0")
    monkeypatch.setattr(context, "PATIENCE_SECONDS", 0.0)
    monkeypatch.setattr(context, "LOOK_SECONDS", 0.0)

    def run(*arguments: str) -> str:
        """A command, in this process; what it printed."""
        capsys.readouterr()
        main.run(list(arguments))
        shown = capsys.readouterr()
        return shown.out + shown.err

    return Place(tmp_path, monkeypatch, run)


@pytest.mark.parametrize("title", SITUATIONS)
def test_a_situation_is_told_as_the_page_shows_it(title, place, tmp_path):
    """By the command, or by the error that the command or the log would print."""
    try:
        printed = str(SITUATIONS[title](place))
    except WorkerError as error:
        printed = f"{error.code}: {error}"
    names = {"~/.autokitteh": str(tmp_path / "home"), "~/shop": str(tmp_path / "here")}
    catalogue.check_situation(title, printed, names)


def test_the_page_shows_no_other_situation():
    """Each one on it is made by a test."""
    assert set(catalogue.situations()) == set(SITUATIONS)
