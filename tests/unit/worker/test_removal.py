"""Deleting a project: nothing without being told, sessions first, rows last, and only what is the project's own."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from temporalio.service import RPCError, RPCStatusCode

from worker import removal
from worker.errors import InUseError, TemporalError
from worker.versions import Version

GONE = RPCError("workflow not found", RPCStatusCode.NOT_FOUND, b"")
REFUSED = RPCError("not now", RPCStatusCode.FAILED_PRECONDITION, b"")


class Temporal:
    """A server with sessions, ticks, schedules and versions; ``deaf`` sessions do not end when they are cancelled."""

    def __init__(self, *sessions, deaf=(), ticks=(), schedules=()):
        self.namespace = "default"
        self.running = {*sessions, *ticks}
        self.histories = {*sessions, *ticks}
        self.deaf = set(deaf)
        self.timetable = set(schedules)
        self.versions = [Version("v1", current=False), Version("v2", current=True)]
        self.polled = set()
        self.done = []
        self.errors = {}
        self.workflow_service = self

    async def list_workflows(self, query):
        """Sessions by their queue, ticks by their name."""
        found = self.running if "Running" in query else self.histories
        for name in sorted(found):
            if name.startswith("tick_") == ("STARTS_WITH" in query):
                yield SimpleNamespace(id=name, run_id=f"run of {name}")

    def get_workflow_handle(self, name, run_id):
        """A handle that notes what it was asked for."""
        assert run_id == f"run of {name}"

        async def cancel(reason):
            """It ends, unless it is deaf."""
            self.done.append(f"cancel {name}")
            if name not in self.deaf:
                self.running.discard(name)

        async def terminate(reason):
            """It ends."""
            self.done.append(f"terminate {name}")
            self.running.discard(name)

        return SimpleNamespace(cancel=cancel, terminate=terminate)

    async def list_schedules(self):
        """All of the namespace."""

        async def each():
            """One after the other."""
            for name in sorted(self.timetable):
                yield SimpleNamespace(id=name)

        return each()

    async def delete_workflow_execution(self, request):
        """A history."""
        name = request.workflow_execution.workflow_id
        if name in self.errors:
            raise self.errors[name]
        self.histories.discard(name)
        self.done.append(f"history {name}")

    async def set_worker_deployment_current_version(self, request):
        """None is current any more."""
        self.done.append(f"current {request.build_id or 'none'}")

    async def delete_worker_deployment_version(self, request):
        """Refused while it is polled."""
        if request.deployment_version.build_id in self.polled:
            raise REFUSED
        self.done.append(f"version {request.deployment_version.build_id}")

    async def delete_worker_deployment(self, request):
        """All of its versions are gone."""
        self.done.append(f"deployment {request.deployment_name}")


class Installation:
    """The store, which notes in the server's list what it was asked for."""

    def __init__(self, temporal, *, supervisors=1, served=(0,)):
        self.done = temporal.done
        self.supervisors = supervisors
        self.counts = list(served)
        self.removing = self.services = self

    def quiet(self, project):
        """Nothing begins."""
        self.done.append(f"quiet {project}")

    def served(self, _project):
        """What is left of the counts, the last one for ever."""
        return self.counts.pop(0) if len(self.counts) > 1 else self.counts[0]

    def alive(self, kind, _within):
        """As many supervisors as there are."""
        assert kind == "supervisor"
        return [object()] * self.supervisors

    def builds(self, _project):
        """One build."""
        return ["bld_1"]

    def erase(self, project):
        """The rows."""
        self.done.append(f"erase {project}")
        return ["bld_1"]


@pytest.fixture(autouse=True)
def patched(monkeypatch):
    """No waiting, and a Temporal that is asked for versions and schedules as the real one is."""

    async def describe(client, _project):
        """The versions."""
        return client.versions

    async def delete(client, name):
        """A schedule."""
        client.timetable.discard(name)
        client.done.append(f"schedule {name}")

    monkeypatch.setattr(removal, "_POLL_SECONDS", 0)
    monkeypatch.setattr(removal.versions, "describe", describe)
    monkeypatch.setattr(removal.schedules, "delete", delete)


async def remove(temporal, store, home, *, force=True, told=None):
    """Delete the project ``shop``."""
    tell = told.append if told is not None else lambda _text: None
    return await removal.remove(temporal, store, "shop", home, force=force, tell=tell)


async def test_open_sessions_refuse_the_deletion(tmp_path):
    """Nothing was asked for, and the error names a few of them."""
    temporal = Temporal("ses_1", "ses_2", "ses_3", "ses_4")
    with pytest.raises(InUseError, match="4 sessions open: ses_1, ses_2, ses_3, …; nothing was changed"):
        await remove(temporal, Installation(temporal), tmp_path, force=False)
    assert temporal.done == []


async def test_steps_come_in_their_order(tmp_path):
    """Quiet before anything is stopped, and the rows at the very end."""
    temporal = Temporal("ses_1", schedules=["shop:nightly", "shop_2:nightly"])
    removed = await remove(temporal, Installation(temporal), tmp_path)
    assert temporal.done == [
        "quiet shop",
        "cancel ses_1",
        "schedule shop:nightly",
        "history ses_1",
        "current none",
        "version v1",
        "version v2",
        "deployment shop",
        "erase shop",
    ]
    assert temporal.timetable == {"shop_2:nightly"}
    assert removed == removal.Removed(1, 1, 1, ["bld_1"], 0)


