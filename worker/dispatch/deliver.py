"""Carry out one delivery: start the session it asks for.

Idempotent: the workflow id is derived from event and trigger and may be used once only, so a second attempt,
by whomever, finds the first one's session and is done.
"""

from __future__ import annotations

import datetime as dt
import json
from dataclasses import dataclass

from temporalio.api.common.v1 import Payload
from temporalio.client import Client
from temporalio.common import RawValue, WorkflowIDReusePolicy
from temporalio.exceptions import WorkflowAlreadyStartedError
from temporalio.service import RPCError, RPCStatusCode

from worker import contracts
from worker.dispatch import match
from worker.rpc import is_gone
from worker.store.records import Delivery, Event, Trigger

RETRY = "retry"
GONE = "the session has ended"

# Well below the lease, so that an attempt has ended before another gateway may take the delivery over.
RPC_TIMEOUT_SECONDS = 10

# An error we do not know is retried this often before a person has to look at it.
MAX_UNKNOWN_ATTEMPTS = 20

# Only these say that the request itself is wrong; everything else may be better in a moment.
_PERMANENT = frozenset({RPCStatusCode.INVALID_ARGUMENT, RPCStatusCode.OUT_OF_RANGE})

# Temporal takes 10,000 signals in one run: a session that restarts takes more.
_TOO_MANY = "limit for signal events"
FULL = "the session's run takes no more signals; it has to restart: autokitteh.restart"

# gRPC's own limit has the status of an exhausted quota, which would be worth another attempt.
_TOO_LARGE = "larger than max"


@dataclass(frozen=True)
class Outcome:
    """How an attempt ended: ``done``, ``failed`` (for good) or ``retry``; ``outage`` when Temporal is to blame."""

    state: str
    reason: str = ""
    outage: bool = False


async def deliver(client: Client, delivery: Delivery, event: Event, trigger: Trigger | None) -> Outcome:
    """Start the session; never raises an ``Exception``.

    ``trigger`` may be None when the event's memo names it, or when it was deleted since.
    """
    noted = memo(delivery, event, trigger)
    try:
        await client.start_workflow(
            delivery.handler,
            plain_json(event.data),
            id=delivery.session_id,
            task_queue=delivery.project,
            memo=noted,
            static_summary=summary(delivery, event),
            static_details=contracts.static_details(delivery.session_id, noted),
            id_reuse_policy=WorkflowIDReusePolicy.REJECT_DUPLICATE,
            task_timeout=dt.timedelta(seconds=contracts.WORKFLOW_TASK_TIMEOUT_SECONDS),
            rpc_timeout=dt.timedelta(seconds=RPC_TIMEOUT_SECONDS),
        )
    except WorkflowAlreadyStartedError:
        return Outcome(match.DONE)
    except RPCError as error:
        reason = f"Temporal refused to start the session: {error.message} ({error.status.name})"
        if error.status in _PERMANENT or _TOO_LARGE in error.message:
            return Outcome(match.FAILED, reason)
        return Outcome(RETRY, reason, outage=True)
    except (OSError, TimeoutError) as error:
        return Outcome(RETRY, f"Temporal cannot be reached: {error}", outage=True)
    except Exception as error:
        reason = f"the session could not be started: {type(error).__name__}: {error}"
        return Outcome(RETRY if delivery.attempts < MAX_UNKNOWN_ATTEMPTS else match.FAILED, reason)
    return Outcome(match.DONE)


async def hand_over(client: Client, delivery: Delivery, event: Event | None) -> Outcome:
    """Signal a session that runs; never raises an ``Exception``. The session drops what it was given before."""
    if delivery.kind == match.EVENT:
        if event is None:
            return Outcome(match.FAILED, f"the event {delivery.event_id} is gone")
        name = contracts.SIGNAL_EVENT
        payload: contracts.JSON = {
            "subscription": delivery.trigger,
            "id": event.id,
            "type": event.event_type,
            "source": event.source,
            "source_kind": event.source_kind,
            "data": event.data,
        }
    else:
        name, payload = contracts.SIGNAL_SIGNAL, delivery.payload
    try:
        await client.get_workflow_handle(delivery.session_id).signal(
            name, plain_json(payload), rpc_timeout=dt.timedelta(seconds=RPC_TIMEOUT_SECONDS)
        )
    except RPCError as error:
        if is_gone(error):
            return Outcome(match.DONE, GONE)
        if _TOO_MANY in error.message:
            return Outcome(RETRY, FULL)
        reason = f"Temporal refused to signal the session: {error.message} ({error.status.name})"
        if error.status in _PERMANENT or _TOO_LARGE in error.message:
            return Outcome(match.FAILED, reason)
        return Outcome(RETRY, reason, outage=True)
    except (OSError, TimeoutError) as error:
        return Outcome(RETRY, f"Temporal cannot be reached: {error}", outage=True)
    except Exception as error:
        reason = f"the session could not be signalled: {type(error).__name__}: {error}"
        return Outcome(RETRY if delivery.attempts < MAX_UNKNOWN_ATTEMPTS else match.FAILED, reason)
    return Outcome(match.DONE)


def plain_json(data: contracts.JSON) -> RawValue:
    """The workflow's input, as any client would send it, whatever converter ours has.

    Compact and in UTF-8: Temporal takes 2 MiB, and escapes would make six bytes of every Cyrillic letter.
    """
    text = json.dumps(data, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return RawValue(Payload(metadata={"encoding": b"json/plain"}, data=text.encode("utf-8", "replace")))


def memo(delivery: Delivery, event: Event, trigger: Trigger | None) -> dict[str, str]:
    """The session's memo: what the event's receiver noted, and where the session comes from."""
    result = {
        **event.memo,
        contracts.MEMO_PROJECT: delivery.project,
        contracts.MEMO_TRIGGER: delivery.trigger,
        contracts.MEMO_EVENT_ID: event.id,
        contracts.MEMO_EVENT_TYPE: event.event_type,
    }
    if trigger is not None:
        result |= of_trigger(trigger)
    connection = event.source if event.source_kind == "connection" else ""
    if connection:
        result[contracts.MEMO_CONNECTION] = connection
    return result


def of_trigger(trigger: Trigger) -> dict[str, str]:
    """The memo's part about the trigger; who knows the trigger when an event comes notes it with the event."""
    durable = {} if trigger.is_durable else {contracts.MEMO_DURABLE: "false"}
    return {contracts.MEMO_TRIGGER_ID: trigger.id, **durable}


def summary(delivery: Delivery, event: Event) -> str:
    """What a person reads above the session in Temporal's UI: ``webhook get → main.py:on_event``."""
    source = "webhook" if contracts.MEMO_WEBHOOK_SLUG in event.memo else event.source
    return contracts.brief(f"{source} {event.event_type}".rstrip() + f" → {delivery.handler}")
