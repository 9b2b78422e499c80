"""``ak doctor``: silent when all is well, one line for each problem with its remedy.

Each check is a small function that returns its problems; none changes anything.
"""

from __future__ import annotations

import asyncio
import contextlib
import datetime as dt
import shutil
import socket
import stat
import sys
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from worker import clock, config, integrations
from worker.cli import context
from worker.cli.deploy import Json
from worker.cli.output import Output, fitted
from worker.config import Settings
from worker.errors import WorkerError

if TYPE_CHECKING:
    from temporalio.client import Client

    from worker.store import Store
    from worker.store.records import Connection, Deployment, Service, Variable

_PYTHON = (3, 11)
_ALIVE_SECONDS = 15.0
_OVERDUE_SECONDS = 60
_ANSWER_SECONDS = 5.0
_SKEW_SECONDS = 5.0
_FREE_BYTES = 500_000_000
_OTHERS = stat.S_IRWXG | stat.S_IRWXO
CODES = {
    "python": "AK4001",
    "settings": "AK4002",
    "permissions": "AK4003",
    "disk": "AK4004",
    "store": "AK4005",
    "up": "AK4006",
    "worker": "AK4007",
    "gateway": "AK4008",
    "temporal": "AK4009",
    "versions": "AK4010",
    "clock": "AK4011",
    "deployment": "AK4012",
    "process": "AK4013",
    "connection": "AK4014",
    "events": "AK4015",
}


@dataclass(frozen=True)
class Problem:
    """What is wrong, and what to do about it."""

    check: str
    message: str
    remedy: str

    @property
    def code(self) -> str:
        """That of the check, under which the documentation explains it."""
        return CODES[self.check]

    def __str__(self) -> str:
        """Two lines: what is wrong, and the remedy."""
        return f"{self.check}: {self.message} [{self.code}]\n  {self.remedy}"


Problems = Iterator[Problem]


def add_to(app: typer.Typer) -> None:
    """Register the command."""
    app.command()(doctor)


def doctor(as_json: Json = False) -> int:
    """Look for what is wrong with this installation; says nothing when all is well.

    Example: ak doctor
    """
    found = context.settings()
    problems = [*of_machine(found), *context.run(of_installation(found))]
    out = Output(as_json=as_json)
    if as_json:
        out.document([{"code": problem.code, **asdict(problem)} for problem in problems], "")
    for problem in [] if as_json else problems:
        out.say(fitted(str(problem)))
    return 1 if problems else 0


def of_machine(found: Settings) -> Problems:
    """What can be seen without store and Temporal."""
    yield from python_version(sys.version_info[:2])
    yield from settings_known(found.warnings)
    if problem := config.home_problem(found.home):
        yield Problem("permissions", problem, "Set AK_HOME to a directory that you may write to.")
    if not found.home.is_dir():
        return
    yield from readable_by_others([found.home, found.home / "key"])
    for folder in folders_written(found):
        yield from disk_space(folder, shutil.disk_usage(folder).free)
    if config.read_running(found.home) is None:
        yield from port_in_use(found.listen_host, found.listen_port)


async def of_installation(found: Settings) -> list[Problem]:
    """What the store and Temporal say."""
    from worker.store import schema_of

    problems: list[Problem] = []
    if not found.home.is_dir() and found.database_url.startswith("sqlite"):
        return problems  # nothing was ever started here
    died = config.died_running(found.home)
    if died is not None and not found.temporal_address:
        # Worker, gateway and Temporal were parts of it: one cause, one line.
        return [*up_died(found.home, died), *store_opens(found)]
    try:
        problems += schema_fits(*schema_of(found.database_url))
        if problems:
            return problems  # opening it would upgrade it
        with context.opened(found) as store:
            problems += of_store(store)
            problems += clock_differs("the database's", store.database.now(), clock.now())
            problems += gateway_answers(context.gateway_url(found), bool(store.deployments.wanted()))
            problems += await temporal_answers(found, store)
    except WorkerError as error:
        problems.append(no_store(error))
    return problems


def schema_fits(have: int, known: int) -> Problems:
    """The database was made by this version of the program, or by another one."""
    what = f"the database has schema {have}, this program knows {known}"
    if have > known:
        yield Problem("store", f"{what}: it was used by a newer version", "Upgrade this program.")
    elif 0 < have < known:
        yield Problem(
            "store",
            f"{what}: it was last used by an older version",
            "Stop what runs of the older version, back the database up, and start this one: it upgrades the database.",
        )


