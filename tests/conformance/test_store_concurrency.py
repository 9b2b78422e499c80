"""Many at once: threads and processes that use one database, on both databases."""

from __future__ import annotations

import subprocess
import sys
import threading
from pathlib import Path

import pytest

from tests.helpers.desired import desired
from worker.store import open_store

ROOT = Path(__file__).parents[2]
_WRITER = """
import sys
from worker.contracts import LogBatch, LogLine
from worker.store import open_session_store
from worker import clock, ids
from worker.store import open_store
from worker.store.records import Event

url, name, count = sys.argv[1], sys.argv[2], int(sys.argv[3])
store = open_store(url, secret_key=b"k" * 32)
print("ready", flush=True)
sys.stdin.readline()
for number in range(count):
    store.log.write([LogBatch("p", name, "r", number, [LogLine(number, 1.0, "print", str(number))])])
    store.events.record(Event(ids.new("evt"), "p", "trigger", name, "post", number, {}, clock.now()), [])
store.close()
"""


def together(*functions):
    """Run the functions at the same time; returns what they raised."""
    barrier, raised = threading.Barrier(len(functions)), []

    def run(function):
        barrier.wait()
        try:
            function()
        except Exception as error:
            raised.append(error)

    threads = [threading.Thread(target=run, args=(function,)) for function in functions]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return raised


def test_processes_write_at_once(store, database_url):
    """Two processes that write as fast as they can lose nothing and meet no error."""
    count = 40
    writers = [
        subprocess.Popen(
            [sys.executable, "-c", _WRITER, database_url, name, str(count)],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for name in ("one", "two")
    ]
    assert [writer.stdout.readline() for writer in writers] == ["ready\n", "ready\n"]
    for writer in writers:
        writer.stdin.write("go\n")
        writer.stdin.flush()
    errors = [writer.communicate(timeout=60)[1] for writer in writers]
    assert (errors, [writer.returncode for writer in writers]) == (["", ""], [0, 0])
    for name in ("one", "two"):
        assert [line.text for line in store.log.read(name)] == [str(number) for number in range(count)]
        assert [item.data for item in store.events.list("p", name, 100)] == list(reversed(range(count)))


def test_stores_opened_at_once_migrate_once(database_url):
    """Processes that start on an empty database together all find it migrated, with one key."""
    stores = []
    raised = together(
        *[lambda: stores.append(open_store(database_url, secret_key=b"k" * 32)) for _ in range(4)]
    )
    for store in stores:
        store.close()
    assert (raised, len(stores)) == ([], 4)


def test_requests_at_once_leave_one_pending(store):
    """However many ask at the same time, one deployment is carried out and the others know it."""
    raised = together(
        *[
            lambda version=f"v{number}": store.deployments.request("p", "b", version, desired(), {}, [], "")
            for number in range(4)
        ]
    )
    assert raised == []
    states = sorted(item.state for item in store.deployments.list("p"))
    assert states == ["failed", "failed", "failed", "pending"]


def test_request_of_one_version_at_once_makes_one_record(store):
    """The same version asked for twice is one deployment."""
    raised = together(
        *[lambda: store.deployments.request("p", "b", "v1", desired(), {}, [], "") for _ in range(4)]
    )
    assert raised == []
    assert [item.state for item in store.deployments.list("p")] == ["pending"]


def test_activations_at_once_leave_one_active(store):
    """Two supervisors cannot make two deployments of a project active."""
    made = []
    for number in range(3):
        made.append(store.deployments.request("p", "b", f"v{number}", desired(), {}, [], ""))
    for one in made:
        store.deployments.move(one.id, ["pending", "failed"], "starting")
    raised = together(*[lambda one=one: store.deployments.activate(one.id) for one in made])
    assert raised == []
    assert sorted(item.state for item in store.deployments.list("p")) == ["active", "draining", "draining"]


def test_slug_reserved_at_once_is_one(store):
    """A webhook's URL is the same for all who ask for it first."""
    slugs = []
    raised = together(*[lambda: slugs.append(store.triggers.reserve_slug("p", "t")) for _ in range(4)])
    assert (raised, len(slugs), len(set(slugs))) == ([], 4, 1)


def test_project_and_variables_made_at_once_are_one(store):
    """Upserts of the same name meet no error."""
    raised = together(
        *[lambda: store.projects.ensure("p") for _ in range(3)],
        *[lambda: store.vars.set("p", "A", "x") for _ in range(3)],
        *[lambda: store.services.beat("s", "gateway", "h", 1, {}) for _ in range(3)],
    )
    assert raised == []
    assert len(store.projects.list()) == len(store.vars.list("p")) == 1


def test_reader_follows_writers_without_a_gap(store):
    """Who asks for lines after the last number seen gets every line of all writers once."""
    done, seen = threading.Event(), []

    def write(name):
        from worker.contracts import LogBatch, LogLine

        for number in range(30):
            store.log.write([LogBatch("p", name, "r", number, [LogLine(number, 1.0, "print", name)])])

    def follow():
        seq, last = 0, False
        while True:
            part = store.log.tail("p", seq)
            seen.extend(line.seq for line in part)
            seq = part[-1].seq if part else seq
            if last and not part:
                return
            last = done.is_set()

    follower = threading.Thread(target=follow)
    follower.start()
    raised = together(lambda: write("one"), lambda: write("two"), lambda: write("three"))
    done.set()
    follower.join()
    assert raised == []
    assert (len(seen), len(set(seen))) == (90, 90)


def test_error_in_a_transaction_leaves_the_store_usable(store):
    """A write that fails takes itself back and frees its lock."""
    with pytest.raises(RuntimeError), store.database.write():
        raise RuntimeError("in the middle")
    assert store.projects.ensure("p").name == "p"