async def test_project_without_sessions_needs_no_force(tmp_path):
    """Nothing is stopped."""
    temporal = Temporal()
    removed = await remove(temporal, Installation(temporal), tmp_path, force=False)
    assert (removed.sessions_stopped, removed.histories, removed.schedules) == (0, 0, 0)
    assert temporal.done[-1] == "erase shop"


async def test_ticks_are_stopped_and_not_counted(tmp_path):
    """A tick is a workflow of ours: a person never saw it as a session."""
    temporal = Temporal("ses_1", ticks=["tick_shop:nightly"])
    removed = await remove(temporal, Installation(temporal), tmp_path)
    assert {"cancel ses_1", "cancel tick_shop:nightly", "history tick_shop:nightly"} <= set(temporal.done)
    assert (removed.sessions_stopped, removed.histories) == (1, 2)


async def test_session_is_cancelled_once_then_terminated(tmp_path, monkeypatch):
    """One that does not end within the grace is terminated; it is not cancelled again and again."""
    temporal = Temporal("ses_1", "ses_2", deaf=["ses_2"])
    seconds = iter([0.0, 1.0, 2.0, 11.0])
    monkeypatch.setattr(removal.clock, "monotonic", lambda: next(seconds, 12.0))
    told = []
    await remove(temporal, Installation(temporal), tmp_path, told=told)
    stopped = [step for step in temporal.done if step.startswith(("cancel", "terminate"))]
    assert stopped == ["cancel ses_1", "cancel ses_2", "terminate ses_2"]
    assert told[0] == "shop: 1 session still to stop …"


async def test_without_a_worker_sessions_are_terminated_at_once(tmp_path):
    """Nobody would carry out a cancellation."""
    temporal = Temporal("ses_1", deaf=["ses_1"])
    await remove(temporal, Installation(temporal, supervisors=0), tmp_path)
    assert [step for step in temporal.done if "ses_1" in step] == ["terminate ses_1", "history ses_1"]


async def test_sessions_that_do_not_end_are_an_error(tmp_path, monkeypatch):
    """No row goes while something runs; it can be run again."""
    temporal = Temporal("ses_1", deaf=["ses_1"])
    monkeypatch.setattr(removal, "_LONGEST_SECONDS", -1.0)
    with pytest.raises(TemporalError, match="1 session of shop does not end"):
        await remove(temporal, Installation(temporal), tmp_path)
    assert temporal.done == ["quiet shop"]


async def test_history_that_is_gone_is_no_error(tmp_path):
    """Another deletion got there first."""
    temporal = Temporal("ses_1", "ses_2")
    temporal.errors = {"ses_1": GONE}
    await remove(temporal, Installation(temporal), tmp_path)
    assert temporal.done[-1] == "erase shop"


async def test_history_that_stays_keeps_the_rows(tmp_path):
    """As long as something is left, there is a project to delete again."""
    temporal = Temporal("ses_1")
    temporal.errors = {"ses_1": REFUSED}
    with pytest.raises(TemporalError, match="the history of ses_1 is not deleted: not now"):
        await remove(temporal, Installation(temporal), tmp_path)
    assert "erase shop" not in temporal.done
    temporal.errors = {}
    await remove(temporal, Installation(temporal), tmp_path)
    assert temporal.done[-1] == "erase shop"


async def test_versions_that_are_polled_are_counted(tmp_path):
    """Temporal forgets them by itself; the rest goes on."""
    temporal = Temporal()
    temporal.polled = {"v2"}
    removed = await remove(temporal, Installation(temporal), tmp_path)
    assert removed.versions_left == 1
    assert "version v1" in temporal.done
    assert "deployment shop" not in temporal.done


async def test_processes_are_waited_for(tmp_path, monkeypatch):
    """Histories and rows go when no process of the project runs any more, and it is said once that this takes time."""
    temporal, told = Temporal(), []
    store = Installation(temporal, served=[2, 1, 1, 0])
    seconds = iter(range(1000))
    monkeypatch.setattr(removal.clock, "monotonic", lambda: float(next(seconds)))
    await remove(temporal, store, tmp_path, told=told)
    assert store.counts == [0]
    assert told == ["shop: its processes are stopping …"]


async def test_processes_of_nobody_are_not_waited_for(tmp_path):
    """Without a supervisor nobody retires a deployment."""
    temporal = Temporal()
    await remove(temporal, Installation(temporal, supervisors=0, served=[1]), tmp_path)
    assert temporal.done[-1] == "erase shop"


async def test_files_of_the_project_alone_are_deleted(tmp_path):
    """Its extracted builds and the logs of its processes; those of a project whose name begins alike stay."""
    for name in ("bld_1", "bld_2"):
        (tmp_path / "builds" / name).mkdir(parents=True)
        (tmp_path / "builds" / name / "main.py").touch()
    (tmp_path / "logs").mkdir()
    for name in ("shop-dep_1.log", "shop-dep_2.log", "shop-2-dep_1.log", "other-dep_3.log"):
        (tmp_path / "logs" / name).touch()
    temporal = Temporal()
    await remove(temporal, Installation(temporal), tmp_path)
    assert [path.name for path in (tmp_path / "builds").iterdir()] == ["bld_2"]
    assert sorted(path.name for path in (tmp_path / "logs").iterdir()) == [
        "other-dep_3.log",
        "shop-2-dep_1.log",
    ]