def store_opens(found: Settings) -> Problems:
    """What does not run needs its database all the same."""
    from worker.store import schema_of

    try:
        unfit = [*schema_fits(*schema_of(found.database_url))]
        yield from unfit
        if not unfit:
            with context.opened(found):
                return
    except WorkerError as error:
        yield no_store(error)


def no_store(error: WorkerError) -> Problem:
    """The database cannot be used."""
    return Problem("store", error.message, error.hint or "Check AK_DATABASE_URL.")


def up_died(home: Path, pid: int) -> Problems:
    """The process that was all of this installation is gone, and nobody stopped it."""
    yield Problem(
        "up",
        f"`ak up` of {home} is not running: its process {pid} ended without being stopped",
        "Start it again: `ak up`. Sessions and events that had come in go on from where they were.",
    )


def of_store(store: Store) -> Problems:
    """What the records say."""
    deployments = store.deployments.list()
    workers = store.services.alive("supervisor", _ALIVE_SECONDS)
    yield from somebody_works(deployments, workers)
    yield from newest_failed(deployments)
    yield from does_not_start(workers, deployments)
    for project in {item.project for item in deployments if item.state == "active"}:
        used = {item.connection for item in store.triggers.list(project) if item.connection}
        yield from connections_ready(project, store.connections.list(project), used, store.vars.list(project))
    since = clock.now() - dt.timedelta(seconds=_OVERDUE_SECONDS)
    yield from nothing_overdue(store.events.overdue(since))


def python_version(version: tuple[int, ...]) -> Problems:
    """Ours needs a newer one."""
    if version < _PYTHON:
        yield Problem("python", f"this is Python {version[0]}.{version[1]}", "Install Python 3.11 or newer.")


def settings_known(warnings: Iterable[str]) -> Problems:
    """Variables that look like settings and are none."""
    for warning in warnings:
        yield Problem("settings", warning, "Correct the environment variable.")


def readable_by_others(paths: Iterable[Path]) -> Problems:
    """The home holds the key that opens all secrets."""
    for path in paths:
        with contextlib.suppress(OSError):
            if path.stat().st_mode & _OTHERS:
                yield Problem("permissions", f"others may read {path}", f"chmod go= {path}")


def folders_written(found: Settings) -> list[Path]:
    """The home, and where a database file lies when that is on another disk."""
    home = found.home
    folder = Path(found.database_url.partition(":///")[2]).parent
    if not found.database_url.startswith("sqlite") or not folder.exists():
        return [home]
    return [home] if folder.stat().st_dev == home.stat().st_dev else [home, folder]


def disk_space(home: Path, free: int) -> Problems:
    """A full disk stops everything."""
    if free < _FREE_BYTES:
        yield Problem(
            "disk",
            f"{free // 1_000_000} MB are left where {home} is",
            "Make room there, or move AK_HOME or the database (AK_DATABASE_URL).",
        )


def port_in_use(host: str, port: int) -> Problems:
    """Somebody else has the gateway's port."""
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as attempt:
        attempt.settimeout(_ANSWER_SECONDS)
        if port and not attempt.connect_ex((host, port)):
            yield Problem(
                "gateway", f"another program listens on {host}:{port}", "Stop it, or set AK_LISTEN=host:port."
            )


def somebody_works(deployments: Iterable[Deployment], workers: Iterable[Service]) -> Problems:
    """Deployments need a supervisor."""
    wanted = {
        item.project for item in deployments if item.state in {"pending", "starting", "active", "draining"}
    }
    if wanted and not list(workers):
        yield Problem(
            "worker",
            f"no worker is alive for {', '.join(sorted(wanted))}",
            "Start one: `ak up` or `ak worker`.",
        )


def newest_failed(deployments: Iterable[Deployment]) -> Problems:
    """The last thing asked for did not come up."""
    newest: dict[str, Deployment] = {}
    for item in deployments:
        if item.project not in newest or newest[item.project].created_at < item.created_at:
            newest[item.project] = item
    for item in newest.values():
        if item.state == "failed":
            error = item.error or {}
            where = f"{error['where']}: " if error.get("where") else ""
            yield Problem(
                "deployment",
                f"{item.project}: {item.id} failed: {where}{error.get('message', '')}",
                error.get("hint") or f"Correct it and deploy again; `ak deployment get {item.id}` shows it.",
            )


