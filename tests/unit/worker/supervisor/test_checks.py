"""Asking a build about open sessions that do not stand still: they begin, advance, restart and end meanwhile."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass, field
from types import SimpleNamespace

import pytest
from temporalio.api.enums.v1 import EventType
from temporalio.api.history.v1 import HistoryEvent
from temporalio.service import RPCError, RPCStatusCode

from worker import comparing
from worker.supervisor import checks
from worker.supervisor.checks import Checks

GONE = RPCError("workflow not found", RPCStatusCode.NOT_FOUND, b"")
STEP = EventType.EVENT_TYPE_TIMER_FIRED
COMPLETED = EventType.EVENT_TYPE_WORKFLOW_EXECUTION_COMPLETED
RESTARTED = EventType.EVENT_TYPE_WORKFLOW_EXECUTION_CONTINUED_AS_NEW


@dataclass
class Execution:
    """A session as Temporal lists it."""

    id: str
    run_id: str
    workflow_type: str = "main.py:f"
    task_queue: str = "shop"
    search_attributes: dict = field(default_factory=lambda: {"TemporalWorkerDeploymentVersion": ["shop:v1"]})
    raw_info: SimpleNamespace = field(
        default_factory=lambda: SimpleNamespace(
            versioning_info=SimpleNamespace(
                versioning_override=SimpleNamespace(
                    pinned=SimpleNamespace(version=SimpleNamespace(build_id=""))
                )
            )
        )
    )

    async def memo(self):
        """It says nothing about itself."""
        return {}


class Temporal:
    """Histories by run; ``meanwhile`` happens when a history is fetched."""

    def __init__(self, **runs: str):
        self.lists = [list(runs)]
        self.histories = {run: history(4) for run in runs}
        self.sessions = dict(runs)
        self.meanwhile = {}
        self.moved = []

    async def list_workflows(self, _query, limit):
        """What is open at this time; the last list for ever."""
        runs = self.lists.pop(0) if len(self.lists) > 1 else self.lists[0]
        for run in runs[:limit]:
            yield Execution(self.sessions[run], run)

    async def count_workflows(self, _query):
        """All of them."""
        return SimpleNamespace(count=len(self.sessions))

    def get_workflow_handle(self, name, run_id):
        """A handle on one run."""

        async def fetch_history():
            """The run as it is now; then something happens."""
            if run_id not in self.histories:
                raise GONE
            found = self.histories[run_id]
            for change in self.meanwhile.pop(run_id, []):
                change()
            return SimpleNamespace(events=found)

        async def describe():
            """How long it is now."""
            return SimpleNamespace(history_length=len(self.histories[run_id]))

        assert self.sessions[run_id] == name
        return SimpleNamespace(fetch_history=fetch_history, describe=describe)


def history(length: int, last: int = STEP, new_run: str = "") -> list[HistoryEvent]:
    """So many events, the last one of this kind."""
    events = [HistoryEvent(event_type=STEP) for _ in range(length - 1)]
    ending = HistoryEvent(event_type=last)
    if new_run:
        ending.workflow_execution_continued_as_new_event_attributes.new_execution_run_id = new_run
    return [*events, ending]


class Build:
    """Every history of up to five events replays cleanly, longer ones break."""

    ended = False

    def __init__(self):
        self.replayed = []

    async def replay(self, found, *, edited):
        """As told."""
        self.replayed.append(len(found.events))
        outcome = comparing.CLEAN if len(found.events) <= 5 else comparing.BREAKS
        facts = dict.fromkeys(("n", "recorded", "now", "rows", "likely"))
        return {"outcome": outcome, "line": "recorded / now", "error": "", **facts}


@pytest.fixture
def build(monkeypatch):
    """The build that is asked, and moves that are noted."""
    made = Build()

    @contextlib.asynccontextmanager
    async def asking(_launch):
        """It is ready."""
        yield made

    async def move(client, _project, session, run, version):
        """Noted."""
        client.moved.append((session, run, version))
        return True

    monkeypatch.setattr(checks.replays, "asking", asking)
    monkeypatch.setattr(checks.moving, "move", move)
    return made


async def look(temporal: Temporal, *, move: bool = False, limit: int = 100):
    """Verdicts by session."""
    store = SimpleNamespace(deployments=SimpleNamespace(by_version=lambda _project, _version: None))
    launch = SimpleNamespace(boot=SimpleNamespace(project="shop", version="v2", build="bld_2"))
    report = await Checks(temporal, store, launch).run(move=move, limit=limit)
    return {item.id: item.verdict for item in report.sessions}, report


async def test_session_that_ended_meanwhile_has_no_verdict(build):
    """Neither one whose history says so, nor one that is gone; it cannot break any more."""
    temporal = Temporal(r1="ended", r2="gone", r3="open")
    temporal.histories["r1"] = history(9, COMPLETED)
    del temporal.histories["r2"]
    assert (await look(temporal))[0] == {"open": "moves"}
    assert build.replayed == [4]


async def test_session_that_restarted_meanwhile_is_looked_at_in_its_new_run(build):
    """What it did before does not matter any more, and the new run is the one that moves."""
    temporal = Temporal(r1="loops")
    temporal.histories |= {"r1": history(9, RESTARTED, "r2"), "r2": history(5)}
    temporal.sessions["r2"] = "loops"
    assert (await look(temporal, move=True))[0] == {"loops": "moves"}
    assert temporal.moved == [("loops", "r2", "v2")]
    assert build.replayed == [5]


async def test_session_that_began_meanwhile_is_looked_at(build):
    """Lists lag behind and replays take their time: it is asked for again, and nobody is looked at twice."""
    temporal = Temporal(r1="old", r2="new", r3="late")
    temporal.lists = [["r1"], ["r1", "r2"], ["r1", "r2", "r3"]]
    assert (await look(temporal, move=True))[0] == {"old": "moves", "new": "moves", "late": "moves"}
    assert [name for name, _, _ in temporal.moved] == ["old", "new", "late"]


async def test_sessions_that_keep_beginning_do_not_keep_it_busy(build):
    """After a few lists it is enough."""
    temporal = Temporal(**{f"r{n}": f"s{n}" for n in range(9)})
    temporal.lists = [[f"r{n}"] for n in range(9)]
    assert len((await look(temporal))[0]) == 3


async def test_limit_counts_all_lists(build):
    """What is over it is told."""
    temporal = Temporal(r1="a", r2="b", r3="c")
    temporal.lists = [["r1"], ["r2", "r3"]]
    found, report = await look(temporal, limit=2)
    assert found == {"a": "moves", "b": "moves"}
    assert report.unchecked == 1


async def test_session_that_advanced_meanwhile_is_looked_at_again(build):
    """It is not moved on what it was: the steps it made since then do not fit."""
    temporal = Temporal(r1="busy")
    temporal.meanwhile["r1"] = [lambda: temporal.histories.update(r1=history(6))]
    assert (await look(temporal, move=True))[0] == {"busy": "breaks"}
    assert (temporal.moved, build.replayed) == ([], [4, 6])


async def test_session_that_ends_right_before_it_is_moved_is_left_alone(build):
    """It advanced, and the next look finds its end."""
    temporal = Temporal(r1="quick")
    temporal.meanwhile["r1"] = [lambda: temporal.histories.update(r1=history(5, COMPLETED))]
    assert (await look(temporal, move=True))[0] == {}
    assert temporal.moved == []


async def test_session_that_always_advances_stays(build):
    """A few looks are enough."""
    temporal = Temporal(r1="busy")

    def advance():
        """One more event, now and at the next look."""
        temporal.histories["r1"] = [*temporal.histories["r1"], HistoryEvent(event_type=STEP)]
        temporal.meanwhile["r1"] = [advance]

    temporal.histories["r1"] = history(3)
    temporal.meanwhile["r1"] = [advance]
    found, report = await look(temporal, move=True)
    assert (found, report.sessions[0].reason) == ({"busy": "stays"}, checks.BUSY)
    assert temporal.moved == []
