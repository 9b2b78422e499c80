"""Measure what sessions do with the world: events, subscriptions, answers, many calls at once, many sleepers.

Where plain temporalio can do the same it is measured in the same run, and only the ratio means something.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import json
import shutil
import statistics
import sys
import tempfile
import time
import uuid
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

import httpx  # noqa: E402
from temporalio import activity, workflow  # noqa: E402
from temporalio.client import Client, WithStartWorkflowOperation  # noqa: E402
from temporalio.common import WorkflowIDConflictPolicy  # noqa: E402
from temporalio.worker import UnsandboxedWorkflowRunner, Worker  # noqa: E402

from benchmarks.memory import all_asleep, memory_kib  # noqa: E402
from tests.helpers.ak import AkUp, running  # noqa: E402
from tests.helpers.bed import Bed  # noqa: E402
from tests.helpers.temporal import shared_server  # noqa: E402
from worker.contracts import CALLS_AT_ONCE  # noqa: E402
from worker.store import open_store  # noqa: E402
from worker.store.records import Subscription  # noqa: E402

RUNS = 30
POSTS = 250
TIMES = 3
AT_ONCE = 16
PARALLEL = 100
SLEEPERS = 2_000  # twice what is kept in memory
MANIFEST = """
version: v2
project:
  name: bench
  triggers:
    - {name: feed, type: webhook}
    - {name: api, type: webhook, is_sync: true, call: main.py:api}
"""
CODE = """
import autokitteh, time

@autokitteh.activity
def nothing(n):
    return n

def waits(event):
    sub = autokitteh.subscribe("feed", "data.body.json.to == 'me'")
    print("subscribed")
    for _ in range(event.data.n):
        autokitteh.next_event(sub)

def api(event):
    autokitteh.http_outcome(200, json={"ok": True})

def fans_out(event):
    return sum(autokitteh.parallel(nothing, range(event.data.n)))

def sleeps(event):
    time.sleep(event.data.seconds)
"""


@activity.defn
async def nothing(n: int) -> int:
    """One of many."""
    return n


@workflow.defn
class Talks:
    """The same by hand: waits for signals, answers an update, fans out."""

    def __init__(self) -> None:
        self.received = 0

    @workflow.run
    async def run(self, n: int) -> None:
        """Wait for so many signals."""
        await workflow.wait_condition(lambda: self.received >= n)

    @workflow.signal
    def event(self, _data: dict) -> None:
        """One more."""
        self.received += 1

    @workflow.update
    async def ask(self) -> dict:
        """The answer of a synchronous webhook."""
        self.received += 1
        return {"ok": True}


@workflow.defn
class FansOut:
    """A hundred activities at once."""

    @workflow.run
    async def run(self, n: int) -> int:
        """Their sum."""
        limit = dt.timedelta(seconds=60)
        calls = (workflow.execute_activity(nothing, i, start_to_close_timeout=limit) for i in range(n))
        return sum(await asyncio.gather(*calls))


def p50(milliseconds: list[float]) -> float:
    """The median."""
    return statistics.median(milliseconds)


async def resumed(client: Client, workflow_id: str, sent: list[float]) -> float:
    """p50 in ms from sending to the start of the task that the signal caused, from the history's own times."""
    history = await client.get_workflow_handle(workflow_id).fetch_history()
    resumed_at, waiting = [], False
    for event in history.events:
        if event.HasField("workflow_execution_signaled_event_attributes"):
            waiting = True
        elif waiting and event.HasField("workflow_task_started_event_attributes"):
            resumed_at.append(event.event_time.ToDatetime(dt.UTC).timestamp())
            waiting = False
    return p50([(done - began) * 1000 for began, done in zip(sent, resumed_at[-len(sent) :], strict=True)])


