"""What Temporal knows of schedule triggers: when they fire next, whether they are paused, what was left out."""

from __future__ import annotations

import asyncio
import datetime as dt
from typing import TYPE_CHECKING, Any

from worker import clock, ids
from worker.cli import context

if TYPE_CHECKING:
    from temporalio.client import Client

    from worker.config import Settings
    from worker.store import Store

_AT_ONCE = 10
_SHOWN = 3  # of the times to come
_UNKNOWN: dict[str, Any] = {"paused": None, "note": "", "next_at": [], "missed": 0, "skipped": 0}
_NEVER = "never again"
KEYS = frozenset(_UNKNOWN)


def complete(items: list[dict[str, Any]], store: Store, found: Settings) -> None:
    """Add to each trigger's document what Temporal knows of its schedule.

    ``paused`` is None, and ``next_at`` empty, for other triggers, for a schedule that Temporal has not got (yet), and
    where Temporal does not answer, which is warned of.
    """
    for item in items:
        item.update(_UNKNOWN, next_at=[])
    scheduled = [item for item in items if item["kind"] == "schedule"]
    if scheduled:
        context.run(_ask(scheduled, store, found))


async def _ask(scheduled: list[dict[str, Any]], store: Store, found: Settings) -> None:
    slots = asyncio.Semaphore(_AT_ONCE)
    unknown = "when schedules fire next is not known"
    async with context.looking(found, store, unknown) as client:
        if client is not None:
            await asyncio.gather(*(_complete(item, client, slots) for item in scheduled))


async def _complete(item: dict[str, Any], client: Client, slots: asyncio.Semaphore) -> None:
    from temporalio.service import RPCError

    from worker.dispatch.schedules import OUR_NOTE
    from worker.rpc import is_gone, refused

    async with slots:
        try:
            handle = client.get_schedule_handle(ids.schedule(item["project"], item["name"]))
            found = await handle.describe()
        except RPCError as error:
            if is_gone(error):
                return
            raise refused(f"the schedule of {item['name']} could not be read", error) from None
    item["paused"] = found.schedule.state.paused
    note = found.schedule.state.note or ""
    item["note"] = "" if note.endswith(OUR_NOTE) else note
    item["next_at"] = [moment.isoformat() for moment in found.info.next_action_times]
    item["missed"] = found.info.num_actions_missed_catchup_window
    item["skipped"] = found.info.num_actions_skipped_overlap


def next_text(item: dict[str, Any]) -> str:
    """When it fires next, in a table: ``in 8 h 5 min``, ``paused``, ``never again``; nothing where that is not known."""
    if item["paused"]:
        return "paused"
    if item["next_at"]:
        return _until(_moments(item)[0])
    return "" if item["paused"] is None else _NEVER


def lines(item: dict[str, Any]) -> dict[str, str]:
    """What a person reads of a schedule, by heading. Temporal may be away: then there is nothing to say."""
    from manifest import schedules

    if item["kind"] != "schedule":
        return {}
    shown = {}
    zone = item["timezone"] or schedules.zone_of(item["schedule"]) or "UTC"
    if item["paused"]:
        note = f" ({item['note']})" if item["note"] else ""
        shown["paused"] = f"yes{note}; unpause it in the Temporal UI"
    elif item["next_at"]:
        first, *more = _moments(item)[:_SHOWN]
        shown["fires next"] = f"{_text(first, zone)}, {_until(first)}"
        if more:
            shown["and then"] = ", ".join(_text(moment, zone) for moment in more)
    elif item["paused"] is not None:
        shown["fires next"] = _NEVER
    if item["missed"] or item["skipped"]:
        shown["left out"] = f"{item['missed']} too late, {item['skipped']} while one ran"
    return shown


def _moments(item: dict[str, Any]) -> list[dt.datetime]:
    return [dt.datetime.fromisoformat(text) for text in item["next_at"]]


def _text(moment: dt.datetime, zone: str) -> str:
    """In the schedule's own zone, with the zone's short name."""
    from zoneinfo import ZoneInfo

    return f"{moment.astimezone(ZoneInfo(zone)):%a %Y-%m-%d %H:%M:%S %Z}"


def _until(moment: dt.datetime) -> str:
    """``in 8 h 5 min``."""
    from worker.story.times import length

    return f"in {length(max(0.0, (moment - clock.now()).total_seconds()))}"
