"""Supervisors, alone and in pairs, on a store and a Temporal in memory."""

from __future__ import annotations

import asyncio
import contextlib

import pytest

from tests.helpers.fake_store import AT
from tests.helpers.fake_supervised import FakeInstallation, asked_for
from tests.helpers.waiting import eventually
from worker.contracts import Report
from worker.errors import DeployError, StoreOutageError
from worker.supervisor import activation, keeper, supervisor, upkeep


@pytest.fixture(autouse=True)
def _quick(monkeypatch):
    """Everything that is done over and over is done at once."""
    for module, names in {
        supervisor: ["_TICK_SECONDS", "_BEAT_SECONDS"],
        activation: ["POLL_SECONDS"],
        upkeep: [
            "_DRAIN_SECONDS",
            "_DRAIN_AGAIN_SECONDS",
            "_COMPARE_SECONDS",
            "_BACKLOG_SECONDS",
            "_SCHEDULES_SECONDS",
        ],
    }.items():
        for name in names:
            monkeypatch.setattr(module, name, 0.001)
    monkeypatch.setattr(upkeep, "_DRAINS_PER_SECOND", 10_000.0)
    monkeypatch.setattr(keeper, "_BACKOFF_SECONDS", (0.001,))


@contextlib.asynccontextmanager
async def supervised(*supervisors):
    """All of them run; all have ended afterwards."""
    tasks = [asyncio.create_task(one.run()) for one in supervisors]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def never(_deployment):
    """A machine on which nothing starts."""
    return DeployError("no disk", where="here", hint="buy one")


async def test_asked_for_becomes_active_on_every_supervisor():
    """Both start a process of it; it is made current once, then active."""
    shop = FakeInstallation(asked_for())
    async with supervised(shop.supervisor(), shop.supervisor()):
        await eventually(lambda: shop.state() == "active" and len(shop.running()) == 2)
    assert (shop.current, shop.told.count("active"), shop.held) == ("v1", 1, {})
    assert shop.running() == []


async def test_one_machine_that_cannot_start_it_does_not_fail_it():
    """A deployment that comes up on one of two supervisors is active; the other goes on trying and says why."""
    shop = FakeInstallation()
    async with supervised(shop.supervisor(never), shop.supervisor()):
        await eventually(lambda: len(shop.details) == 2)
        shop.records["dep_1"] = asked_for()
        await eventually(lambda: shop.state() == "active")
        await eventually(lambda: {"dep_1": "no disk"} in shop.details.values())
    assert "failed" not in shop.told


async def test_deployment_that_starts_nowhere_has_failed():
    """All supervisors that are alive have tried: the reason is one of theirs."""
    shop = FakeInstallation(asked_for())
    async with supervised(shop.supervisor(never), shop.supervisor(never)):
        await eventually(lambda: shop.state() == "failed")
        await eventually(lambda: all(not details for details in shop.details.values()))
    assert shop.records["dep_1"].error == {
        "message": "no disk",
        "where": "here",
        "hint": "buy one",
        "code": "AK1100",
    }
    assert shop.told.count("failed") == 1


async def test_error_of_the_users_code_fails_it():
    """What the process reports is the deployment's error, with its own code; what ran before goes on."""
    shop = FakeInstallation(asked_for(1, "active"), asked_for(2))
    shop.first_reports["dep_2"] = Report("failed", "ZeroDivisionError", "main.py:1", "", "AK1101")
    async with supervised(shop.supervisor()):
        await eventually(lambda: shop.state(2) == "failed")
        assert (shop.state(1), len(shop.running(1))) == ("active", 1)
    assert shop.records["dep_2"].error["code"] == "AK1101"
    assert shop.records["dep_2"].error["where"] == "main.py:1"
    assert "crashed" not in shop.told  # it would say that it is started again


async def test_failed_return_to_an_older_version_leaves_it_draining():
    """It may have sessions from before: its record keeps the reason, and its process stays while they are open."""
    shop = FakeInstallation(asked_for(1, activated_at=AT))
    shop.sessions["v1"] = 1
    async with supervised(shop.supervisor(never)):
        await eventually(lambda: shop.state() == "draining")
    assert shop.records["dep_1"].error["message"] == "no disk"


async def test_outage_of_the_store_is_no_failure():
    """A process that cannot be prepared because the database is away is tried again."""
    shop = FakeInstallation(asked_for())
    left = [StoreOutageError("away")] * 3
    async with supervised(shop.supervisor(lambda _deployment: left.pop() if left else None)):
        await eventually(lambda: shop.state() == "active")
    assert "failed" not in shop.told


