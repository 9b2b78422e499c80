"""Events and their deliveries as people read them: what one led to, or why to nothing, and the event itself."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from worker.cli.filters_view import columns, wrapped
from worker.contracts import MEMO_METHOD, MEMO_TRIGGER_ID, MEMO_WEBHOOK_SLUG
from worker.masking import HIDDEN

if TYPE_CHECKING:
    from worker.masking import Mask
    from worker.store import Store
    from worker.store.records import Delivery, Event

# Of the memo: identifiers and what is told elsewhere. --json has all of it.
_NOT_FOR_PEOPLE = frozenset({MEMO_TRIGGER_ID, MEMO_WEBHOOK_SLUG, MEMO_METHOD})
_SECRET_HEADER = re.compile(r"authorization|cookie|token|secret|password|api-?key", re.IGNORECASE)
_SCHEMES = frozenset({"basic", "bearer", "digest", "token"})
_MAX_LINES = 60
_MAX_CHARACTERS = 1000  # of one line


def hiding(deliveries: Sequence[Delivery], mask: Mask) -> list[Delivery]:
    """Deliveries with secrets hidden in their reasons, which quote filters and data."""
    return [replace(item, reason=mask(item.reason)) for item in deliveries]


def counts(deliveries: Sequence[Delivery]) -> dict[str, int]:
    """How many sessions an event started and reached, and how many deliveries wait or failed."""
    going = [item for item in deliveries if item.state in {"pending", "done", "inbox"}]
    return {
        "started": sum(item.kind == "start" for item in going),
        "signalled": sum(item.kind != "start" for item in going),
        "pending": sum(item.state == "pending" for item in going),
        "failed": sum(item.state == "failed" for item in deliveries),
    }


def effect(deliveries: Sequence[Delivery], *, heard: bool = False) -> str:
    """The same in words; of an event that led to nothing, why: ``nothing: filter failed``.

    Args:
        deliveries: the event's.
        heard: whether sessions had subscribed to its source then.
    """
    parts = [f"{number} {name}" for name, number in counts(deliveries).items() if number]
    return ", ".join(parts) or f"nothing: {why_nothing(deliveries, heard=heard)}"


def heard(
    store: Store, events: Sequence[Event], deliveries: Mapping[str, Sequence[Delivery]]
) -> frozenset[str]:
    """Which of the events that led to nothing reached sessions that had subscribed, whose filters passed them over."""
    return store.mailbox.heard([item.id for item in events if not any(counts(deliveries[item.id]).values())])


def why_nothing(deliveries: Sequence[Delivery], *, heard: bool = False) -> str:
    """Why no session was started or reached, in two words; of several reasons the one to look at first."""
    from worker.dispatch import match

    if any(match.is_filter_error(item) for item in deliveries):
        return "filter failed"
    reasons = [item.reason for item in deliveries]
    if any(item.endswith(" is false") for item in reasons):
        return "filter false"
    if any(item.startswith(match.OTHER_TYPE) for item in reasons):
        return "other type"
    if match.NOT_ACTIVE in reasons:
        return "not deployed"
    return "not for the subscribed" if heard else "nobody listens"


def delivery_document(item: Delivery) -> dict[str, Any]:
    """A delivery for programs; one that was skipped has no session, for none was ever to be."""
    return {
        "kind": item.kind,
        "trigger": item.trigger,
        "handler": item.handler,
        "session": item.session_id if item.session_id and item.state != "skipped" else None,
        "state": item.state,
        "reason": without_filter_twice(item.reason),
        "attempts": item.attempts,
        "finished_at": item.finished_at,
    }


def without_filter_twice(reason: str) -> str:
    """A reason as it is written now: it named the filter at its end as well."""
    found = re.fullmatch(r"(the filter (.+) failed: .+) \(in the filter (.+)\)", reason, re.DOTALL)
    return found[1] if found is not None and found[2] == found[3] else reason


def delivery_lines(item: dict[str, Any]) -> list[str]:
    """A delivery for people: ``trigger orders → main.py:on_order: started ses_…``."""
    done = {"pending": "not yet", "failed": "failed", "skipped": "skipped", "inbox": "kept for it"}
    if item["kind"] == "start":
        handler = f" → {item['handler']}" if item["handler"] else ""
        state = done.get(item["state"]) or f"started {item['session']}"
        text = f"trigger {item['trigger']}{handler}: {state}"
    else:
        state = done.get(item["state"]) or "signalled"
        text = f"subscription of {item['session']}: {state}"
    return wrapped(text + (f": {item['reason']}" if item["reason"] else ""), columns(), "  ", "    ")


def would(item: Delivery) -> str:
    """The same for one that is only foreseen: ``trigger orders → main.py:on_order would start a session``."""
    if item.kind != "start":
        return f"would signal {item.session_id}"
    handler = f" → {item.handler}" if item.handler else ""
    what = f"would skip it: {item.reason}" if item.state == "skipped" else "would start a session"
    return f"trigger {item.trigger}{handler} {what}"


def memo_lines(memo: dict[str, str]) -> list[str]:
    """What was noted about an event, without what is told elsewhere."""
    return [f"  {name}: {value}" for name, value in memo.items() if name not in _NOT_FOR_PEOPLE]


def data_lines(data: Any, mask: Mask, *, full: bool, more: str) -> list[str]:
    """An event's data for people: a request as it was sent, anything else as JSON; secrets are hidden.

    Args:
        data: the event's.
        mask: hides the project's secrets.
        full: all of it, however long it is.
        more: the command that shows all of it.
    """
    from worker.story import requests

    if requests.is_request(data):
        headers = data.get("headers")
        shown = {name: header(name, str(value)) for name, value in headers.items()} if headers else {}
        lines = ["", *requests.lines_of({**data, "headers": shown})]
    else:
        lines = json.dumps(data, indent=2, ensure_ascii=False).splitlines()
    lines = [mask(line) for line in lines]
    if full:
        return lines
    shortened = [_shortened(line, more) for line in lines[:_MAX_LINES]]
    rest = len(lines) - _MAX_LINES
    return [*shortened, f"… {rest:,} more lines: {more}"] if rest > 0 else shortened


def _shortened(line: str, more: str) -> str:
    rest = len(line) - _MAX_CHARACTERS
    return f"{line[:_MAX_CHARACTERS]}… {rest:,} more characters: {more}" if rest > 0 else line


def header(name: str, value: str) -> str:
    """A header's value; of one that holds a secret by its name, only the scheme."""
    if not _SECRET_HEADER.search(name):
        return value
    scheme, _, rest = value.partition(" ")
    return f"{scheme} {HIDDEN}" if rest and scheme.lower() in _SCHEMES else HIDDEN
