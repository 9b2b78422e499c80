"""Subscriptions that an event missed by their time: those that had ended when it came, and those that began after it."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

from worker.cli.filters_view import wrapped
from worker.story.times import length

if TYPE_CHECKING:
    from worker.store import Store
    from worker.store.records import Event, PastSubscription

_WINDOW = dt.timedelta(days=1)
_LOOKED_AT = 200  # on each side; the nearest
_SHOWN = 5
_ENDED = {"unsubscribe": "it unsubscribed", "session": "the session ended"}


def missed(store: Store, event: Event) -> list[dict[str, Any]]:
    """The subscriptions whose filter lets the event pass and that were not there at its moment, nearest first."""
    from worker.dispatch import explain as rules

    before, after = store.mailbox.around(event.project, event.source, event.created_at, _WINDOW, _LOOKED_AT)
    found: list[dict[str, Any]] = []
    for side in (before, after):
        matching = (item for item in side if rules.nearly(event, item))
        found += [document_of(item, event) for _, item in zip(range(_SHOWN), matching, strict=False)]
    return sorted(found, key=lambda item: abs(item["seconds"]))


def document_of(item: PastSubscription, event: Event) -> dict[str, Any]:
    """One of them; ``seconds`` is how long after its end the event came, negative: how long before its beginning."""
    ended = item.ended_at is not None and item.ended_at < event.created_at
    edge = item.ended_at if ended and item.ended_at is not None else item.created_at
    return {
        "id": item.id,
        "since": item.created_at,
        "until": item.ended_at,
        "ended_by": item.ended_by or None,
        "seconds": (event.created_at - edge).total_seconds(),
        "filter": item.mask(item.filter) or None,
        "session": {"id": item.session_id, "state": None},
    }


def lines_of(item: dict[str, Any], came: dt.datetime, width: int) -> list[str]:
    """One of them for a person; ``came`` is the event's moment."""
    session, away = item["session"], length(abs(item["seconds"]))
    if item["seconds"] > 0:
        how = _ENDED.get(item["ended_by"] or "", "")
        until = precise(item["until"], came) + (f" ({how})" if how else "")
        text = f"subscribed until {until}: the event came {away} later"
    else:
        text = f"subscribed at {precise(item['since'], came)}: the event had come {away} before"
    state = f", which is {session['state']} now" if session["state"] else ""
    lines = ["", f"missed by {session['id']}{state}", *wrapped(text, width, "  ", "    ")]
    if item["filter"]:
        lines += wrapped(f"its filter is true for the event: {item['filter']}", width, "  ", "    ")
    return lines


def precise(value: dt.datetime, near: dt.datetime) -> str:
    """A time to the millisecond, since it is a matter of those; its date where that is not the other moment's."""
    here = value.astimezone()
    date = "" if here.date() == near.astimezone().date() else f"{here:%Y-%m-%d} "
    return date + here.strftime("%H:%M:%S.%f")[:-3]
