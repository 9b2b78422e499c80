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


@contextlib.contextmanager
def cluster() -> Iterator[str]:
    """A running cluster; yields the URL of its server without a database."""
    place = binaries()
    if place is None:
        (pytest.fail if os.environ.get("CI") else pytest.skip)("PostgreSQL is not installed")
    user = "postgres" if os.geteuid() == 0 else pwd.getpwuid(os.geteuid()).pw_name
    home = Path(tempfile.mkdtemp(prefix="ak-postgres-", dir="/tmp"))
    if os.geteuid() == 0:
        shutil.chown(home, user)
    as_user = {"user": user, "cwd": str(home)} if os.geteuid() == 0 else {"cwd": str(home)}
    data = str(home / "data")
    subprocess.run(
        [str(place / "initdb"), "-D", data, "-U", "ak", "-A", "trust", "-N"],
        check=True,
        capture_output=True,
        **as_user,
    )
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    options = ["-D", data, "-p", str(port), "-h", "127.0.0.1", "-k", str(home), "-c", "fsync=off"]
    process = subprocess.Popen(
        [str(place / "postgres"), *options], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, **as_user
    )
    url = f"postgresql://ak@127.0.0.1:{port}"
    try:
        eventually_sync(lambda: answers(port), 60)
        yield url
    finally:
        process.send_signal(signal.SIGINT)  # a fast shutdown: clients are disconnected
        process.wait(30)
        shutil.rmtree(home, ignore_errors=True)


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
