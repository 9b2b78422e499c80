"""Each check finds its problem, and nothing where there is none."""

from __future__ import annotations

import dataclasses
import datetime as dt
import socket
from pathlib import Path
from types import SimpleNamespace

import pytest
from temporalio.service import RPCError, RPCStatusCode

from manifest.schema import INTEGRATIONS
from tests.helpers.fake_store import AT, deployment
from worker import integrations
from worker.cli import doctor
from worker.store.records import Connection, Service, Variable

CHAT = Connection("con_1", "shop", "chat", "slack")
TOKEN = Variable("shop", "BotToken", "t", "chat")
ACTIVE = deployment()
FAILED = dataclasses.replace(
    deployment(2),
    state="failed",
    created_at=AT + dt.timedelta(seconds=1),
    error={"message": "no", "where": "main.py:3", "hint": ""},
)
WORKER = Service("sup_1", "supervisor", "host", 1, AT)
KILLED = dataclasses.replace(WORKER, details={"dep_1": "its process is killed by SIGKILL, again and again"})
STUCK = dataclasses.replace(WORKER, details={"dep_1": "no disk", "dep_9": "gone"})


@pytest.mark.parametrize(
    ("problems", "said"),
    [
        (doctor.python_version((3, 10)), "Python 3.10"),
        (doctor.python_version((3, 11)), ""),
        (doctor.settings_known(["AK_HOM is no setting"]), "AK_HOM"),
        (doctor.somebody_works([ACTIVE], []), "no worker is alive for shop"),
        (doctor.somebody_works([ACTIVE], [WORKER]), ""),
        (doctor.somebody_works([FAILED], []), ""),
        (doctor.newest_failed([FAILED, ACTIVE]), "dep_2 failed: main.py:3: no"),
        (doctor.newest_failed([dataclasses.replace(FAILED, created_at=AT - dt.timedelta(1)), ACTIVE]), ""),
        (doctor.does_not_start([STUCK], [ACTIVE]), "dep_1 does not start on host: no disk"),
        (doctor.does_not_start([WORKER], [ACTIVE]), ""),
        (doctor.connections_ready("shop", [CHAT], {"chat"}, []), "needs BotToken"),
        (doctor.connections_ready("shop", [CHAT], {"chat"}, [TOKEN]), ""),
        (doctor.connections_ready("shop", [CHAT], set(), []), ""),
        (doctor.does_not_start([KILLED], [ACTIVE]), "is killed by SIGKILL"),
        (doctor.up_died(Path("/home"), 12), "`ak up` of /home is not running: its process 12 ended"),
        (doctor.nothing_overdue({"shop": 3}), "3 deliveries wait"),
        (doctor.nothing_overdue({}), ""),
        (doctor.clock_differs("the database's", AT + dt.timedelta(seconds=9), AT), "9 s ahead of"),
        (doctor.clock_differs("the database's", AT - dt.timedelta(minutes=2), AT), "120 s behind"),
        (doctor.clock_differs("the database's", AT + dt.timedelta(seconds=4), AT), ""),
        (doctor.clock_differs("the database's", None, AT), ""),
        (doctor.schema_fits(0, 9), ""),
        (doctor.schema_fits(9, 9), ""),
        (doctor.schema_fits(10, 9), "schema 10, this program knows 9: it was used by a newer"),
        (doctor.schema_fits(8, 9), "schema 8, this program knows 9: it was last used by an older"),
        (doctor.gateway_answers("http://127.0.0.1:1", needed=True), "no gateway answers"),
        (doctor.gateway_answers("http://127.0.0.1:1", needed=False), ""),
    ],
)
def test_checks_say_what_is_wrong(problems, said):
    """One problem with a remedy, or silence."""
    found = list(problems)
    assert [said in problem.message for problem in found] == ([True] if said else [])
    assert all(problem.remedy for problem in found)


def test_private_home_is_fine_and_an_open_one_is_not(tmp_path):
    """Whoever reads the key reads every secret."""
    (tmp_path / "key").write_text("x")
    tmp_path.chmod(0o700)
    (tmp_path / "key").chmod(0o600)
    paths = [tmp_path, tmp_path / "key", tmp_path / "not there"]
    assert list(doctor.readable_by_others(paths)) == []
    (tmp_path / "key").chmod(0o644)
    assert [problem.remedy for problem in doctor.readable_by_others(paths)] == [
        f"chmod go= {tmp_path / 'key'}"
    ]


def test_disk_that_is_nearly_full(tmp_path):
    """Before it is full."""
    assert [problem.check for problem in doctor.disk_space(tmp_path, 1_000_000)] == ["disk"]
    assert list(doctor.disk_space(tmp_path, 10**12)) == []


def test_port_that_somebody_else_has():
    """The gateway could not listen there."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert [problem.check for problem in doctor.port_in_use("127.0.0.1", port)] == ["gateway"]
    assert list(doctor.port_in_use("127.0.0.1", port)) == []
    assert list(doctor.port_in_use("127.0.0.1", 0)) == []


def test_every_integration_of_manifests_says_what_it_needs():
    """Tables of names stay in step; a way that is complete is enough."""
    assert sorted(integrations.WAYS) == sorted(INTEGRATIONS)
    assert integrations.TRIALS.keys() <= integrations.WAYS.keys()
    for name, ways in integrations.WAYS.items():
        assert all(integrations.missing(name, way) == () for way in ways)
        assert name == "test" or integrations.missing(name, ())


class LastSession:
    """A Temporal that describes one session: when it began by its clock, and whether that is its first run."""

    def __init__(self, seconds: float, *, first: str = "run", known: bool = True) -> None:
        self.at = AT + dt.timedelta(seconds=seconds)
        self.first = first
        self.known = known

    def get_workflow_handle(self, _session):
        """Itself."""
        return self

    async def describe(self):
        """When it began."""
        if not self.known:
            raise RPCError("workflow not found", RPCStatusCode.NOT_FOUND, b"")
        raw = SimpleNamespace(first_run_id=self.first)
        return SimpleNamespace(start_time=self.at, run_id="run", raw_info=raw)


@pytest.mark.parametrize(
    ("temporal", "said"),
    [
        (LastSession(0.5), ""),  # between the event and the note that it was started
        (LastSession(-4), ""),
        (LastSession(-60), "Temporal's clock is 60 s behind this machine's"),
        (LastSession(102), "Temporal's clock is 100 s ahead of this machine's"),
        (LastSession(-60, first="another"), ""),  # a later run says nothing about the start
        (LastSession(-60, known=False), ""),
    ],
)
async def test_clock_of_temporal_is_told_by_the_last_session(temporal, said):
    """It cannot have begun before its event, nor after the start was noted."""
    found = await doctor.temporal_clock(temporal, ("ses_1", AT, AT + dt.timedelta(seconds=2)))
    assert [problem.message for problem in found] == ([said] if said else [])
    assert await doctor.temporal_clock(temporal, None) == []
