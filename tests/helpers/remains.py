"""What is left of a project after it was deleted: in the database, in Temporal, on the disk."""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
from pathlib import Path

from temporalio.client import Client

from tests.helpers.ak import AkUp


def rows_of(up: AkUp, project: str) -> dict[str, int]:
    """How many rows of each table still speak of a project."""
    found = {}
    with contextlib.closing(sqlite3.connect(up.home / "autokitteh.db")) as database:
        tables = [name for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        for name in tables:
            columns = [row[1] for row in database.execute(f"PRAGMA table_info({name})")]
            where = " OR ".join(f"CAST({column} AS TEXT) LIKE '%{project}%'" for column in columns)
            count = database.execute(f"SELECT count(*) FROM {name} WHERE {where}").fetchone()[0]
            if count:
                found[name] = count
    return found


def asked(up: AkUp, question):
    """The answer of a coroutine function that is given a client."""

    async def ask():
        """Connect, and ask."""
        return await question(await Client.connect(up.ready["temporal"]))

    return asyncio.run(ask())


def schedules(up: AkUp, project: str) -> list[str]:
    """The schedules of a project in Temporal."""

    async def names(client):
        """Those whose ids begin with the project's name."""
        return [item.id async for item in await client.list_schedules() if item.id.startswith(f"{project}:")]

    return asked(up, names)


def cwd_of(pid: int) -> str:
    """A process's working directory; nothing when it is gone."""
    try:
        return str(Path(f"/proc/{pid}/cwd").readlink())
    except OSError:
        return ""