async def latency(up: AkUp, client: Client) -> tuple[float, float]:
    """A webhook's event until its session goes on; a signal until the hand-written workflow does; in turns."""
    session = up.ak("session", "start", "bench", "main.py:waits", "--data", json.dumps({"n": RUNS}))["id"]
    while up.prints(session) != ["subscribed"]:
        await asyncio.sleep(0.1)
    handle = await client.start_workflow(Talks.run, RUNS, id=uuid.uuid4().hex, task_queue="talk")
    await asyncio.sleep(1)
    posted, signalled = [], []
    async with httpx.AsyncClient() as http:
        for _ in range(RUNS):
            await asyncio.sleep(0.1)
            posted.append(time.time())
            await http.post(up.webhook("feed"), json={"to": "me"})
            await asyncio.sleep(0.1)
            signalled.append(time.time())
            await handle.signal(Talks.event, {"to": "me"})
    up.ak("session", "wait", session, "--timeout", "60")
    await handle.result()
    return await resumed(client, session, posted), await resumed(client, handle.id, signalled)


async def events_per_second(up: AkUp) -> float:
    """Events that match no subscription, through the gateway."""
    gate = asyncio.Semaphore(AT_ONCE)
    async with httpx.AsyncClient(timeout=60) as http:

        async def post(n: int) -> None:
            async with gate:
                (await http.post(up.webhook("feed"), json={"to": f"nobody {n}"})).raise_for_status()

        await asyncio.gather(*(post(n) for n in range(50)))
        began = time.perf_counter()
        await asyncio.gather(*(post(n) for n in range(POSTS)))
    return POSTS / (time.perf_counter() - began)


async def with_subscriptions(up: AkUp) -> list[tuple[int, list[float]]]:
    """The same with many subscriptions of others, several times each: how far the times differ says what a rate is worth."""
    store = open_store(
        f"sqlite:///{up.home / 'autokitteh.db'}", secret_key=bytes.fromhex((up.home / "key").read_text())
    )
    found, have = [], 0
    for wanted in (0, 1000, 10_000):
        for n in range(have, wanted):
            store.mailbox.subscribe(
                Subscription(
                    str(uuid.uuid4()),
                    "bench",
                    "feed",
                    f"ses_{n}",
                    f"data.body.json.to == 'session {n}'",
                    '["data", "body", "json", "to"]',
                    f'"session {n}"',
                    False,
                )
            )
        have = wanted
        found.append((wanted, sorted([await events_per_second(up) for _ in range(TIMES)])))
    store.close()
    return found


async def answers(up: AkUp, client: Client) -> tuple[float, float]:
    """p50 in ms: a synchronous webhook, and an update with start by hand, in turns."""
    ours, plain = [], []
    async with httpx.AsyncClient(timeout=60) as http:
        for n in range(RUNS + 5):
            began = time.perf_counter()
            (await http.post(up.webhook("api"), json={"n": n})).raise_for_status()
            ours.append((time.perf_counter() - began) * 1000)
            start = WithStartWorkflowOperation(
                Talks.run,
                1,
                id=uuid.uuid4().hex,
                task_queue="talk",
                id_conflict_policy=WorkflowIDConflictPolicy.FAIL,
            )
            began = time.perf_counter()
            await client.execute_update_with_start_workflow(Talks.ask, start_workflow_operation=start)
            plain.append((time.perf_counter() - began) * 1000)
    return p50(ours[5:]), p50(plain[5:])


async def fan_out(bed: Bed, client: Client) -> tuple[float, float]:
    """p50 in ms of a session, and of a hand-written workflow, with a hundred activities at once."""
    ours, plain = [], []
    for _ in range(8):
        began = time.perf_counter()
        assert await bed.run("main.py:fans_out", {"n": PARALLEL}) == sum(range(PARALLEL))
        ours.append((time.perf_counter() - began) * 1000)
        began = time.perf_counter()
        await client.execute_workflow(FansOut.run, PARALLEL, id=uuid.uuid4().hex, task_queue="talk")
        plain.append((time.perf_counter() - began) * 1000)
    return p50(ours[2:]), p50(plain[2:])