def does_not_start(workers: Iterable[Service], deployments: Iterable[Deployment]) -> Problems:
    """What a worker tries again and again."""
    running = {item.id: item for item in deployments if item.state in {"active", "draining"}}
    for worker in workers:
        for identifier, reason in worker.details.items():
            if identifier in running:
                project = running[identifier].project
                log = f"logs/{project}-{identifier}.log in the home of that worker"
                memory = (
                    "When nobody sent that signal, the kernel did: memory ran out (`dmesg` says so). "
                    if "SIGKILL" in reason
                    else ""
                )
                yield Problem(
                    "process",
                    f"{project}: {identifier} does not start on {worker.host}: {reason}",
                    f"{memory}See {log}.",
                )


def connections_ready(
    project: str, connections: Iterable[Connection], used: set[str], variables: Iterable[Variable]
) -> Problems:
    """Triggers wait for events of connections that nobody has set up."""
    known = list(variables)
    for item in connections:
        present = {v.name for v in known if v.connection == item.name and v.value}
        lacking = integrations.missing(item.integration, present)
        if item.name in used and lacking:
            yield Problem(
                "connection",
                f"{project}: {item.name} ({item.integration}) is used by triggers and needs {', '.join(lacking)}",
                f"Set it up: `ak connection init {project} {item.name}`",
            )


def nothing_overdue(overdue: dict[str, int]) -> Problems:
    """Events that have waited for long."""
    for project, count in overdue.items():
        yield Problem(
            "events",
            f"{project}: {count} deliveries wait for more than {_OVERDUE_SECONDS} s",
            "A gateway delivers them: `ak up` or `ak gateway`; see `ak event list`.",
        )


def clock_differs(whose: str, theirs: dt.datetime | None, ours: dt.datetime) -> Problems:
    """Leases, signs of life and schedules go by the clock: those of all machines must agree."""
    seconds = (theirs - ours).total_seconds() if theirs is not None else 0.0
    if abs(seconds) > _SKEW_SECONDS:
        yield Problem(
            "clock",
            f"{whose} clock is {abs(seconds):.0f} s {'ahead of' if seconds > 0 else 'behind'} this machine's",
            "Let both machines take their time from the same source (NTP): `timedatectl` shows it.",
        )


async def temporal_clock(
    client: Client, last_start: tuple[str, dt.datetime, dt.datetime] | None
) -> list[Problem]:
    """Temporal tells its time with what it did: the last session began after its event, before the start was noted."""
    from temporalio.service import RPCError

    if last_start is None:
        return []
    session, recorded, started = last_start
    try:
        found = await client.get_workflow_handle(session).describe()
    except RPCError:
        return []  # it is forgotten
    if found.raw_info.first_run_id not in {"", found.run_id}:
        return []  # this run began later: it restarted
    nearest = min(max(found.start_time, recorded), started)
    return list(clock_differs("Temporal's", found.start_time, nearest))


def gateway_answers(url: str, needed: bool) -> Problems:
    """Webhooks need a gateway."""
    import httpx

    if not needed:
        return
    try:
        answer = httpx.get(f"{url}/readyz", timeout=_ANSWER_SECONDS, trust_env=False)
    except httpx.HTTPError:
        yield Problem("gateway", f"no gateway answers at {url}", "Start one: `ak up` or `ak gateway`.")
        return
    if answer.status_code != httpx.codes.OK:
        yield Problem(
            "gateway",
            f"the gateway at {url} is not ready: {answer.text}",
            "See the other lines, and its log.",
        )


async def temporal_answers(found: Settings, store: Store) -> list[Problem]:
    """Sessions need Temporal; each project needs room for another version."""
    from worker import versions

    active: list[Any] = [item for item in store.deployments.list() if item.state == "active"]
    if not active:
        return []
    problems: list[Problem] = []
    try:
        async with asyncio.timeout(2 * _ANSWER_SECONDS), context.connected(found, store) as client:
            problems += await temporal_clock(client, store.events.last_start())
            for item in active:
                try:
                    await versions.check_room(client, item.project, "", found.versions_limit)
                except WorkerError as error:
                    problems.append(Problem("versions", error.message, error.hint))
    except WorkerError as error:
        problems.append(
            Problem("temporal", error.message, error.hint or "Start it, or set TEMPORAL_ADDRESS.")
        )
    except Exception as error:
        text = str(error) or f"no answer within {2 * _ANSWER_SECONDS:.0f} s"
        problems.append(
            Problem("temporal", f"it cannot be used: {text}", "Start it, or set TEMPORAL_ADDRESS.")
        )
    return problems
