"""Situations in which a command, or the file of a project, says what is wrong.

Length: one list of many small situations, read beside one page.
"""

from __future__ import annotations

import asyncio
import contextlib
import io
import os
import shutil
import socket
import sqlite3
import sys
import tarfile
from pathlib import Path
from typing import Any

from tests.helpers.situations.doctor import CHAT, HANDLER, happened
from tests.helpers.situations.place import MANIFEST, Place, situation
from worker import clock, devserver
from worker.cli import deploy, lint
from worker.config import Settings
from worker.errors import WorkerError
from worker.payload.signing import Signer, derive_keys
from worker.store.records import Deployment
from worker.store.sealing import Sealer
from worker.supervisor import boot
from worker.usercode import archive
from worker.usercode.code_cache import CodeCache

KEY = bytes(32)
HOOK = MANIFEST + "  triggers:\n    - {name: go, type: webhook, call: 'main.py:on_event'}\n"


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
def full_output(place: Place) -> object:
    """What a command prints goes to a full disk."""
    with Path("/dev/full").open("wb", buffering=0) as full:
        place.patch.setattr(sys, "stdout", io.TextIOWrapper(full, write_through=True))
        return place.ak("project", "list")


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
def link_in_a_circle(place: Place) -> object:
    """A link in the project leads round in a circle."""
    place.write(autokitteh__yaml=MANIFEST)
    (place.here / "data").symlink_to("data")
    return place.ak("lint", ".")


@situation
def project_is_a_file(place: Place) -> object:
    """What is to be deployed is a file."""
    place.write(autokitteh__yaml=MANIFEST)
    return place.ak("deploy", "autokitteh.yaml")


@situation
def project_is_a_circle(place: Place) -> object:
    """What is to be deployed is a link that leads round in a circle."""
    (place.here / "data").symlink_to("data")
    return place.ak("deploy", "data")


@situation
def manifest_unreadable(place: Place) -> object:
    """The manifest cannot be read."""
    (place.here / "autokitteh.yaml").symlink_to("/proc/self/mem")
    return place.ak("deploy")


@situation
def reader_killed(place: Place) -> object:
    """The process that reads a project for `ak lint` is killed."""
    python = place.here / "python"
    python.write_text("#!/bin/sh\nkill -9 $$\n")
    python.chmod(0o755)
    lint.run(str(python), place.here, [])
    return ""


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
def deep_helper(place: Place) -> object:
    """An expression of another module is nested too deeply."""
    place.write(autokitteh__yaml=MANIFEST, main__py=HANDLER, helper__py="X = " + "+".join(["1"] * 20_000))
    return place.ak("deploy")


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
    place.deployed()
    return place.ak("var", "set", "shop", "PICTURE", "--file", "picture.png")


@situation
def data_not_text(place: Place) -> object:
    """A file for the data is not text."""
    place.write(picture__png=b"\x89PNG\xff")
    return place.ak("session", "start", "shop", "main.py:on_event", "--data", "@picture.png")


@situation
def data_too_deep(place: Place) -> object:
    """A file for the data is nested too deeply."""
    place.write(order__json="[" * 100_000)
    place.deployed(HOOK, main__py=HANDLER)
    return place.ak("event", "send", "shop", "go", "--file", "order.json")


@situation
def number_too_long(place: Place) -> object:
    """A number in the data is too long for any program."""
    return place.ak("value", "set", "shop", "n", "1" * 5000)


@situation
def word_not_text(place: Place) -> object:
    """A word of the command is not text."""
    return place.ak("session", "get", os.fsdecode(b"ses_\xff"))


@situation
def key_is_a_directory(place: Place) -> object:
    """The key of the home cannot be used."""
    (place.home / "key").mkdir(parents=True)
    return place.ak("project", "list")


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
def database_is_a_directory(place: Place) -> object:
    """The database cannot be opened."""
    (place.here / "data").mkdir()
    place.patch.setenv("AK_DATABASE_URL", f"sqlite:///{place.here}/data")
    return place.ak("project", "list")


@situation
def newer_database(place: Place) -> object:
    """The database was used by a newer version of ak."""
    place.ak("project", "list")
    with contextlib.closing(sqlite3.connect(place.home / "autokitteh.db")) as database, database:
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
    place.deployed()
    for number in range(64):
        place.ak("var", "set", "shop", f"N{number}", "x", "--no-deploy")
    return place.ak("var", "set", "shop", "ONE_MORE", "x", "--no-deploy")


@situation
def not_deployed(place: Place) -> object:
    """A project has no active deployment."""
    place.deployed(active=False)
    return place.ak("project", "export", "shop", "--to", "copy")


@situation
def not_deployed_either(place: Place) -> object:
    """A deployment is to be ended, and there is none."""
    place.deployed(active=False)
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


@situation
def manifest_not_text(place: Place) -> object:
    """The manifest is not UTF-8."""
    place.write(autokitteh__yaml=b"\xff\xfe")
    return place.ak("deploy")


@situation
def two_files_broken(place: Place) -> object:
    """Manifest and module have problems."""
    place.write(
        main__py="def on_event(event)\n    pass\n",
        autokitteh__yaml=HOOK + "    - {name: other, typ: webhook}\n",
    )
    return place.ak("deploy")


