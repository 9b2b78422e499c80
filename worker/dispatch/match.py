"""Match an event against triggers.

Pure: takes an event and the triggers of its source, returns one decision for each. No I/O, no clock, no store.
Rules, in order; the first that applies decides:

1. A trigger without ``call`` starts no session.
2. ``event_type`` must be equal, case included; an empty one and ``*`` let every event pass.
3. The filter, which sees the data as the handler would, must be true. One that fails at run time counts as no
   match, and its reason is recorded.

May import: worker.contracts, worker.ids, worker.store.records, and manifest.filters where a filter is met: build
processes import this module, and have no CEL.
"""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterable
from typing import Any

from worker import ids
from worker.contracts import decode_data
from worker.store.records import Delivery, Event, Subscription, Trigger

PENDING = "pending"
DONE = "done"
SKIPPED = "skipped"
FAILED = "failed"
INBOX = "inbox"
START = "start"
EVENT = "event"
SIGNAL = "signal"

NOT_ACTIVE = "the project has no active deployment"
NO_CALL = "the trigger has no call: it starts no session"
OTHER_TYPE = "event type is "

_EVERY_TYPE = ("", "*")
_FAILED_FILTER = " failed: "
# The filter's text stands in the reason as Python writes strings, and may hold these words itself.
_TOLD = re.compile(r"""the filter ('(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*")( failed: | is false$)""")
_NO_FILTER = ("", ".")  # "." is how existing projects spell it


def decide(event: Event, triggers: Iterable[Trigger]) -> list[Delivery]:
    """One delivery for each trigger: pending when it matches, else skipped with the reason."""
    return [_delivery(event, trigger, _mismatch(event, trigger)) for trigger in triggers]


def skip(event: Event, triggers: Iterable[Trigger], reason: str) -> list[Delivery]:
    """The same deliveries when nothing may start, whatever the triggers say."""
    return [_delivery(event, trigger, reason) for trigger in triggers]


def _mismatch(event: Event, trigger: Trigger) -> str:
    """Why the trigger does not match; empty when it does."""
    if not trigger.call:
        return NO_CALL
    if trigger.event_type not in _EVERY_TYPE and trigger.event_type != event.event_type:
        return f"{OTHER_TYPE}{event.event_type!r}, the trigger wants {trigger.event_type!r}"
    if lets_all_pass(trigger.filter):
        return ""
    return _filter_mismatch(event, trigger.filter)


def is_filter_error(delivery: Delivery) -> bool:
    """Whether an event was passed over because the filter failed on it, not because it was false."""
    found = _TOLD.match(delivery.reason)
    return delivery.state == SKIPPED and found is not None and found[2] == _FAILED_FILTER


def filter_in(reason: str) -> str:
    """The filter that a reason tells of, which is that of the event's moment; empty when it tells of none."""
    found = _TOLD.match(reason)
    return str(ast.literal_eval(found[1])) if found is not None else ""


def lets_all_pass(text: str) -> bool:
    """Whether a filter is none: nobody needs CEL for it."""
    return text.strip() in _NO_FILTER


def _filter_mismatch(event: Event, text: str) -> str:
    from manifest import filters

    try:
        matches = filters.compile(text).matches(decode_data(event.data), event.event_type)
    except filters.FilterError as error:
        return f"the filter {text!r}{_FAILED_FILTER}{error.message}"
    except filters.FilterSyntaxError as error:
        return f"the filter {text!r}{_FAILED_FILTER}{error}"
    return "" if matches else f"the filter {text!r} is false"


def decide_subscriptions(event: Event, subscriptions: Iterable[Subscription]) -> list[Delivery]:
    """One delivery for each subscription whose filter is true; its own filter decides, and nothing of a trigger's."""
    return [
        Delivery(
            id=ids.derived("dlv", event.id, item.id),
            event_id=event.id,
            project=event.project,
            trigger=item.id,
            handler="",
            session_id=item.session_id,
            state=INBOX if item.direct else PENDING,
            kind=INBOX if item.direct else EVENT,
        )
        for item in subscriptions
        if lets_all_pass(item.filter) or not _filter_mismatch(event, item.filter)
    ]


def term_of(text: str) -> tuple[str, str]:
    """An equality without which a filter cannot match, as path and value in text; empty when it has none.

    Raises:
        manifest.filters.FilterSyntaxError: the filter is wrong.
    """
    from manifest import filters

    for path, value in filters.compile(text).equalities if not lets_all_pass(text) else ():
        if value is None or isinstance(value, bytes):
            continue
        return json.dumps(path), _as_text(value)
    return "", ""


def look_up(event: Event, path: str) -> str | None:
    """The event's value at a term's path, as text; None when there is none that can be equal to anything."""
    value: Any = {"data": decode_data(event.data), "event_type": event.event_type}
    for key in json.loads(path):
        if not isinstance(value, dict) or key not in value:
            return None
        value = value[key]
    return _as_text(value) if isinstance(value, str | int | float) else None


def _as_text(value: Any) -> str:
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return json.dumps(value)


def _delivery(event: Event, trigger: Trigger, mismatch: str) -> Delivery:
    # Derived ids: whoever records or delivers the same event again meets the first attempt's rows and session.
    return Delivery(
        id=ids.derived("dlv", event.id, trigger.id),
        event_id=event.id,
        project=event.project,
        trigger=trigger.name,
        handler=trigger.call,
        session_id=ids.derived("ses", event.id, trigger.id),
        state=SKIPPED if mismatch else PENDING,
        reason=mismatch,
    )
