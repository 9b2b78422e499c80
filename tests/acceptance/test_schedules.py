"""Schedules on the whole system: Temporal Schedules made from the manifest, whose ticks are events."""

from __future__ import annotations

import asyncio
import shutil
from pathlib import Path

import pytest
from temporalio.client import Client

from tests.helpers.ak import running
from tests.helpers.waiting import eventually_sync

PROJECT = Path(__file__).parents[1] / "projects" / "schedules"


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    """The project's directory."""
    directory = tmp_path_factory.mktemp("project") / "schedules"
    shutil.copytree(PROJECT, directory)
    return directory


@pytest.fixture(scope="module")
def up(tmp_path_factory, project):
    """A running ``ak up`` with the project."""
    with running(tmp_path_factory.mktemp("up") / "home", project) as started:
        yield started
        assert started.stop() == 0, started.log()


def sessions(up, trigger: str) -> list[dict]:
    """A trigger's sessions, oldest first."""
    found = up.ak("session", "list", "schedules", "--limit", "200")
    return sorted((s for s in found if s.get("trigger") == trigger), key=lambda s: s["started_at"])


async def ask(address: str, question):
    """Connect, and ask."""
    return await question(await Client.connect(address))


def asked(up, question):
    """The answer of a coroutine function that is given a client."""
    return asyncio.run(ask(up.ready["temporal"], question))


async def names_of_schedules(client) -> list[str]:
    """All there are."""
    return sorted([entry.id async for entry in await client.list_schedules()])


async def ticks_of_often(client) -> list[str]:
    """The ticks of one trigger."""
    query = 'WorkflowType = "autokitteh.tick"'
    return [w.id async for w in client.list_workflows(query) if w.id.startswith("tick_schedules:often-")]


def schedules(up) -> list[str]:
    """The names of the schedules in Temporal."""
    return asked(up, names_of_schedules)


def test_ticks_are_events_and_start_sessions(up):
    """The event is a tick without data; event list shows it; a trigger whose filter does not match starts nothing."""
    done = eventually_sync(lambda: [s for s in sessions(up, "often") if s["state"] == "completed"], 30)
    assert up.prints(done[0]["id"]) == ["tick {}"]
    event = up.ak("event", "list", "schedules", "--source", "often")[0]
    assert event["type"] == "tick"
    assert up.ak("event", "get", event["id"])["data"] == {}
    assert up.ak("event", "list", "schedules", "--source", "never")
    assert sessions(up, "never") == []


def test_subscriptions_see_ticks(up):
    """A schedule without a handler feeds those who subscribed to it."""
    session = up.ak("session", "start", "schedules", "main.py:subscribes")["id"]
    assert up.ak("session", "wait", session, "--timeout", "60")["result"] == ["tick", "tick"]


def test_overlap_decides_about_sessions(up):
    """With ``skip`` one session runs at a time; with ``cancel_other`` the older one is stopped, and may clean up."""
    first, second = eventually_sync(lambda: len(s := sessions(up, "alone")) > 1 and s[:2], 60)
    assert first["ended_at"] <= second["started_at"]
    stopped = eventually_sync(lambda: [s for s in sessions(up, "newest") if s["state"] == "stopped"], 60)
    assert up.prints(stopped[0]["id"]) == ["the next one has come"]
    ended = eventually_sync(lambda: [s for s in sessions(up, "killer")[:-1] if s["ended_at"]], 60)
    assert up.prints(ended[0]["id"]) == []


def test_options_stand_in_temporal(up):
    """Time zone, jitter, catch-up and overlap are those of the manifest."""

    describe = lambda client: client.get_schedule_handle("schedules:rarely").describe()  # noqa: E731
    eventually_sync(lambda: "schedules:rarely" in schedules(up), 30)
    found = asked(up, describe)
    assert found.schedule.spec.jitter.total_seconds() == 5
    assert found.schedule.policy.catchup_window.total_seconds() == 86400
    assert found.schedule.spec.time_zone_name == "Europe/Berlin" or found.info.next_action_times[0].hour in {
        7,
        8,
    }


def test_schedule_triggered_by_hand_starts_a_session(up):
    """As the button in Temporal's UI does."""

    trigger = lambda client: client.get_schedule_handle("schedules:rarely").trigger()  # noqa: E731
    eventually_sync(lambda: "schedules:rarely" in schedules(up), 30)
    asked(up, trigger)
    eventually_sync(lambda: [s for s in sessions(up, "rarely") if s["state"] == "completed"], 30)


def test_deploying_keeps_pauses_and_removes_what_is_gone(up, project):
    """A pause made by hand outlives a new deployment; a schedule goes with its trigger; another text is another schedule."""

    pause = lambda client: client.get_schedule_handle("schedules:feeds").pause(note="by hand")  # noqa: E731
    unpause = lambda client: client.get_schedule_handle("schedules:feeds").unpause()  # noqa: E731
    describe = lambda client: client.get_schedule_handle("schedules:feeds").describe()  # noqa: E731
    step = lambda: asked(up, describe).schedule.spec.calendars[0].second[0].step  # noqa: E731
    eventually_sync(lambda: "schedules:feeds" in schedules(up), 30)
    try:
        asked(up, pause)
        text = (project / "autokitteh.yaml").read_text()
        kept = [line for line in text.splitlines() if "name: killer" not in line]
        (project / "autokitteh.yaml").write_text(
            "\n".join(kept).replace('"* * * * * * *"', '"*/2 * * * * * *"')
        )
        answer = up.ak("deploy", str(project), "--yes")
        assert answer["schedules"]["feeds"]["schedule"] == "*/2 * * * * * *"
        eventually_sync(lambda: "schedules:killer" not in schedules(up), 30)
        eventually_sync(lambda: step() == 2, 30)
        found = asked(up, describe)
        assert found.schedule.state.paused
        assert found.schedule.state.note == "by hand"
    finally:
        shutil.copytree(PROJECT, project, dirs_exist_ok=True)
        up.ak("deploy", str(project))
        eventually_sync(lambda: step() == 1, 30)
        asked(up, unpause)


def test_ticks_survive_a_crash_exactly_once(up):
    """What ticks while everything but Temporal is dead comes once, and no event comes twice."""
    up.kill()
    up.start()
    before = len(sessions(up, "often"))
    eventually_sync(lambda: len(sessions(up, "often")) > before, 60)

    events = up.ak("event", "list", "schedules", "--limit", "1000")
    often = [e for e in events if e["source"] == "often"]
    assert len({e["id"] for e in often}) == len(often)
    assert len(often) <= len(asked(up, ticks_of_often)) + 1