async def test_crashed_process_is_started_again():
    """As long as its deployment is wanted."""
    shop = FakeInstallation(asked_for(1, "active"))
    async with supervised(shop.supervisor()):
        for count in (1, 2, 3):
            await eventually(lambda count=count: len(shop.children) == count and bool(shop.running()))
            shop.running()[0].dies()
    assert "crashed" in shop.told


async def test_process_that_crashes_again_and_again_is_seen_and_stays_wanted(monkeypatch):
    """The signs of life say so while it is down; the deployment is not called failed."""
    monkeypatch.setattr(keeper, "_BACKOFF_SECONDS", (0.001, 60.0))
    shop = FakeInstallation(asked_for(1, "active"))
    supervisor = shop.supervisor()
    async with supervised(supervisor):
        for count in (1, 2):
            await eventually(lambda count=count: len(shop.children) == count and bool(shop.running()))
            shop.running()[0].dies()
        await eventually(lambda: "again and again" in str(supervisor._failures.details()))
    assert shop.state() == "active"


async def test_processes_of_active_deployments_are_waited_for():
    """Whoever starts a supervisor can wait until what was active before is served again."""
    shop = FakeInstallation(
        asked_for(1, "active", activated_at=AT), asked_for(2, "draining", activated_at=AT)
    )
    one = shop.supervisor()
    async with supervised(one):
        assert await one.serving(["dep_1"]) == set()
        assert shop.running(1)


async def test_processes_that_do_not_come_up_are_not_waited_for():
    """What cannot start here is named at once, what says nothing after the time that was given."""
    shop = FakeInstallation(asked_for(1, "active", activated_at=AT))
    broken = shop.supervisor(never)
    async with supervised(broken):
        assert await broken.serving(["dep_1"], seconds=60) == {"dep_1"}
    shop.first_reports["dep_1"] = Report("metrics")
    silent = shop.supervisor()
    async with supervised(silent):
        assert await silent.serving(["dep_1"], seconds=0.05) == {"dep_1"}


async def test_drained_deployment_is_retired():
    """Without open sessions its process ends and its record is inactive, said once by two supervisors."""
    shop = FakeInstallation(asked_for(1, "active"), asked_for(2))
    shop.sessions["v1"] = 2
    async with supervised(shop.supervisor(), shop.supervisor()):
        await eventually(lambda: shop.state(1) == "draining" and len(shop.running(2)) == 2)
        assert len(shop.running(1)) == 2
        shop.sessions["v1"] = 0
        await eventually(lambda: shop.state(1) == "inactive" and not shop.running(1))
    assert shop.told.count("drained") == 1


async def test_retired_deployment_with_open_sessions_is_served_again():
    """A session that Temporal did not count yet when its deployment was retired gets its process back."""
    shop = FakeInstallation(asked_for(1, "inactive"), asked_for(2, "active"), asked_for(3, "failed"))
    async with supervised(shop.supervisor()):
        shop.sessions |= {"v1": 1, "v3": 1, "of-somebody-else": 1}
        await eventually(lambda: shop.state(1) == shop.state(3) == "draining" and len(shop.running(1)) == 1)


async def test_idle_process_of_a_draining_deployment_rests_until_there_is_work():
    """A session that sleeps for weeks costs no process; a backlog brings it back."""
    shop = FakeInstallation(asked_for(1, "active"), asked_for(2))
    shop.sessions["v1"] = 1
    async with supervised(shop.supervisor()):
        await eventually(lambda: shop.state(1) == "draining" and len(shop.running(1)) == 1)
        shop.running(1)[0].says(Report("idle"))
        await eventually(lambda: not shop.running(1))
        assert (shop.state(1), len(shop.children)) == ("draining", 2)
        shop.backlog = {"v1"}
        await eventually(lambda: len(shop.running(1)) == 1)


async def test_idle_process_of_the_active_deployment_stays():
    """New sessions must find it."""
    shop = FakeInstallation(asked_for(1, "active"))
    async with supervised(shop.supervisor()):
        await eventually(lambda: len(shop.running()) == 1)
        shop.running()[0].says(Report("idle"))
        await eventually(lambda: len(shop.schedules) > 2)
        assert len(shop.running()) == 1


