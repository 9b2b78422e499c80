"""What ``ak lint`` says about a program is what its history shows: every program of ``tests/projects/linted`` is run.

The sessions are evicted after every task, so that each step is also a replay.
"""

from __future__ import annotations

import ast
import asyncio
import collections
import http.server
import json
import shutil
import socketserver
import threading
from dataclasses import dataclass, field
from typing import Any

import pytest
import pytest_asyncio
from temporalio.client import WorkflowFailureError

from tests.helpers.bed import Bed
from tests.integration.conftest import PROJECTS
from worker.lint.report import lint
from worker.steps import steps_of

pytestmark = pytest.mark.asyncio(loop_scope="module")
SOURCE = PROJECTS / "linted"
AT_ONCE = 8
# How often the loops of unknown length turn in programs whose every event is counted.
TURNS = {
    "web.py:one_request": 0,
    "web.py:a_session": 3,
    "web.py:pages": 3,
    "web.py:with_own_client": 3,
    "web.py:with_a_partial": 0,
    "timing.py:sleeps": 0,
    "orders.py:loops": 0,
    "orders.py:enumerated": 0,
    "orders.py:unknown_turns": 2,
    "helpers.py:by_a_session": 0,
    "helpers.py:of_both": 0,
    "helpers.py:deep": 0,
    "helpers.py:by_annotation": 0,
    "helpers.py:with_defaults": 0,
    "helpers.py:fields": 0,
    "helpers.py:in_loops": 0,
    "helpers.py:with_a_bound_client": 0,
    "helpers.py:through_a_decorator": 0,
    "helpers.py:by_any": 0,
    "helpers.py:hands_over_a_function": 0,
    "helpers.py:keeps_a_function": 0,
    "helpers.py:hands_over_ones_own": 0,
    "shapes.py:recursive": 2,
    "shapes.py:by_table": 0,
    "shapes.py:in_a_block": 0,
    "shapes.py:with_own_retries": 0,
    "shapes.py:inherits": 0,
    "shapes.py:from_a_generator": 0,
}
KINDS = {
    "call": {"activity"},
    "system": {"step", "wait"},
    "read": {"read", "local"},
    "sleep": {"timer"},
    "wait": {"wait"},
    "child": {"child"},
}
SPOKEN = {"await_signal": "wait_for_signal"}


def functions() -> dict[str, ast.FunctionDef | ast.AsyncFunctionDef]:
    """The module-level functions of all programs, as ``web.py:name``."""
    return {
        f"{path.name}:{node.name}": node
        for path in sorted(SOURCE.glob("*.py"))
        for node in ast.parse(path.read_text()).body
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    }


FUNCTIONS = functions()
PROGRAMS = [name for name, node in FUNCTIONS.items() if [item.arg for item in node.args.args] == ["event"]]


class Web(http.server.BaseHTTPRequestHandler):
    """Items with numbers, and pages that end."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        """Three items, one of them, or a page."""
        path, _, last = self.path.partition("?")[0].rpartition("/")
        if last == "items":
            self.answer([{"id": number, "name": f"item {number}"} for number in (1, 2, 3)])
        elif path == "/pages":
            self.answer([1, 2] if int(last) < 3 else [])
        else:
            self.answer({"id": int(last), "name": "item"})

    def do_POST(self) -> None:
        """Whatever it is, it is fine."""
        self.rfile.read(int(self.headers.get("content-length") or 0))
        self.answer({"ok": True, "ts": "1"})

    def answer(self, value: Any) -> None:
        """JSON."""
        body = json.dumps(value).encode()
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Nothing."""


class Mail(socketserver.StreamRequestHandler):
    """Just enough of SMTP."""

    def handle(self) -> None:
        """Agree to everything."""
        self.wfile.write(b"220 here\r\n")
        try:
            for line in self.rfile:
                self.wfile.write(b"221 bye\r\n" if line.lower().startswith(b"quit") else b"250 ok\r\n")
        except ConnectionError:
            return


class Servers(socketserver.ThreadingTCPServer):
    """Quiet when somebody hangs up."""

    daemon_threads = True

    def handle_error(self, *_: object) -> None:
        """Nothing."""


@dataclass
class Run:
    """What one program did."""

    error: str = ""
    events: int = 0
    steps: collections.Counter[tuple[str, str, str]] = field(default_factory=collections.Counter)


