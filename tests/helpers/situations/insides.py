"""What a log or a session shows of what went wrong inside: with payloads, processes and the database."""

from __future__ import annotations

import asyncio
import contextlib
import sys
from asyncio.subprocess import PIPE
from types import SimpleNamespace
from typing import Any, cast

import sqlalchemy as sa
from temporalio.service import RPCStatusCode

from manifest import cel_explain
from tests.helpers.refusing import refusing
from tests.helpers.situations.place import Place, situation
from tests.helpers.user_projects import user_project
from worker import clock, temporal
from worker.errors import WorkerError
from worker.payload import signing
from worker.payload.codec import Codec
from worker.payload.outside import outside_codec
from worker.payload.signing import Signer, derive_keys
from worker.store.engine import Database
from worker.supervisor import activation
from worker.supervisor.replays import Build

KEY = bytes(32)


@situation
def damaged_signature(_place: Place) -> object:
    """A signed payload was damaged on the way."""
    signer = Signer(derive_keys(KEY, "shop"))
    signer.verify(signer.sign(b"data", "here")[:-3] + "???", "here")
    return ""


@situation
def large_payload(place: Place) -> object:
    """A signed payload grows too large when it is unpacked."""
    place.patch.setattr(signing, "DECOMPRESSED_LIMIT_BYTES", 10_000)
    signer = Signer(derive_keys(KEY, "shop"))
    signer.verify(signer.sign(bytes(100_000), "here"), "here")
    return ""


@situation
def changed_recording(_place: Place) -> object:
    """What a fork takes over was changed on the way."""
    codec: Codec = outside_codec(KEY, "shop")
    codec.check_seal({"steps": [1, 2]}, codec.seal({"steps": [1]}, "fork"), "fork")
    return ""


@situation
def wrong_api_key(_place: Place) -> object:
    """Temporal does not know the API key."""
    with refusing(RPCStatusCode.UNAUTHENTICATED, "Request unauthorized.") as address:
        try:
            asyncio.run(temporal.connect_to(address, "default", {}))
        except WorkerError as error:
            return f"{error.code}: {error}".replace(address, "shop.a2dd6.tmprl.cloud:7233")
    return ""


@situation
def plain_temporal(_place: Place) -> object:
    """TLS is asked for, and the server has none."""
    with refusing(RPCStatusCode.UNAUTHENTICATED, "") as address:
        try:
            asyncio.run(temporal.connect_to(address, "default", {"TEMPORAL_TLS": "true"}, 0.0))
        except WorkerError as error:
            return f"{error.code}: {error}".replace(address, "127.0.0.1:7233")
    return ""


@situation
def module_is_gone(place: Place) -> object:
    """What was recorded names a module that the code no longer has."""
    project = user_project(place.here, {"main.py": "def on_event(event):\n    pass\n"})
    project.namespace().resolve("orders:Order")
    return ""


@situation
def all_connections_taken(place: Place) -> object:
    """The database is overloaded."""
    database = Database(f"sqlite:///{place.here}/ak.db")
    database.engine = sa.create_engine(
        f"sqlite:///{place.here}/ak.db",
        poolclass=sa.QueuePool,
        pool_size=1,
        max_overflow=0,
        pool_timeout=0.01,
    )
    with contextlib.closing(database), database.read(), database.read():
        return ""


@situation
def explained_for_too_long(place: Place) -> object:
    """Explaining a filter takes too long."""
    place.patch.setattr(cel_explain, "MAX_SECONDS", -1.0)
    return place.ak("filter", "test", "data.total > 100", "--data", "{}")


@situation
def process_not_ready(place: Place) -> object:
    """A module computes for minutes when it is loaded."""
    made = place.deployed(active=False)
    launched = clock.monotonic() - 1000
    keeper: Any = SimpleNamespace(ready=asyncio.Event(), deployment=made, launched_at=launched)
    with place.store() as store:
        asyncio.run(activation._is_ready(keeper, store))
    return ""


@situation
def replay_lasts(_place: Place) -> object:
    """A replay goes on for ever."""
    return replayed_by("import time; time.sleep(60)", 0.01).replace("than 0 s", "than 300 s")


@situation
def replay_ends(_place: Place) -> object:
    """A process ends in the middle of a replay."""
    return replayed_by("import os; os._exit(1)", 30.0)


def replayed_by(program: str, seconds: float) -> str:
    """What is said when this program is the process that is asked about a history."""

    async def ask() -> None:
        """For its next line."""
        process = await asyncio.create_subprocess_exec(sys.executable, "-c", program, stdin=PIPE, stdout=PIPE)
        build = Build(process, cast("asyncio.StreamReader", process.stdout))
        try:
            await build.answer(seconds)
        finally:
            if process.returncode is None:
                process.kill()
            await process.wait()

    try:
        asyncio.run(ask())
    except WorkerError as error:
        return f"{error.code}: {error}"
    return ""