async def asleep(bed: Bed) -> tuple[float, float, float]:
    """Sessions started per second until all sleep, MiB of the process, and p50 in ms of a new one beside them."""
    assert bed.process is not None
    gate = asyncio.Semaphore(50)

    async def begin() -> object:
        async with gate:
            return await bed.begin("main.py:sleeps", {"seconds": 36_000})

    began = time.perf_counter()
    handles = await asyncio.gather(*(begin() for _ in range(SLEEPERS)))
    await all_asleep(handles[-200:])
    rate = SLEEPERS / (time.perf_counter() - began)
    beside = []
    for _ in range(RUNS):
        started = time.perf_counter()
        await bed.run("main.py:fans_out", {"n": 1})
        beside.append((time.perf_counter() - started) * 1000)
    return rate, memory_kib(bed.process.pid) / 1024, p50(beside)


def project_in(home: Path) -> Path:
    """The benchmark's project."""
    directory = home / "bench"
    directory.mkdir()
    (directory / "main.py").write_text(CODE)
    (directory / "autokitteh.yaml").write_text(MANIFEST)
    return directory


def through_the_gateway(home: Path) -> None:
    """What needs the whole system."""
    with running(home / "up", project_in(home)) as up:
        asyncio.run(gateway_rows(up))


async def gateway_rows(up: AkUp) -> None:
    """Measure and print."""
    client = await Client.connect(up.ready["temporal"])
    async with Worker(
        client, task_queue="talk", workflows=[Talks], workflow_runner=UnsandboxedWorkflowRunner()
    ):
        ours, plain = await latency(up, client)
        print(
            f"| webhook → session goes on, p50 ms; signal → workflow goes on | {ours:.0f} | {plain:.0f} | {plain / ours:.2f} |"
        )
        ours, plain = await answers(up, client)
        print(
            f"| synchronous webhook, p50 ms; update with start | {ours:.0f} | {plain:.0f} | {plain / ours:.2f} |",
            flush=True,
        )
    for count, rates in await with_subscriptions(up):
        print(
            f"| events/s through the gateway, {count:,} other subscriptions: median, slowest and fastest of {TIMES} | {p50(rates):.0f} ({rates[0]:.0f} to {rates[-1]:.0f}) | | |",
            flush=True,
        )


async def in_one_process(home: Path, address: str) -> None:
    """What needs a build process only."""
    client = await Client.connect(address)
    bed = Bed(Path(shutil.copytree(home / "bench", home / "project")), home, address)
    bed.eager_calls = CALLS_AT_ONCE  # as with `ak up`
    await bed.start(["main.py:fans_out"])
    async with Worker(
        client,
        task_queue="talk",
        workflows=[FansOut],
        activities=[nothing],
        workflow_runner=UnsandboxedWorkflowRunner(),
    ):
        ours, plain = await fan_out(bed, client)
    print(
        f"| {PARALLEL} activities at once, p50 ms | {ours:.0f} | {plain:.0f} | {plain / ours:.2f} |",
        flush=True,
    )
    rate, memory, beside = await asleep(bed)
    print(
        f"\n- {SLEEPERS:,} sleeping sessions in one build process: {rate:.0f} started per second, {memory:.0f} MiB, a new session of one call takes {beside:.0f} ms (p50) beside them."
    )
    bed.stop()
    bed.store.close()


def main() -> None:
    """Measure everything, each part on a server of its own."""
    print("| | ours | plain temporalio | speed, ours ÷ theirs |\n|---|---|---|---|", flush=True)
    with tempfile.TemporaryDirectory() as directory:
        home = Path(directory)
        through_the_gateway(home)
        with shared_server(home / "temporal") as server:
            asyncio.run(in_one_process(home, server.address))


if __name__ == "__main__":
    main()
