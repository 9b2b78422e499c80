"""Another outcome for a recorded step, as the person who forks a session wants it."""

from __future__ import annotations

import builtins
import json
from typing import Any

from google.protobuf.json_format import MessageToDict
from temporalio.api.failure.v1 import Failure

from worker.cli.session import parse_data
from worker.contracts import FAILURE_SDK, JSON
from worker.errors import UsageError
from worker.payload.codec import Codec
from worker.recording import Recording
from worker.steps import CALL, READ, SLEEP, SYSTEM, WAIT, Step

_WITH_VALUE = ("set_value", "add_value", "del_value", "check_and_set_value")


def outcome_of(made: Recording, at: int, result: str, error: str, codec: Codec) -> JSON:
    """What ``--set-result`` or ``--set-error`` mean for the step.

    Raises:
        NotFoundError: there is no such step.
        UsageError: it has no result that could be set.
    """
    step = made.steps[at - 1] if at <= len(made.steps) else None
    if step is None:
        return {}  # refused with the step's number, see cutting.cut
    if error:
        return failed(step, error)
    value = parse_data(result, "--set-result", '{"status": "paid"}')
    if step.kind in {SLEEP, WAIT}:
        if value is not None or at in made.settled:
            over = f"It is over: `--at {at}` alone takes it as it was."
            raise UsageError(
                f"step {at}, {step.name} ({step.where}), has no result",
                hint=over if at in made.settled else "While it lasts, --set-result null ends it.",
            )
        return {"as": "fired"}
    tree = result_of(step, value, codec)
    if tree is None:
        raise UsageError(
            f"step {at}, {step.name} ({step.where}), has no result that could be set",
            hint="Choose a call or a wait.",
        )
    return {"as": "completed", "result": {"json": {**kept(made, at), **tree}}}


def result_of(step: Step, value: Any, codec: Codec) -> dict[str, JSON] | None:
    """The answer of the call, of a read or of a change, with this value in it."""
    if step.kind == READ and step.name == "get_value":
        return {"result": {"found": True, "value": codec.encode(value)}}
    if step.kind == READ and step.name == "list_values_keys":
        return {"result": [str(item) for item in value]} if isinstance(value, list) else None
    if step.kind in {CALL, READ} or (step.kind == SYSTEM and step.name in _WITH_VALUE):
        return {"result": codec.encode(value)}
    return None


def kept(made: Recording, at: int) -> dict[str, JSON]:
    """What the call changed besides, which stays."""
    for task in made.tasks:
        for job in [*task["jobs"], *task["locals"]]:
            if job["step"] == at and job["as"] == "completed" and not job.get("ended"):
                tree = (job.get("result") or {}).get("json")
                return dict(tree) if isinstance(tree, dict) else {}
    return {}


def failed(step: Step, text: str) -> JSON:
    """An exception of that type with that message, raised where the step was asked for."""
    kind, colon, message = text.partition(":")
    if not colon or not kind.strip():
        raise UsageError(
            f"{text!r} is not TYPE:MESSAGE", hint="Example: `--set-error 'ValueError:no such user'`"
        )
    message = message.strip()
    if step.kind == SYSTEM:
        details, name = None, FAILURE_SDK
    elif step.kind in {CALL, READ}:
        details, name = exception(kind.strip(), message, step), kind.strip()
    else:
        raise UsageError(
            f"step {step.n}, {step.name} ({step.where}), cannot fail with an error of its own",
            hint="Choose a call.",
        )
    failure = Failure(message="Activity task failed")
    failure.activity_failure_info.SetInParent()
    failure.cause.message = message if details is None else f"{name}: {message}"
    failure.cause.application_failure_info.type = name
    failure.cause.application_failure_info.non_retryable = True
    if details is not None:
        payload = failure.cause.application_failure_info.details.payloads.add()
        payload.metadata["encoding"] = b"json/plain"
        payload.data = json.dumps(details).encode()
    return {"as": "failed", "failure": MessageToDict(failure)}


def exception(kind: str, message: str, step: Step) -> JSON:
    """The exception as an activity would send it."""
    module, dot, name = kind.rpartition(".")
    known = getattr(builtins, name, None)
    if not dot and isinstance(known, type) and issubclass(known, BaseException):
        module = "builtins"
    elif not dot:
        module = step.where.partition(":")[0].removesuffix(".py").replace("/", ".")
    bases = (
        known.__mro__[1:-1]
        if isinstance(known, type) and module == "builtins"
        else (Exception, BaseException)
    )
    return {
        "type": f"{module}:{name}",
        "bases": [f"builtins:{base.__name__}" for base in bases],
        "message": message,
        "args": [message],
        "frames": [],
    }
