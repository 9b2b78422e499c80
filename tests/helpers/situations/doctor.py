"""What is wrong with an installation, as ``ak doctor`` says it."""

from __future__ import annotations

import contextlib
import datetime as dt
import shutil
import socket
import sqlite3
from collections import namedtuple
from typing import Any

from tests.helpers.fake_store import AT
from tests.helpers.situations.place import MANIFEST, Place, situation
from worker import clock
from worker.cli import doctor
from worker.store.records import Delivery, Event

CHAT = MANIFEST + (
    "  connections:\n    - {name: chat, integration: slack}\n"
    "  triggers:\n    - {name: said, connection: chat, call: 'main.py:on_event'}\n"
)
HANDLER = "def on_event(event):\n    pass\n"
_Usage = namedtuple("_Usage", "total used free")  # noqa: PYI024 - as that of shutil


def told(place: Place, check: str) -> str:
    """What the command says of one thing, beside what else there may be to say."""
    lines = place.ak("doctor").splitlines()
    at = [number for number, line in enumerate(lines) if line.startswith(f"{check}: ")]
    assert at, lines
    return "\n".join(line for number in at for line in lines[number : number + 2])


def nowhere(place: Place) -> None:
    """Temporal is not there: the checks after the store's are not what a situation is about."""
    place.patch.setenv("TEMPORAL_ADDRESS", "127.0.0.1:1")


@situation
def old_python(_place: Place) -> object:
    """Python is too old."""
    return "\n".join(map(str, doctor.python_version((3, 10))))  # which could not even start the command


@situation
def unknown_setting(place: Place) -> object:
    """A setting is misspelt."""
    place.patch.setenv("AK_HOM", "x")
    return told(place, "settings")


@situation
def open_home(place: Place) -> object:
    """Others may read the key."""
    place.ak("project", "list")
    place.home.chmod(0o755)
    return place.ak("doctor")


@situation
def home_that_cannot_be(place: Place) -> object:
    """The home cannot be made."""
    place.write(taken="")
    place.patch.setenv("AK_HOME", str(place.here / "taken" / "home"))
    return told(place, "permissions")


@situation
def full_disk(place: Place) -> object:
    """The disk is nearly full."""
    place.ak("project", "list")
    place.patch.setattr(shutil, "disk_usage", lambda _: _Usage(10**9, 10**9 - 81_000_000, 81_000_000))
    return place.ak("doctor")


@situation
def older_database(place: Place) -> object:
    """The database is of an older version."""
    return place_with_schema(place, "3")


@situation
def newer_database_told(place: Place) -> object:
    """The database is of a newer version."""
    return place_with_schema(place, "999")


def place_with_schema(place: Place, version: str) -> str:
    """What is said of a database with this number of its schema."""
    place.ak("project", "list")
    with contextlib.closing(sqlite3.connect(place.home / "autokitteh.db")) as database, database:
        ((have,),) = database.execute("select value from settings where name = 'schema_version'")
        database.execute("update settings set value = ? where name = 'schema_version'", (version,))
    return place.ak("doctor").replace(f"knows {have}", "knows 12")


@situation
def nobody_works(place: Place) -> object:
    """No worker runs."""
    nowhere(place)
    place.deployed()
    return told(place, "worker")


@situation
def taken_port(place: Place) -> object:
    """The gateway's port is taken."""
    place.ak("project", "list")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        place.patch.setenv("AK_LISTEN", f"127.0.0.1:{port}")
        return place.ak("doctor").replace(str(port), "9980")


@situation
def gateway_gone(place: Place) -> object:
    """The gateway does not answer."""
    nowhere(place)
    place.patch.setenv("AK_LISTEN", "127.0.0.1:1")
    place.deployed()
    return told(place, "gateway")


@situation
def temporal_gone(place: Place) -> object:
    """Temporal does not answer."""
    nowhere(place)
    place.deployed()
    return told(place, "temporal")


@situation
def temporal_mute(place: Place) -> object:
    """Something else than Temporal is at its address."""
    place.patch.setattr(doctor, "_ANSWER_SECONDS", 0.25)
    place.deployed()
    with socket.create_server(("127.0.0.1", 0)) as mute:
        place.patch.setenv("TEMPORAL_ADDRESS", f"127.0.0.1:{mute.getsockname()[1]}")
        return told(place, "temporal").replace("within 0 s", "within 10 s")


@situation
def clocks_differ(_place: Place) -> object:
    """The database's clock is late."""
    # A SQLite database has no clock of its own; tests/integration asks that of Postgres.
    return "\n".join(map(str, doctor.clock_differs("the database's", AT - dt.timedelta(seconds=95), AT)))


@situation
def last_one_failed(place: Place) -> object:
    """The newest deployment failed."""
    nowhere(place)
    made = place.deployed(active=False)
    with place.store() as store:
        store.deployments.give_up(made.id, {"message": "No module named 'stripe'", "where": "main.py:2"})
    return place.ak("doctor")


@situation
def not_set_up(place: Place) -> object:
    """A connection is used and not set up."""
    nowhere(place)
    place.deployed(CHAT, main__py=HANDLER)
    return told(place, "connection")


@situation
def overdue(place: Place) -> object:
    """Events wait."""
    nowhere(place)
    place.deployed()
    with place.store() as store:
        happened(store, 3, clock.now() - dt.timedelta(minutes=2))
    return told(place, "events")


def happened(store: Any, number: int, at: dt.datetime) -> None:
    """So many events of a trigger ``go`` of shop were recorded, and nobody has delivered them."""
    for n in range(number):
        event = Event(f"evt_0r66zb{n}", "shop", "trigger", "go", "", {}, {}, at)
        start = Delivery(f"dlv_{n}", event.id, "shop", "go", "main.py:on_event", f"ses_{n}", "pending")
        assert store.events.record(event, [start])
