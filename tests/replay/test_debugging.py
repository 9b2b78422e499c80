"""The debugging process on recorded histories: stops in the user's source, with recorded results. Needs no server."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

import pytest
from temporalio.api.history.v1 import History
from temporalio.client import WorkflowHistory

from tests.helpers.record import NAME
from tests.helpers.replaying import boot_of
from worker.cli.debug import run
from worker.steps import steps_of
from worker.supervisor.boot import Launch

HERE = Path(__file__).parent
ROOT = HERE.parents[1]


@pytest.fixture
def debug(tmp_path):
    """Run commands at a step of a recorded session; returns where it stopped, its last report and its output."""
    project = tmp_path / "project"
    shutil.copytree(HERE / "project", project)
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("AK_", "TEMPORAL_"))}
    paths = os.pathsep.join([str(ROOT), str(HERE / "libraries")])
    environment |= {"PYTHONHASHSEED": "0", "PYTHONPATH": paths, "GREETING": "hi"}
    launch = Launch(
        boot_of(NAME, project, "main.py:simple"), sys.executable, environment, project.parent / "log"
    )

    def look(name: str, at: int | None, *commands: str) -> tuple[list[str], dict[str, str], list[str]]:
        text = (HERE / "histories" / f"{name}.json").read_text()
        content = History(events=WorkflowHistory.from_json("ses", text).events).SerializeToString()
        wanted = {"session": f"ses_{name}", "bytes": len(content), "at": at, "commands": list(commands)}
        reports, output = run(launch, wanted, content, captured=True)
        stops = [report["where"] for report in reports if report["state"] == "stopped"]
        return stops, reports[-1], output.splitlines()

    return look


def line_of(text: str) -> int:
    """The line of the recorded project's file with this text."""
    lines = (HERE / "project" / "main.py").read_text().splitlines()
    return next(number for number, line in enumerate(lines, 1) if text in line)


def steps_of_history(name: str) -> list[tuple[str, str]]:
    """What a recorded session asked for, and where, as its history tells it."""
    history = WorkflowHistory.from_json("ses", (HERE / "histories" / f"{name}.json").read_text())
    return [(step.name, step.where) for step in steps_of(history.events)]


def test_session_stands_at_its_step_before_the_result_is_there(debug):
    """Variables are as they were, the next line has the recorded result, prints appear as the code runs."""
    line = line_of("total = outside.add(total, i)")
    stops, last, output = debug("steps", 3, "p total", "n", "p total", "n", "c")
    assert stops == [f"main.py:{line}", f"main.py:{line + 1}", f"main.py:{line - 1}"]
    assert [item for item in output if not item.startswith((">", "->"))] == [
        "step 0 0",
        "step 1 1",
        "1",
        "3",
        "step 2 3",
        "step 3 6",
    ]
    assert last["state"] == "ended"


def test_failed_session_is_looked_at_where_it_failed(debug):
    """An uncaught error that came from a call: the frames are the user's, and no others."""
    stops, last, output = debug("uncaught", None, "w", "u", "p event.data")
    line = line_of('outside.fail_custom("y"')
    assert stops[0] == f"main.py:{line}"
    assert "CustomError: custom y" in output
    frames = [item.removeprefix(">").strip() for item in output if "main.py(" in item]
    assert {frame.partition("(")[0] for frame in frames} == {"main.py"}
    assert last["state"] == "stopped"


def test_stepping_stays_in_the_users_source(debug):
    """``s`` goes through the functions of the user and over everything that runs them."""
    stops, _, _ = debug("steps", 1, *["s"] * 12, "c")
    assert len(stops) > 8
    assert {stop.partition(":")[0] for stop in stops} == {"main.py"}


def test_threads_of_a_session_are_stopped_in(debug):
    """A step that a thread asked for is stood at in the thread's own frame."""
    stops, last, output = debug("threaded", 3, "p n", "c")
    assert stops == [f"main.py:{line_of('autokitteh.parallel(lambda')}"]
    assert "2" in output
    assert last["state"] == "ended"


def test_call_that_was_recorded_behind_what_came_after_it_is_stood_at(debug):
    """The number of a live call is that of its end in the history, which is what `ak session show` tells."""
    call, rest = line_of("outside.apply(lambda x: x + 1, 1)"), line_of("await asyncio.sleep(0.01)")
    assert steps_of_history("live_beside") == [
        ("sleep 0.01 s", f"main.py:{rest}"),
        ("sleep 0.02 s", f"main.py:{line_of('rests(), asyncio.sleep(0.02)')}"),  # of no line of its own
        ("outside.apply", f"main.py:{call}"),
    ]
    assert debug("live_beside", 1)[0][0] == f"main.py:{rest}"
    assert debug("live_beside", 3)[0][0] == f"main.py:{call}"


def test_breakpoints_in_the_users_file_are_kept(debug):
    """``b main.py:LINE`` and ``c``."""
    line = line_of("    return total")
    stops, _, output = debug("steps", 1, f"b main.py:{line}", "c", "p total", "c")
    assert stops[-1] == f"main.py:{line}"
    assert "6" in output


def test_step_typed_at_the_prompt_is_refused(debug):
    """What would be a step of the session is not made; the replay goes on as if it had not been typed."""
    _, last, output = debug("steps", 2, "p steps(event)", "n", "p total", "c")
    assert any("makes no calls" in item for item in output)
    assert "1" in output
    assert last["state"] == "ended"


def test_code_that_is_not_the_recorded_one_is_told(debug, tmp_path):
    """A replay that parts from the history ends with an error instead of a prompt."""
    path = tmp_path / "project" / "main.py"
    path.write_text(
        path.read_text().replace("total = outside.add(total, i)", "total = outside.slow(total, i)")
    )
    stops, last, _ = debug("steps", 4, "p 1")
    assert (stops, last["state"]) == ([], "failed")
    assert "does not ask for what was recorded" in last["message"]
