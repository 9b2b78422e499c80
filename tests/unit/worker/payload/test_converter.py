"""Temporal's converter: plain JSON, Temporal's own kinds, and failures that show the user's frames."""

from __future__ import annotations

import decimal
import uuid

import pytest
from hypothesis import given
from temporalio.api.common.v1 import Payload
from temporalio.api.failure.v1 import Failure
from temporalio.exceptions import ApplicationError

from tests.helpers.strategies import READABLE
from worker.contracts import CallContext, LogLine
from worker.errors import PayloadError
from worker.payload.converter import PlainJson, data_converter, traceback_of


@given(READABLE)
def test_json_is_written_as_json(value):
    """What is JSON goes as JSON that any other program reads."""
    converter = data_converter().payload_converter
    payloads = converter.to_payloads([value])
    assert converter.from_payloads(payloads) == [value]
    assert payloads[0].metadata["encoding"] in {b"json/plain", b"binary/null"}


@pytest.mark.parametrize(
    "value", [None, b"x", "ü", Payload(data=b"x")], ids=lambda value: type(value).__name__
)
def test_temporals_own_kinds_round_trip(value):
    """Nothing, bytes and protocol buffers go as Temporal sends them."""
    converter = data_converter().payload_converter
    assert converter.from_payloads(converter.to_payloads([value]), [type(value)]) == [value]


@pytest.mark.parametrize(
    "value",
    [CallContext({"user": "main:f"}, "main.py:3", 4), LogLine(1, 2.5, "print", "x")],
    ids=lambda value: type(value).__name__,
)
def test_contracts_round_trip_by_their_type(value):
    """A contract is plain JSON on the way and itself where its type is asked for."""
    converter = PlainJson()
    assert converter.from_payload(converter.to_payload(value), type(value)) == value


@pytest.mark.parametrize(
    "value",
    [float("nan"), float("inf"), object(), {1}, uuid.UUID(int=1), decimal.Decimal(1), "\ud800", LogLine],
    ids=lambda value: type(value).__name__,
)
def test_converter_refuses_what_is_not_json(value):
    """Values of programs are encoded before they come here."""
    with pytest.raises(PayloadError, match="not JSON"):
        PlainJson().to_payload(value)


def written(error: BaseException) -> Failure:
    """The error as Temporal keeps it."""
    failure = Failure()
    converter = data_converter()
    converter.failure_converter.to_failure(error, converter.payload_converter, failure)
    return failure


def test_failure_shows_the_users_frames():
    """The stack trace of a failure is the user's, from frames or as rendered."""
    frames = {"frames": [["main.py", 3, "f", "g()"]]}
    assert written(ApplicationError("x", frames)).stack_trace == '  File "main.py", line 3, in f\n    g()'
    assert written(ApplicationError("x", {"traceback": "as it was"})).stack_trace == "as it was"


def test_failure_without_details_shows_none_of_our_frames():
    """How we got there is nothing to the user."""
    with pytest.raises(ApplicationError) as raised:
        raise ApplicationError("x")
    assert written(raised.value).stack_trace == ""
    assert traceback_of({}) == ""
