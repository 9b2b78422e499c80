"""Forks of recorded histories, at every step: the fork asks next for what the session asked for next.

Needs no server: a fork that has only been started is replayed, its first task runs to the place where it goes live.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from temporalio.api.common.v1 import Payload
from temporalio.api.history.v1 import HistoryEvent
from temporalio.client import WorkflowHistory

from tests.helpers.bed import KEY
from tests.helpers.record import NAME
from tests.helpers.replaying import replaying
from worker import cutting, recording
from worker.asked import END
from worker.contracts import LINE_PRINT, MEMO_FORKED_AT, MEMO_FORKED_FROM, SEAL_FORK
from worker.errors import UsageError
from worker.payload.outside import outside_codec
from worker.steps import SLEEP, WAIT

HERE = Path(__file__).parent
HISTORIES = sorted((HERE / "histories").glob("*.json"))


def history(name: str) -> WorkflowHistory:
    """A recorded one."""
    return WorkflowHistory.from_json(f"ses_{name}", (HERE / "histories" / f"{name}.json").read_text())


def plain(value) -> Payload:
    """JSON as any client sends it."""
    return Payload(metadata={"encoding": b"json/plain"}, data=json.dumps(value).encode())


def fork_of(events, record) -> WorkflowHistory:
    """The history of a fork that was just started."""
    begun, scheduled, started = (HistoryEvent.FromString(event.SerializeToString()) for event in events[:3])
    facts = begun.workflow_execution_started_event_attributes
    data = list(facts.input.payloads) or [plain(None)]
    if facts.continued_execution_run_id:  # what a run before had left to it is part of the record
        record = record | {"carried": json.loads(data[1].data)}
        facts.continued_execution_run_id = ""
    sealed = {"fork": record, "seal": outside_codec(KEY, NAME).seal(record, SEAL_FORK)}
    del facts.input.payloads[:]
    facts.input.payloads.extend([data[0], plain(sealed)])
    facts.memo.fields[MEMO_FORKED_FROM].CopyFrom(plain(record["origin"]))
    facts.memo.fields[MEMO_FORKED_AT].CopyFrom(plain(str(record["at"])))
    facts.original_execution_run_id = "a-fork"
    return WorkflowHistory("ses_fork", [begun, scheduled, started])


@pytest.fixture(scope="module")
def replays(tmp_path_factory):
    """The project the histories were recorded with."""
    project = tmp_path_factory.mktemp("forks") / "project"
    shutil.copytree(HERE / "project", project)
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(HERE / "libraries")
        patch.setenv("GREETING", "hi")
        with replaying(NAME, project, "main.py:simple") as (made, _prints):
            yield made.inner


_OTHERWISE = {
    ("unheard", 1),
    ("fork_hears_twice", 4),
    ("given_up", 1),
    ("given_up", 2),
    ("given_up_cancelled", 1),
    ("live_beside", 1),
}


def said(step) -> tuple[str, ...]:
    """What is compared: a timer said less about itself when some of the histories were recorded."""
    return ("timer",) if step.kind in {SLEEP, WAIT} else (step.kind, step.name, step.where)


def cases():
    """Each history, at each of its steps.

    All but the one in which a handler caught Temporal's error of a live call: its fork gets what the call raised. And
    but the step at which a signal to nobody fails, told in Temporal's words: what is live there is told in ours. And but the wait
    that was ended by hearing of a child's end once more: what is live there hears of it once. And but the calls that are
    given up: at the end of the time limit the call is not made again, and its error was another one once. And but the
    live call, which is asked for first and recorded last.
    """
    for path in HISTORIES:
        if path.stem == "live_error":
            continue
        for step in recorded(history(path.stem).events).steps:
            if (path.stem, step.n) in _OTHERWISE:
                continue
            yield pytest.param(path.stem, step.n, id=f"{path.stem}-{step.n}")


def recorded(events) -> recording.Recording:
    """What the session was given and asked for; of a fork with what it took over."""
    facts = events[0].workflow_execution_started_event_attributes
    forked = MEMO_FORKED_FROM in facts.memo.fields
    before = json.loads(facts.input.payloads[1].data)["fork"] if forked else None
    return recording.recording_of("ses_first", events, before)


@pytest.mark.parametrize(("name", "at"), list(cases()))
async def test_fork_asks_for_what_came_next(replays, name, at):
    """Whatever ran at once, a fork at any step goes on with the step that was next, and prints what was printed."""
    events = history(name).events
    made = recorded(events)
    try:
        record = cutting.cut(made, at)
    except UsageError as refused:
        pytest.skip(str(refused))
    whole = await replays.replay(history(name))
    found = await replays.replay(fork_of(events, record))
    assert "AK1602" not in json.dumps(found.lines)
    following = [said(step) for step in made.steps[at:] if not recording.is_again(step)]
    live = [step for step in found.asked if step.kind != END and not recording.is_again(step)]
    asked = [said(step) for step in live]
    assert asked[:1] == following[: len(asked[:1])]
    assert asked or not following or len(live) < len(found.asked)
    printed = [text for kind, text, _ in found.lines if kind == LINE_PRINT]
    if name != "clocks":  # which shows the time and chance of what is live
        assert printed == [text for kind, text, _ in whole.lines if kind == LINE_PRINT][: len(printed)]
