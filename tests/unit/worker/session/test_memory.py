"""What a session keeps in memory while it sleeps: made when asked for, and no more of a message than is needed."""

from __future__ import annotations

import dataclasses
import hmac
import random
from unittest import mock

import pytest
from temporalio import workflow
from temporalio.api.common.v1 import Payload
from temporalio.worker import WorkflowInstanceDetails

from worker.payload.converter import PayloadConverter
from worker.session import runner
from worker.session.chance import Chance
from worker.session.host import HOST
from worker.session.runner import Memo


def payload(text: str) -> Payload:
    """A payload that holds a text."""
    return Payload(metadata={"encoding": b"json/plain"}, data=text.encode())


def test_a_memo_is_read_and_changed_as_temporal_does():
    """It holds the same payloads, and none of the messages that it was made from."""
    given = {"a": payload("1"), "b": payload("2")}
    memo = Memo(given)
    assert dict(memo) == given
    assert memo["a"] is not given["a"]
    memo["c"] = payload("3")
    assert memo.pop("b") == payload("2")
    assert memo.pop("b", None) is None
    assert (sorted(memo), len(memo), memo.get("x")) == (["a", "c"], 2, None)


def stream(number: int) -> bytes:
    """A block of the unpredictable numbers, as histories have them."""
    key = hmac.digest(b"key", b"session run", "sha256")
    return hmac.digest(key, number.to_bytes(8, "big"), "sha256")


@pytest.fixture
def _generator():
    """Temporal's own generator."""
    with mock.patch.object(workflow, "random", return_value=random.Random(0)):
        yield


@pytest.mark.usefixtures("_generator")
def test_chance_is_the_same_whenever_its_generator_is_made():
    """The seed is taken from the stream at the start, as in every history recorded so far."""
    early, late = Chance(b"key", "run"), Chance(b"key", "run")
    first = early.random.random()
    assert first == random.Random(int.from_bytes(stream(0)[:16], "big")).random()
    assert early.bytes(40) == late.bytes(40) == (stream(1) + stream(2))[:40]
    assert early.uuid4() == late.uuid4()
    assert late._generator is None
    assert late.random.random() == first
    assert late.random is late.random


@pytest.mark.usefixtures("_generator")
def test_a_fork_goes_on_with_the_generator_it_has():
    """Made or not: its numbers are those of the session whose steps it took over."""
    made, unmade, plain = (Chance(b"key", "run") for _ in range(3))
    made.random.random()
    with mock.patch.object(workflow, "random", side_effect=RuntimeError("not in the workflow's loop")):
        for chance in (made, unmade):
            chance.seed("another run", keep_random=True)
    plain.random.random()
    expected = plain.random.random()
    assert made.random.random() == expected
    assert [unmade.random.random(), unmade.random.random()][1] == expected


@dataclasses.dataclass
class Info:
    """What the runner changes about a session's own information."""

    raw_memo: object


def test_sessions_have_together_what_nobody_changes():
    """Each session's own would be in memory as long as the session."""
    given = {field.name: mock.MagicMock() for field in dataclasses.fields(WorkflowInstanceDetails)}
    made = []
    sessions = runner.SessionRunner(mock.Mock(), mock.Mock())
    with mock.patch.object(runner, "SessionLoop", lambda details: made.append(details) or mock.Mock()):
        for _ in range(2):
            own = {
                "payload_converter_factory": PayloadConverter,
                "extern_functions": {"theirs": len},
                "default_workflow_logic_flags": frozenset({1, 2}),
                "info": Info({}),
            }
            sessions.create_instance(WorkflowInstanceDetails(**{**given, **own}))
    first, second = made
    assert type(first.payload_converter_factory()) is PayloadConverter
    assert first.payload_converter_factory() is second.payload_converter_factory()
    assert first.extern_functions is second.extern_functions
    assert set(first.extern_functions) == {"theirs", HOST}
    assert first.default_workflow_logic_flags is second.default_workflow_logic_flags == {1, 2}