async def test_supervisor_that_starts_leaves_resting_what_drains():
    """A hundred old deployments are no hundred processes at a start."""
    shop = FakeInstallation(*(asked_for(n, "draining") for n in range(1, 9)), asked_for(9, "active"))
    shop.sessions = {f"v{n}": 1 for n in range(1, 9)}
    async with supervised(shop.supervisor()):
        shop.backlog = {"v3"}
        await eventually(lambda: len(shop.running(9)) == 1 and len(shop.running(3)) == 1)
    assert len(shop.children) == 2


async def test_return_to_a_resting_deployment_wakes_it():
    """Going back to a version whose process rests starts it, and it becomes active."""
    shop = FakeInstallation(asked_for(1, "draining"), asked_for(2, "active"))
    shop.sessions["v1"] = 1
    async with supervised(shop.supervisor()):
        await eventually(lambda: len(shop.running(2)) == 1)
        assert shop.running(1) == []
        shop.records["dep_1"] = asked_for(1, "pending", activated_at=AT)
        await eventually(lambda: shop.state(1) == "active" and shop.state(2) != "active")
    assert shop.current == "v1"


async def test_temporal_and_store_agree_again():
    """Where a supervisor died between the two steps of an activation, the active one is made current."""
    shop = FakeInstallation(asked_for(1, "active"), asked_for(2, "failed"))
    shop.sessions, shop.current = {"v1": 0, "v2": 0}, "v2"
    async with supervised(shop.supervisor(), shop.supervisor()):
        await eventually(lambda: shop.current == "v1")


async def test_session_that_blocks_the_thread_twice_is_terminated():
    """The process reports it and ends; the second time the session is what has to go."""
    shop = FakeInstallation(asked_for(1, "active"))
    async with supervised(shop.supervisor()):
        for count in (1, 2):
            await eventually(lambda count=count: len(shop.children) == count and bool(shop.running()))
            assert shop.terminated == []
            shop.running()[0].says(Report("stuck", "ses_1", "run_1"))
            shop.running()[0].dies()
        await eventually(lambda: shop.terminated == ["ses_1"])


async def test_lease_is_waited_for():
    """Who holds the project's lease is not disturbed: the version is made current after it is free."""
    shop = FakeInstallation(asked_for())
    shop.held[activation.lease_of("shop")] = "another"
    async with supervised(shop.supervisor()):
        await eventually(lambda: shop.state() == "starting" and len(shop.running()) == 1)
        assert shop.current == ""
        shop.held.clear()
        await eventually(lambda: shop.state() == "active")


async def test_deactivated_project_has_no_schedules_and_no_current_version():
    """What is started by hand waits; the process goes on for the open sessions, and activating it undoes all of it."""
    shop = FakeInstallation(asked_for(1, "active"))
    shop.sessions["v1"] = 1
    shop.current = "v1"
    async with supervised(shop.supervisor()):
        await eventually(lambda: shop.schedules != [] and len(shop.running()) == 1)
        before = len(shop.schedules)
        shop.move("dep_1", ["active"], "draining")
        await eventually(lambda: shop.current == "" and len(shop.schedules) > before)
        assert (shop.state(), len(shop.running())) == ("draining", 1)
        shop.move("dep_1", ["draining"], "pending")
        await eventually(lambda: shop.state() == "active" and shop.current == "v1")


async def test_misfit_goes_back_to_the_version_that_recorded_it(monkeypatch):
    """The retired deployment drains again; where there is none any more, the session's log says so."""
    shop = FakeInstallation(asked_for(1, "inactive"), asked_for(2, "active"))
    moved = []

    async def move(_client, project, session, run, version):
        """Remember it."""
        moved.append((project, session, run, version))
        shop.sessions[version] = 1
        return True

    monkeypatch.setattr(supervisor.moving, "move", move)
    async with supervised(shop.supervisor()):
        await eventually(lambda: len(shop.running(2)) == 1)
        shop.running(2)[0].says(Report("misfit", "ses_0", "run_0", "v9"))
        shop.running(2)[0].says(Report("misfit", "ses_1", "run_1", "v1"))
        await eventually(lambda: shop.state(1) == "draining" and len(shop.running(1)) == 1)
    assert [item[1:] for item in moved] == [("ses_1", "run_1", "v1")]
    assert shop.notes == [
        ("ses_0", "AK1600: it cannot go back: the deployment that recorded it is gone (v9)")
    ]
    assert "moved_back" in shop.told
