"""The order of sets and the time in archives are the same in other processes and at each replay."""

from __future__ import annotations

import asyncio

import pytest
import pytest_asyncio

from tests.helpers.bed import bed_of
from tests.helpers.replaying import replaying

pytestmark = pytest.mark.asyncio(loop_scope="module")
FILES = {
    # Sessions share this module.
    "models.py": """
class Job:
    def __init__(self, name):
        self.name = name
""",
    "main.py": """
import asyncio
import gzip
import io
import logging
import os
import tarfile
import threading
import time
import zipfile
from http.cookies import SimpleCookie
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from autokitteh import activity
from models import Job

NAMES = [f"n{i}" for i in range(12)]
KEPT = [bytearray(os.getpid() % 5000 + i) for i in range(200)]  # addresses differ between processes

class Late(Job, threading.Thread):
    def __init__(self, name):
        threading.Thread.__init__(self)
        self.name = name

@activity
def step(name):
    return name

def mess():
    return [object() for _ in range(os.getpid() % 97)]

def objects(event):
    made = set()
    for name in NAMES:
        rest = mess()
        made.add(Job(name))
        made.add(Late(name + "t"))
    made.discard(next(iter(made)))
    return [step(job.name) for job in made]

def futures(event):
    said = []
    with ThreadPoolExecutor(3) as pool:
        waiting = set()
        for name in NAMES:
            rest = mess()
            waiting.add(pool.submit(step, name))
        while waiting:
            done, waiting = wait(waiting, return_when=FIRST_COMPLETED)
            said += [step(future.result() + "f") for future in done]
    return said

def tasks(event):
    said = []

    async def one(name):
        return step(name)

    async def sleeper(name):
        try:
            await asyncio.sleep(3600)
        finally:
            said.append(step(name + "c"))

    async def main():
        for done in asyncio.as_completed([one(name) for name in NAMES]):
            said.append(await done)
        done, _ = await asyncio.wait({asyncio.create_task(one(name)) for name in NAMES})
        said.extend(step(task.result() + "w") for task in done)
        sleeping = {asyncio.create_task(sleeper(name)) for name in NAMES}
        await asyncio.sleep(0.01)
        for task in sleeping & asyncio.all_tasks():
            task.cancel()
        await asyncio.gather(*sleeping, return_exceptions=True)

    asyncio.run(main())
    return said

def stamps(event):
    said, packed, cookie = io.StringIO(), io.BytesIO(), SimpleCookie("a=b")
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("a", gzip.compress(b"b"))
    with tarfile.open(fileobj=packed, mode="w|gz"):
        pass
    handler = logging.StreamHandler(said)
    handler.setFormatter(logging.Formatter("%(asctime)s %(created)f"))
    logging.getLogger("stamps").addHandler(handler)
    logging.getLogger("stamps").warning("now")
    cookie["a"]["expires"] = 60
    return [step(packed.getvalue().hex()), step(cookie.output()), step(said.getvalue()), step(str(time.time()))]
""",
}
HANDLERS = ["main.py:objects", "main.py:futures", "main.py:tasks", "main.py:stamps"]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def process(temporal_server, cached, tmp_path_factory):
    """A build process of such a project."""
    home = tmp_path_factory.mktemp("same_again")
    async with bed_of(FILES, home, temporal_server.address, HANDLERS, cached=cached) as made:
        yield made


async def test_they_do_the_same_again(process):
    """In later sessions, in other processes and in replays of those that ran elsewhere."""
    seen: dict[str, list] = {name: [] for name in HANDLERS}
    histories = []
    for order in (HANDLERS, HANDLERS[::-1], HANDLERS):
        for name in order:
            handle = await process.begin(name)
            seen[name].append(await asyncio.wait_for(handle.result(), 60))
            histories.append(await handle.fetch_history())
        await asyncio.to_thread(process.stop)
        process.spawn(HANDLERS)
        assert (await asyncio.to_thread(process.read_report))["state"] == "ready"
    assert seen["main.py:objects"] == [seen["main.py:objects"][0]] * 3
    names = {f"n{i}" for i in range(12)}
    assert {name.rstrip("t") for name in seen["main.py:objects"][0]} == names
    for order in seen["main.py:futures"]:
        assert sorted(order) == sorted(f"{name}f" for name in names)
    for order in seen["main.py:tasks"]:
        assert sorted(order) == sorted(
            [*names, *(f"{name}w" for name in names), *(f"{name}c" for name in names)]
        )
    assert len({stamps[-1] for stamps in seen["main.py:stamps"]}) == 3
    with replaying(process.name, process.directory, HANDLERS[0], process.store.blobs) as (replayer, _):
        for history in histories:
            await replayer.replay_workflow(history)
