"""A real Postgres for tests: one cluster for a run, a fresh database for each test."""

from __future__ import annotations

import contextlib
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from tests.helpers.waiting import eventually_sync


def binaries() -> Path | None:
    """Where ``initdb`` and ``postgres`` are."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"))
    on_path = shutil.which("postgres")
    return found[-1].parent if found else Path(on_path).resolve().parent if on_path else None


class Server:
    """A cluster of its own in a temporary directory, which can be killed and started again."""

    def __init__(self, place: Path) -> None:
        self._place = place
        user = "postgres" if os.geteuid() == 0 else pwd.getpwuid(os.geteuid()).pw_name
        self.home = Path(tempfile.mkdtemp(prefix="ak-postgres-", dir="/tmp"))
        if os.geteuid() == 0:
            shutil.chown(self.home, user)
        self._as_user = {"cwd": str(self.home), **({"user": user} if os.geteuid() == 0 else {})}
        self._data = str(self.home / "data")
        subprocess.run(
            [str(place / "initdb"), "-D", self._data, "-U", "ak", "-A", "trust", "-N"],
            check=True,
            capture_output=True,
            **self._as_user,
        )
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.url = f"postgresql://ak@127.0.0.1:{self.port}"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it and wait until it takes connections; tried again while remains of a killed one hold its files."""
        options = ["-D", self._data, "-p", str(self.port), "-h", "127.0.0.1", "-k", str(self.home)]

        def is_up() -> bool:
            if self._process is None or self._process.poll() is not None:
                self._process = subprocess.Popen(
                    [str(self._place / "postgres"), *options, "-c", "fsync=off"],
                    stdout=subprocess.DEVNULL,
                    stderr=subprocess.DEVNULL,
                    **self._as_user,
                )
            return answers(self.port)

        eventually_sync(is_up, 60)

    def stop(self, how: int = signal.SIGINT) -> None:
        """End it: SIGINT disconnects clients, SIGTERM waits for them, SIGKILL is a crash."""
        if self._process is None:
            return
        self._process.send_signal(how)
        self._process.wait(60)


@contextlib.contextmanager
def server() -> Iterator[Server]:
    """A running cluster."""
    place = binaries()
    if place is None:
        (pytest.fail if os.environ.get("CI") else pytest.skip)("PostgreSQL is not installed")
    made = Server(place)
    try:
        made.start()
        yield made
    finally:
        made.stop()
        shutil.rmtree(made.home, ignore_errors=True)


@contextlib.contextmanager
def cluster() -> Iterator[str]:
    """A running cluster; yields the URL of its server without a database."""
    with server() as made:
        yield made.url


def answers(port: int) -> bool:
    """Whether it takes connections."""
    engine = sa.create_engine(f"postgresql+psycopg://ak@127.0.0.1:{port}/postgres")
    try:
        with engine.connect():
            return True
    except sa.exc.OperationalError:
        return False
    finally:
        engine.dispose()


def new_database(server: str) -> str:
    """The URL of a fresh database."""
    name = f"t_{uuid.uuid4().hex}"
    engine = sa.create_engine(
        server.replace("postgresql:", "postgresql+psycopg:") + "/postgres", isolation_level="AUTOCOMMIT"
    )
    with engine.connect() as connection:
        connection.execute(sa.text(f"CREATE DATABASE {name}"))
    engine.dispose()
    return f"{server}/{name}"