@pytest.fixture(scope="module")
def servers(tmp_path_factory):
    """What the programs talk to."""
    started = [Servers(("127.0.0.1", 0), kind) for kind in (Web, Mail)]
    for server in started:
        threading.Thread(target=server.serve_forever, daemon=True).start()
    web, mail = (server.server_address[1] for server in started)
    scratch = tmp_path_factory.mktemp("scratch")
    yield {
        "base": f"http://127.0.0.1:{web}",
        "smtp": mail,
        "scratch": str(scratch),
        "numbers": [1, 2],
        "n": 1,
    }
    for server in started:
        server.shutdown()
        server.server_close()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def runs(temporal_server, servers, tmp_path_factory):
    """What every program did, by its name."""
    home = tmp_path_factory.mktemp("bed")
    project = home / "project"
    shutil.copytree(SOURCE, project, ignore=shutil.ignore_patterns("__pycache__"))
    bed = Bed(project, home, temporal_server.address, cached=0, budget=2.0)
    await bed.start(PROGRAMS)
    places = asyncio.Semaphore(AT_ONCE)

    async def run(program: str) -> Run:
        async with places:
            done = Run()
            handle = await bed.begin(program, servers)
            try:
                await asyncio.wait_for(handle.result(), 120)
            except WorkflowFailureError as error:
                done.error = str(getattr(error.cause, "message", error.cause))
            events = (await handle.fetch_history()).events
            done.events = len(events)
            done.steps.update((step.kind, step.name, step.where) for step in steps_of(events))
            return done

    found = dict(zip(PROGRAMS, await asyncio.gather(*map(run, PROGRAMS)), strict=True))
    status = await asyncio.to_thread(bed.stop)
    bed.store.close()
    assert status == 0
    return found


@pytest.fixture(scope="module")
def said():
    """The report about all programs."""
    return lint(SOURCE, PROGRAMS)


@pytest.fixture
def report(said, request):
    """The report about one program."""
    program = request.node.callspec.params["program"]
    return next(item for item in said["handlers"] if item["handler"] == program)


def expected(step: tuple[str, str, str]) -> set[tuple[str, str, str]]:
    """How lint may name a step of a history."""
    kind, name, where = step
    if kind == "sleep":
        name = "sleep"
    elif kind == "child":
        name = "autokitteh.start"
    elif kind == "wait":
        name = "autokitteh.wait_for_signal"
    elif kind == "system":
        name = f"autokitteh.{SPOKEN.get(name, name)}"
    return {(one, spoken, where) for one in KINDS[kind] for spoken in (name, f"autokitteh.{name}")}


def errors_of(said: dict[str, Any], report: dict[str, Any]) -> list[dict[str, Any]]:
    """The errors that lint finds in a handler and in the marked functions that it calls."""
    names = [report["handler"], *(f"{'.py:'.join(call['name'].split('.'))}" for call in report["calls"])]
    nodes = [(name.partition(":")[0], FUNCTIONS[name]) for name in names if name in FUNCTIONS]
    return [
        item
        for item in said["hazards"]
        for file, node in nodes
        if item["severity"] == "error"
        and item["where"].partition(":")[0] == file
        and node.lineno <= int(item["where"].rpartition(":")[2]) <= (node.end_lineno or 0)
    ]


@pytest.mark.parametrize("program", PROGRAMS)
async def test_every_step_of_a_history_was_foretold(runs, report, program):
    """Kind, name and line of what the session did stand in the report."""
    foretold = {(call["kind"], call["name"], call["where"]) for call in report["calls"]}
    unforeseen = [step for step in runs[program].steps if not expected(step) & foretold]
    assert unforeseen == []


@pytest.mark.parametrize("program", PROGRAMS)
async def test_what_was_foretold_happened(runs, said, report, program):
    """Every step that lint names is in the history, unless its line says that this program does not come there."""
    if runs[program].error:
        return  # it did not come far
    made = set().union(*map(expected, runs[program].steps))
    lines = {
        f"{path.name}:{number}": line
        for path in SOURCE.glob("*.py")
        for number, line in enumerate(path.read_text().splitlines(), 1)
    }
    missing = [
        (call["kind"], call["name"], call["where"])
        for call in report["calls"]
        if call["kind"] not in {"inline", "unknown"}
        and (call["kind"], call["name"], call["where"]) not in made
        and "# not reached" not in lines[call["where"]]
    ]
    assert missing == []


@pytest.mark.parametrize("program", PROGRAMS)
async def test_a_session_fails_where_lint_says_so(runs, said, report, program):
    """A program with an error fails, and no other; what is only likely is a warning."""
    failed = runs[program].error
    if errors_of(said, report):
        assert failed
    elif program != "timing.py:grows":  # a warning: it depends on the machine
        assert not failed


@pytest.mark.parametrize("program", TURNS)
async def test_events_are_as_many_as_foretold(runs, report, program):
    """Where the number of turns is known, the estimate is the number of events."""
    events = report["events"]
    assert (len(events["per_turn"]) > 0) == (TURNS[program] > 0)
    assert runs[program].events == events["about"] + TURNS[program] * sum(events["per_turn"].values())
