"""Why an event started or reached what it did: the rules of ``match``, told with the value of every part of the filters.

Pure: takes the event, the triggers as they were and the deliveries that were recorded. What was recorded is the truth
about what happened; the parts of the filters are evaluated again from the event's data, which never change.

May import: what ``match`` may.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

from manifest import filters
from worker.contracts import decode_data
from worker.dispatch import match
from worker.masking import Mask
from worker.store.records import Delivery, Event, PastSubscription, Trigger

_DEEPEST = 100
LATER = "it was not there yet, or not any more, when the event was recorded"


@dataclass(frozen=True)
class Verdict:
    """Whether something matched the event; ``reason`` says why not. ``parts`` is empty where there is no filter."""

    matched: bool
    reason: str
    filter: str
    parts: list[filters.Part]


def of_trigger(event: Event, trigger: Trigger, delivery: Delivery | None) -> Verdict:
    """What a trigger made of an event; without its delivery, what it would make of it."""
    if delivery is None:
        (delivery,) = match.decide(event, [trigger])
    if (
        delivery.state != match.SKIPPED
    ):  # the reason of such a delivery tells how it went, not why there is one
        return Verdict(matched=True, reason="", filter=trigger.filter, parts=parts_of(event, trigger.filter))
    reason = delivery.reason
    if not reason.startswith("the filter "):
        return Verdict(
            matched=False, reason=reason, filter=trigger.filter, parts=parts_of(event, trigger.filter)
        )
    # Where the deployment of that moment is not known any more, the trigger at hand may have another filter now.
    verdict = of_filter(event, match.filter_in(reason) or trigger.filter, delivered=False)
    return replace(verdict, reason=verdict.reason if verdict.reason != LATER else reason)


def of_filter(event: Event, text: str, *, delivered: bool) -> Verdict:
    """What a subscription's filter says about an event, and whether it was delivered."""
    if delivered or match.lets_all_pass(text):
        reason = "" if delivered else LATER
        return Verdict(delivered, reason, text, parts_of(event, text))
    try:
        found = filters.explain(text, decode_data(event.data), event.event_type)
    except filters.FilterSyntaxError as error:
        return Verdict(matched=False, reason=str(error), filter=text, parts=[])
    failed = f"the filter failed: {found.failure} [AK2017]" if found.failure else "the filter is false"
    reason = LATER if found.result else failed
    return Verdict(matched=False, reason=reason, filter=text, parts=found.parts)


def nearly(event: Event, item: PastSubscription) -> bool:
    """Whether a subscription that was not there when the event came would have let it pass."""
    return of_filter(event, item.filter, delivered=False).reason == LATER


def fails(event: Event, text: str) -> bool:
    """Whether a filter has no value for an event; quicker than to explain it."""
    try:
        filters.compile(text).matches(decode_data(event.data), event.event_type)
    except (filters.FilterError, filters.FilterSyntaxError):
        return True
    return False


def hiding(verdict: Verdict, mask: Mask) -> Verdict:
    """The verdict with secrets hidden, also in the values of its parts."""
    return replace(
        verdict,
        reason=mask(verdict.reason),
        filter=mask(verdict.filter),
        parts=hiding_parts(verdict.parts, mask),
    )


def hiding_parts(parts: Iterable[filters.Part], mask: Mask) -> list[filters.Part]:
    """The parts of a filter with secrets hidden."""
    return [
        replace(
            part,
            text=mask(part.text),
            value=_hidden(part.value, mask),
            failure=mask(part.failure),
            note=mask(part.note),
        )
        for part in parts
    ]


def _hidden(value: Any, mask: Mask, depth: int = _DEEPEST) -> Any:
    if not depth and isinstance(value, dict | list | tuple):
        return type(value)()  # nobody shows values that deep
    if isinstance(value, str):
        return mask(value)
    if isinstance(value, bytes):
        text = value.decode("utf-8", "replace")
        return value if mask(text) == text else mask(text)
    if isinstance(value, dict):
        return {_hidden(key, mask): _hidden(item, mask, depth - 1) for key, item in value.items()}
    return [_hidden(item, mask, depth - 1) for item in value] if isinstance(value, list | tuple) else value


def parts_of(event: Event, text: str) -> list[filters.Part]:
    """The parts of a filter for this event; none where it is empty or wrong."""
    try:
        return filters.explain(text, decode_data(event.data), event.event_type).parts
    except filters.FilterSyntaxError:
        return []


def triggers_of(event: Event, wanted: Iterable[dict[str, Any]]) -> list[Trigger]:
    """The triggers of a deployment's checked manifest, those of the event's source first."""
    found = [
        Trigger(
            id="",
            project=event.project,
            name=item["name"],
            kind=item["kind"],
            call=item["call"],
            event_type=item["event_type"],
            filter=item["filter"],
            connection=item["connection"],
            schedule=item["schedule"],
        )
        for item in wanted
    ]
    return sorted(found, key=lambda item: not listens(item, event))


def listens(trigger: Trigger, event: Event) -> bool:
    """Whether the event's source is the trigger's."""
    if event.source_kind == "connection":
        return trigger.kind == "connection" and trigger.connection == event.source
    return trigger.name == event.source
