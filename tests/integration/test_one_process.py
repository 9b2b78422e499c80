"""Several sessions in one process: the first, the later ones and their replays do the same, warm and with no cache."""

from __future__ import annotations

import asyncio

import pytest
import pytest_asyncio

from tests.helpers.bed import bed_of
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
    "later.py": "import logging\nlog = logging.getLogger('later')\n",
    # What programs do to loggers, at module level and in handlers.
    "loggers.py": """
import logging
import logging.config
import os
from autokitteh import activity

class Short(logging.Formatter):
    def format(self, record):
        return "short: " + record.getMessage()

CONFIG = {
    "version": 1,
    "formatters": {"short": {"()": Short}},
    "handlers": {"out": {"class": "logging.StreamHandler", "stream": "ext://sys.stdout", "formatter": "short"}},
    "loggers": {"shop.set": {"level": "DEBUG", "propagate": False, "handlers": ["out"]}},
    "root": {"level": "ERROR"},
}
early = logging.getLogger("early")
logging.config.dictConfig({"version": 1, "root": {"level": "INFO"}})
import later
log = logging.getLogger("shop.set")

def drop(record):
    return "secret" not in record.getMessage()

def facts():
    root = logging.getLogger()
    kinds = [type(each).__name__ for each in log.handlers]
    return [log.level, log.propagate, log.disabled, len(log.filters), kinds, root.level, len(root.handlers)]

@activity
def outside():
    log.setLevel(logging.CRITICAL)
    log.handlers.append(logging.NullHandler())
    logging.getLogger().disabled = True

def modules(event):
    os.stat("/")
    early.info("early"), later.log.info("later"), later.log.debug("nothing")
    return [early.disabled, later.log.disabled, *facts()]

def sets(event):
    before = facts()
    log.propagate = False
    log.addFilter(drop)
    log.handlers = [logging.NullHandler()]
    later.log.disabled = True
    logging.getLogger().handlers.append(logging.NullHandler())
    os.stat("/")
    log.handlers[0].setFormatter(Short())
    log.info("said"), log.info("secret"), later.log.error("unheard")
    os.stat("/")
    log.handlers.clear()
    return [before, facts(), later.log.disabled]

def configures(event):
    before = facts()
    logging.config.dictConfig(CONFIG)
    os.stat("/")
    log.debug("by the dictionary"), later.log.warning("too low"), early.error("high")
    logging.basicConfig(force=True, level=logging.DEBUG, handlers=[logging.NullHandler()])
    os.stat("/")
    later.log.debug("low")
    return [before, facts(), later.log.disabled]

def calls(event):
    before = facts()
    outside()
    log.info("said")
    return [before, facts()]
""",
}
ROUND = ["main.py:looks", "main.py:imports", "main.py:orders", "main.py:logs"]
LOGGERS = ["loggers.py:modules", "loggers.py:sets", "loggers.py:configures", "loggers.py:calls"]
FRESH = [0, True, False, 0, [], 20, 0]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def process(temporal_server, cached, tmp_path_factory):
    """A build process of such a project."""
    home = tmp_path_factory.mktemp("one_process")
    async with bed_of(
        FILES, home, temporal_server.address, ["main.py:orders", "loggers.py:sets"], cached=cached
    ) as made:
        yield made


async def in_each_order(process, handlers: list[str]) -> dict[str, tuple]:
    """Results, calls and printed lines of these handlers: the same in each order, in a new process, and replayed."""
    seen: dict[str, list] = {name: [] for name in handlers}
    histories = []
    for order in (handlers, handlers[::-1], handlers):
        for name in order:
            handle = await process.begin(name)
            result = await asyncio.wait_for(handle.result(), 60)
            seen[name].append((result, await process.activities(handle.id), process.lines(handle.id, "")))
            histories.append((name, await handle.fetch_history()))
        await asyncio.to_thread(process.stop)
        process.spawn(["main.py:orders", "loggers.py:sets"])
        assert (await asyncio.to_thread(process.read_report))["state"] == "ready"
    for name, rounds in seen.items():
        assert rounds == [rounds[0]] * len(rounds), name
    with replaying(process.name, process.directory, "main.py:orders", process.store.blobs) as (replayer, _):
        for _, history in reversed(histories):
            await replayer.replay_workflow(history)
    return {name: rounds[0] for name, rounds in seen.items()}


async def test_later_sessions_do_what_the_first_did(process):
    """Results, calls and printed lines are the same in each order, and after the process was started anew."""
    seen = await in_each_order(process, ROUND)
    assert [seen[name][0] for name in ROUND] == [False, [False, True, "late"], [2, 3], [1, True]]
    assert [seen[name][1] for name in ROUND[:3]] == [["os.stat"], [], ["main.charge", "main.again"]]


async def test_what_a_session_sets_on_a_logger_is_its_own(process):
    """Attributes, lists changed in place and whole configurations, by the module, the handler or a call."""
    seen = await in_each_order(process, LOGGERS)
    results = {name.partition(":")[2]: seen[name][0] for name in LOGGERS}
    assert results["modules"] == [False, False, *FRESH]
    assert results["sets"] == [FRESH, [0, False, False, 1, [], 20, 1], True]
    assert results["configures"] == [FRESH, [10, False, False, 0, ["StreamHandler"], 10, 1], False]
    assert results["calls"] == [FRESH, FRESH]
    said = {name.partition(":")[2]: logged(seen[name][2]) for name in LOGGERS}
    assert said["modules"] == ["INFO: early", "INFO: later"]
    assert said["sets"] == ["INFO: said"]
    assert said["configures"] == ["DEBUG: by the dictionary", "ERROR: high", "DEBUG: low"]
    assert said["calls"] == ["INFO: said"]


def logged(lines: list[str]) -> list[str]:
    """What a program logged, of the lines of a session."""
    return [line for line in lines if line.startswith(("INFO:", "DEBUG:", "ERROR:", "WARNING:"))]