@situation
def taken_away(place: Place) -> object:
    """A trigger that had events is taken away."""
    place.deployed(HOOK, main__py=HANDLER)
    with place.store() as store:
        happened(store, 3, clock.now())
    place.write(autokitteh__yaml=MANIFEST)
    return place.ak("deploy")


@situation
def many_deployments(place: Place) -> object:
    """The beginning of an id fits several deployments."""
    place.deployed()
    place.deployed(MANIFEST + "  vars:\n    - {name: CITY, value: Oslo}\n")
    return place.ak("deployment", "get", "dep_")


@situation
def not_the_active_one(place: Place) -> object:
    """The deployment to be ended is not the active one."""
    first = place.deployed()
    place.deployed(MANIFEST + "  vars:\n    - {name: CITY, value: Oslo}\n")
    return place.ak("deployment", "deactivate", first.id)


@situation
def build_gone(place: Place) -> object:
    """The build of an earlier deployment was cleaned up."""
    first = place.deployed()
    place.deployed(MANIFEST + "  vars:\n    - {name: CITY, value: Oslo}\n", main__py=HANDLER)
    forget_build(place, first)
    return place.ak("deployment", "activate", first.id)


@situation
def build_gone_for_a_worker(place: Place) -> object:
    """A worker finds no build of what it is to run."""
    made = place.deployed()
    forget_build(place, made)
    with place.store() as store:
        boot.prepare(made, store, place.settings, "", "", print)
    return ""


def forget_build(place: Place, deployment: Deployment) -> None:
    """It is in the database no more."""
    with contextlib.closing(sqlite3.connect(place.home / "autokitteh.db")) as database, database:
        database.execute("delete from builds where id = ?", (deployment.build_id,))


@situation
def not_active_in_time(place: Place) -> object:
    """A deployment is not active in time."""
    made = place.deployed(active=False)
    place.patch.setattr(deploy, "_WAIT_SECONDS", 0.0)
    with place.store() as store:
        try:
            asyncio.run(deploy.watch(made, store, print))
        except WorkerError as error:
            return f"{error.code}: {error}".replace("after 0 s", "after 600 s")
    return ""


@situation
def many_events(place: Place) -> object:
    """The beginning of an id fits several events."""
    place.deployed(HOOK, main__py=HANDLER)
    with place.store() as store:
        happened(store, 2, clock.now())
    return place.ak("event", "get", "evt_0r66")


@situation
def no_value_given(place: Place) -> object:
    """A job without a terminal gives no value."""
    place.deployed()
    place.types("")
    return place.ak("var", "set", "shop", "CITY")


@situation
def no_credentials_given(place: Place) -> object:
    """A job without a terminal gives no credentials."""
    place.deployed(CHAT, main__py=HANDLER)
    place.types("")
    return place.ak("connection", "init", "shop", "chat")


@situation
def credentials_not_json(place: Place) -> object:
    """Credentials are not JSON."""
    place.deployed(CHAT, main__py=HANDLER)
    place.types("BotToken=x")
    return place.ak("connection", "init", "shop", "chat")


@situation
def credentials_no_object(place: Place) -> object:
    """Credentials are no JSON object."""
    place.deployed(CHAT, main__py=HANDLER)
    place.types('["x"]')
    return place.ak("connection", "init", "shop", "chat")


@situation
def no_such_choice(place: Place) -> object:
    """There is no such way to set a connection up."""
    place.deployed(CHAT, main__py=HANDLER)
    place.types("9\n", terminal=True)
    return "\n".join(place.ak("connection", "init", "shop", "chat").splitlines()[-2:])


@situation
def same_port_twice(_place: Place) -> object:
    """Temporal and its UI are to have the same port."""
    with socket.create_server(("127.0.0.1", 0)) as once:
        port = once.getsockname()[1]
    try:
        devserver.choose_port(port, "AK_UI_PORT", {port})
    except WorkerError as error:
        return f"{error.code}: {error}".replace(str(port), "7233")
    return ""


@situation
def temporal_ends(place: Place) -> object:
    """The Temporal server ends as soon as it is started."""
    return started_by(place, "echo 'level=ERROR msg=\"file is not a database\"'; exit 1")


@situation
def temporal_is_silent(place: Place) -> object:
    """The Temporal server does not answer after its start."""
    place.patch.setattr(devserver, "_START_SECONDS", 0.1)
    return started_by(place, "exec sleep 60").replace("within 0 s", "within 60 s")


def started_by(place: Place, script: str) -> str:
    """What is said when this is the Temporal server."""
    environ = {"AK_HOME": str(place.home), "AK_CACHE_DIR": str(place.home / "cache")}
    free = Settings.load({**environ, "AK_TEMPORAL_PORT": "0", "AK_UI_PORT": "0"})
    binary = free.cache_dir / "temporal" / devserver.VERSION / "temporal"
    binary.parent.mkdir(parents=True)
    place.patch.setattr(shutil, "which", lambda _: None)
    binary.write_text(f"#!/bin/sh\n{script}\n")
    binary.chmod(0o755)
    server = devserver.DevServer(free)

    async def start() -> None:
        """And stop."""
        try:
            await server.start()
        finally:
            await server.stop()

    try:
        asyncio.run(start())
    except WorkerError as error:
        return f"{error.code}: {error}"
    return ""
