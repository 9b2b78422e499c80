"""Several sessions in one process: the first, the later ones and their replays do the same, warm and with no cache."""

from __future__ import annotations

import asyncio

import pytest
import pytest_asyncio

from tests.helpers.bed import Bed
from tests.helpers.replaying import replaying

pytestmark = pytest.mark.asyncio(loop_scope="module")
FILES = {
    # A module that sessions share (nothing in it has state), with classes from another file.
    "models.py": """
class Order:
    def __init__(self, number):
        self.number = number
""",
    "parts.py": """
import models

def make(number):
    return models.Order(number)
""",
    "pk/__init__.py": "",
    "pk/late.py": "WHO = 'late'\n",
    "main.py": """
import logging
import os
from parts import make
import pk
from autokitteh import activity

log = logging.getLogger("shop")
log.addHandler(logging.NullHandler())

@activity
def charge(order):
    return order.number + 1

@activity
def again(order):
    order.number += 1
    return order

def orders(event):
    return [charge(make(1)), again(make(2)).number]

def imports(event):
    before = hasattr(pk, "late")
    from pk import late
    return [before, hasattr(pk, "late"), late.WHO]

def looks(event):
    if hasattr(pk, "late"):
        os.listdir("/")
    else:
        os.stat("/")
    return hasattr(pk, "late")

def logs(event):
    os.stat("/")
    logging.basicConfig(level=logging.WARNING)
    logging.warning("said")
    return [len(log.handlers), bool(logging.getLogger().handlers)]
""",
}
ROUND = ["main.py:looks", "main.py:imports", "main.py:orders", "main.py:logs"]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def process(temporal_server, cached, tmp_path_factory):
    """A build process of such a project."""
    home = tmp_path_factory.mktemp("one_process")
    for name, text in FILES.items():
        path = home / "project" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    made = Bed(home / "project", home, temporal_server.address, cached=cached, budget=5.0)
    await made.start(["main.py:orders"])
    yield made
    await asyncio.to_thread(made.stop)
    made.store.close()


async def test_later_sessions_do_what_the_first_did(process):
    """Results, calls and printed lines are the same in each order, and after the process was started anew."""
    seen: dict[str, list] = {name: [] for name in ROUND}
    histories = []
    for order in (ROUND, ROUND[::-1], ROUND):
        for name in order:
            handle = await process.begin(name)
            result = await asyncio.wait_for(handle.result(), 60)
            seen[name].append((result, await process.activities(handle.id), process.lines(handle.id, "")))
            histories.append((name, await handle.fetch_history()))
        await asyncio.to_thread(process.stop)
        process.spawn(["main.py:orders"])
        assert (await asyncio.to_thread(process.read_report))["state"] == "ready"
    for name, rounds in seen.items():
        assert rounds == [rounds[0]] * len(rounds), name
    assert [seen[name][0][0] for name in ROUND] == [False, [False, True, "late"], [2, 3], [1, True]]
    assert [seen[name][0][1] for name in ROUND[:3]] == [["os.stat"], [], ["main.charge", "main.again"]]
    with replaying(process.name, process.directory, "main.py:orders", process.store.blobs) as (replayer, _):
        for _, history in reversed(histories):
            await replayer.replay_workflow(history)
