"""Temporal's data converter: everything we send is plain JSON, so that its UI shows it.

Values of programs are encoded by ``Codec`` before they come here; what arrives is JSON, or one of our contracts. What
others send is read by Temporal's own rules.
"""

from __future__ import annotations

import dataclasses
import json
from typing import Any

from temporalio.api.common.v1 import Payload
from temporalio.api.failure.v1 import Failure
from temporalio.converter import (
    BinaryNullPayloadConverter,
    BinaryPlainPayloadConverter,
    BinaryProtoPayloadConverter,
    CompositePayloadConverter,
    DataConverter,
    DefaultFailureConverter,
    EncodingPayloadConverter,
    JSONPlainPayloadConverter,
    JSONProtoPayloadConverter,
)
from temporalio.converter import PayloadConverter as TemporalPayloadConverter
from temporalio.exceptions import ApplicationError

from worker.contracts import CallContext
from worker.errors import PayloadError
from worker.payload.large import Blobs, LargePayloads

_ENCODER = json.JSONEncoder(allow_nan=False, separators=(",", ":"), ensure_ascii=False)
_CONTEXT_FIELDS = frozenset(field.name for field in dataclasses.fields(CallContext))


class PlainJson(EncodingPayloadConverter):
    """JSON without surprises: no NaN, no ``default``."""

    def __init__(self) -> None:
        self._reader = JSONPlainPayloadConverter()

    @property
    def encoding(self) -> str:
        """Temporal's name for it."""
        return "json/plain"

    def to_payload(self, value: Any) -> Payload | None:
        """The value as JSON.

        Raises:
            PayloadError: it is not JSON.
        """
        if type(value) is CallContext:
            value = vars(value)  # flat: with each call goes one, and ``asdict`` copies all it holds
        elif dataclasses.is_dataclass(value) and not isinstance(value, type):
            value = dataclasses.asdict(value)
        try:
            data = _ENCODER.encode(value).encode()
        except (TypeError, ValueError) as error:
            raise PayloadError(f"this is not JSON: {error}") from None
        return Payload(metadata={"encoding": b"json/plain"}, data=data)

    def from_payload(self, payload: Payload, type_hint: type | None = None) -> Any:
        """The value; a type hint makes it one of our contracts."""
        if type_hint is CallContext:
            # Temporal's own way looks its type hints up anew each time, which took a twelfth of a busy process's time.
            fields = json.loads(payload.data)
            return CallContext(**{name: fields[name] for name in fields.keys() & _CONTEXT_FIELDS})
        return (
            self._reader.from_payload(payload, type_hint)
            if type_hint is not None
            else json.loads(payload.data)
        )


class PayloadConverter(CompositePayloadConverter):
    """Nothing, bytes and protocol buffers as Temporal does; everything else plain JSON."""

    def __init__(self) -> None:
        super().__init__(
            BinaryNullPayloadConverter(),
            BinaryPlainPayloadConverter(),
            JSONProtoPayloadConverter(),
            BinaryProtoPayloadConverter(),
            PlainJson(),
        )


class UserFailures(DefaultFailureConverter):
    """Failures whose stack trace shows the user's frames, and nothing of how we got there."""

    def to_failure(
        self, exception: BaseException, payload_converter: TemporalPayloadConverter, failure: Failure
    ) -> None:
        """As Temporal does, with the traceback of the error's details in place of ours."""
        super().to_failure(exception, payload_converter, failure)
        if isinstance(exception, ApplicationError):
            details = exception.details[0] if exception.details else None
            failure.stack_trace = traceback_of(details) if isinstance(details, dict) else ""


def traceback_of(details: dict[str, Any]) -> str:
    """The user's frames in an error's details: rendered, or as they were where it was raised."""
    if isinstance(details.get("traceback"), str):
        return str(details["traceback"])
    frames = details.get("frames") or []
    return "\n".join(
        f'  File "{path}", line {line}, in {name}\n    {text}' for path, line, name, text in frames
    )


def data_converter(blobs: Blobs | None = None) -> DataConverter:
    """The converter of every client and worker of ours.

    Args:
        blobs: where large payloads are kept; without it they travel as they are, and references cannot be read.
    """
    return DataConverter(
        payload_converter_class=PayloadConverter,
        failure_converter_class=UserFailures,
        payload_codec=None if blobs is None else LargePayloads(blobs),
    )
