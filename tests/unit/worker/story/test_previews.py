"""Values of a history in a few words, without decoding a pickle or a secret."""

from __future__ import annotations

import io
import tarfile

import pytest
from temporalio.api.common.v1 import Payload
from temporalio.api.failure.v1 import Failure

from tests.helpers.histories import failure, payload
from worker.story.previews import call_text, failure_text, result_text, shown, value_of
from worker.story.sources import Sources
from worker.story.times import length


@pytest.mark.parametrize(
    ("tree", "expected"),
    [
        ({"n": [1, None, True]}, "{'n': [1, None, True]}"),
        ({"preview": "datetime(2026, 1, 2)", "pickle": "v1.x"}, "datetime(2026, 1, 2)"),
        ([{"preview": "<Order>", "pickle": "v1.x"}], "[<Order>]"),
        ({"preview": "Bearer ••••••", "secret": ["Bearer ", {"var": "T"}]}, "'Bearer ••••••'"),
        ({"preview": "dict", "escaped": {"pickle": 1}}, "{'pickle': 1}"),
        ("x" * 1000, "'" + "x" * 27 + "..." + "x" * 28 + "'"),
    ],
)
def test_values(tree, expected):
    """What had to be pickled shows its preview."""
    assert shown(tree) == expected


def test_results():
    """Of a call, a read, an operation; nothing where there is nothing to say."""
    assert result_text("call", "f", payload({"result": None})) == "None"
    assert result_text("read", "get_value", payload({"result": {"found": True, "value": 3}})) == "3"
    assert result_text("read", "get_value", payload({"result": {"found": False, "value": None}})) == "None"
    assert result_text("system", "set_value", payload({"result": None})) is None
    assert result_text("system", "await_signal", payload({"result": []})) is None
    assert result_text("system", "add_value", payload({"result": 3})) == "3"
    assert result_text("child", "main.py:c", payload({"result": 3})) == "{'result': 3}"
    assert result_text("call", "f", None) is None


def test_calls():
    """From the arguments as they were sent."""
    both = payload({"args": [1], "kwargs": {"k": "v"}})
    assert call_text("call", "f", [both]) == "f(1, k='v')"
    pickled = payload({"preview": ["<A>", 2], "preview_kwargs": {"k": "<B>"}, "pickle": "v1.x"})
    assert call_text("call", "f", [pickled]) == "f('<A>', 2, k='<B>')"
    assert (
        call_text("system", "set_value", [payload({"op": "set", "key": "n", "args": [1]})])
        == "set_value('n', [1])"
    )
    again = payload({"name": "go", "since": "2026-01-01T00:00:00+00:00", "again": True})
    assert call_text("system", "await_signal", [again]) == "await_signal('go')"
    assert call_text("child", "main.py:c", [payload({"n": 1})]) == "start('main.py:c', {'n': 1})"
    assert call_text("signal", "go", []) == "signal go()"


def test_failures():
    """Type, message and place; timeouts; what is no failure of ours."""
    assert failure_text(failure("KeyError", "'id'")) == "KeyError: 'id' (main.py:9)"
    outer = Failure(message="activity error", cause=failure("OSError", "refused"))
    assert failure_text(outer) == "OSError: refused (main.py:9)"
    timed_out = Failure(message="heartbeat timeout")
    timed_out.timeout_failure_info.timeout_type = 4
    assert failure_text(timed_out) == (
        "the process that made the call has gone: no sign of life came any more"
    )
    timed_out.timeout_failure_info.timeout_type = 1
    assert failure_text(timed_out) == "timed out: the attempt took longer than its timeout"
    timed_out.timeout_failure_info.timeout_type = 0
    assert failure_text(timed_out) == "timed out: heartbeat timeout"
    assert failure_text(Failure(message="plain")) == "plain"
    assert failure_text(None) is None


def test_payloads_of_other_kinds_are_described():
    """Nobody's bytes are shown."""
    strange = Payload(metadata={"encoding": b"binary/plain"}, data=b"\xff\xfe")
    assert shown(value_of(strange)) == "<2 bytes of binary/plain>"
    assert value_of(Payload(metadata={"encoding": b"binary/null"})) is None


def test_source_lines_come_from_the_build():
    """By file and line, without indentation; what is not there is empty."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        text = b"import os\n    x = 1\n"
        info = tarfile.TarInfo("lib/main.py")
        info.size = len(text)
        archive.addfile(info, io.BytesIO(text))
    sources = Sources(buffer.getvalue())
    sources.want(["lib/main.py:2", "gone.py:1", ""])
    places = ("lib/main.py:2", "lib/main.py:3", "gone.py:1", "lib/main.py:x", "")
    assert [sources.line(place) for place in places] == ["x = 1", "", "", "", ""]
    for broken in (Sources(b"no archive"), Sources(None)):
        broken.want(["main.py:1"])
        assert broken.line("main.py:1") == ""


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [
        (0.0123, "12 ms"),
        (0.0996, "0.1 s"),
        (3.21, "3.2 s"),
        (59.97, "1 min"),
        (320, "5 min 20 s"),
        (7500, "2 h 5 min"),
        (86_400 * 3 + 4 * 3600, "3 d 4 h"),
        (-1, "0 ms"),
    ],
)
def test_length(seconds, expected):
    """In two units at most."""
    assert length(seconds) == expected
