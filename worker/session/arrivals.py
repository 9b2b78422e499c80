"""What reaches a session, as Temporal's messages, out of the record of a fork; see ``recorded`` for its shape."""

from __future__ import annotations

import base64
import json
from typing import Any

from google.protobuf.json_format import ParseDict
from temporalio.api.common.v1 import Payload
from temporalio.bridge.proto.workflow_activation import WorkflowActivationJob

from worker.contracts import JSON

LOCAL = "schedule_local_activity"
_NANOSECONDS = 1_000_000_000


def given_up(seq: int) -> WorkflowActivationJob:
    """The end of a call that the session gave up."""
    job = WorkflowActivationJob()
    job.resolve_activity.seq = seq
    failure = job.resolve_activity.result.cancelled.failure
    failure.message = failure.cause.message = "Activity cancelled"
    failure.cause.canceled_failure_info.SetInParent()
    failure.activity_failure_info.SetInParent()
    return job


def payload_of(tree: JSON) -> Payload | None:
    """A payload out of the record."""
    if tree is None:
        return None
    if "json" in tree:
        text = json.dumps(tree["json"], ensure_ascii=False, separators=(",", ":"))
        return Payload(metadata={"encoding": b"json/plain"}, data=text.encode())
    return Payload.FromString(base64.b64decode(tree["payload"]))


def signal(tree: JSON) -> WorkflowActivationJob:
    """A signal."""
    job = WorkflowActivationJob()
    job.signal_workflow.signal_name = tree["name"]
    job.signal_workflow.input.extend(payload_of(item) or Payload() for item in tree["input"])
    return job


def fill_result(into: Any, job: JSON) -> None:
    outcome = getattr(into, job["as"])
    outcome.SetInParent()
    if job["as"] == "completed":
        payload = payload_of(job.get("result"))
        if payload is not None:
            outcome.result.CopyFrom(payload)
    else:
        ParseDict(job["failure"], outcome.failure)


def _activity(made: Any, seq: int, job: JSON) -> None:
    made.resolve_activity.seq = seq
    result = made.resolve_activity.result
    if job["as"] == "backoff":
        result.backoff.attempt = job["attempt"]
        result.backoff.backoff_duration.FromNanoseconds(int(job["seconds"] * _NANOSECONDS))
        result.backoff.original_schedule_time.FromNanoseconds(job["began"])
    else:
        fill_result(result, job)


def _timer(made: Any, seq: int, _job: JSON) -> None:
    made.fire_timer.seq = seq


def _child(made: Any, seq: int, job: JSON) -> None:
    start = made.resolve_child_workflow_execution_start
    start.seq = seq
    if job["as"] == "started":
        start.succeeded.run_id = job["run_id"]
    else:
        start.failed.workflow_id, start.failed.workflow_type = job["id"], job["type"]
        start.failed.cause = job["cause"]


def _sent(made: Any, seq: int, job: JSON) -> None:
    made.resolve_signal_external_workflow.seq = seq
    if job["as"] == "failed":
        ParseDict(job["failure"], made.resolve_signal_external_workflow.failure)


FILL: dict[str, Any] = {
    "schedule_activity": _activity,
    LOCAL: _activity,
    "start_timer": _timer,
    "start_child_workflow_execution": _child,
    "signal_external_workflow_execution": _sent,
}
