"""``ak event explain``: for each trigger and each subscription of the event's source, why it matched, or why not."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Annotated, Any

import typer

from worker.cli import completing, context, event_missed
from worker.cli.deploy import Json
from worker.cli.event_view import effect
from worker.cli.filters_view import columns, lines_of, wrapped
from worker.cli.output import Output, fitted, moment
from worker.contracts import MEMO_REDISPATCHED_FROM, MEMO_REDISPATCHED_TO
from worker.story.times import length

if TYPE_CHECKING:
    from worker.dispatch.explain import Verdict
    from worker.masking import Mask
    from worker.store import Store
    from worker.store.records import Delivery, Event

_MAX_STATES = 200
_MAX_OTHERS = 12
_MAX_AGAIN = 3
_MAX_TAKEN = 20
_MAX_PASSED = 10
_LOOKED_AT = 200
_AT_ONCE = 16
_PATIENCE_SECONDS = 3.0


def add_to(app: typer.Typer) -> None:
    """Register the command."""
    app.command(name="explain")(explain)


def explain(
    event: Annotated[
        str, typer.Argument(help="The event's id, or the beginning of one.", autocompletion=completing.events)
    ],
    everything: Annotated[
        bool, typer.Option("--all", help="Every subscription, however many there were.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Say why an event started or reached the sessions it did, and why it reached no others.

    Shown are the triggers of the deployment that was active at that moment, and the subscriptions that were alive: each
    with its filter, the value of every part of it, the session it led to, and when it was delivered. Then subscriptions
    that the event would have met had it come earlier or later.

    Example: ak event explain evt_5h2
    """
    from worker.cli.event import existing

    async def work() -> dict[str, Any]:
        found = context.settings()
        with context.opened(found) as store:
            happened = existing(store, event)
            answer = explained(store, happened, everything=everything)
            await add_states(found, store, answer)
            return answer

    answer = context.run(work())
    text = text_of(answer)
    for item in [*answer["triggers"], *answer["subscriptions"]]:
        del item["_parts"]
    Output(as_json=as_json).document(answer, text)


def explained(store: Store, event: Event, *, everything: bool = False) -> dict[str, Any]:
    """The whole answer from the store."""
    from worker.cli.event import as_document
    from worker.cli.event_missed import missed
    from worker.dispatch import explain as rules

    deliveries = store.events.deliveries(event.id)
    triggers, as_of = triggers_at(store, event)
    started = {item.trigger: item for item in deliveries if item.kind == "start"}
    only = event.memo.get(MEMO_REDISPATCHED_TO)
    mask = store.vars.mask(event.project)
    mine = [item for item in triggers if (item.name == only if only else rules.listens(item, event))]
    subscriptions, not_shown = ([], 0) if only else subscriptions_at(store, event, deliveries, everything)
    again = store.events.repetitions([event.id])[event.id]
    effects = store.events.deliveries_of([item.id for item in again])
    shown = [
        {
            "name": item.name,
            "kind": item.kind,
            "handler": item.call or None,
            "event_type": item.event_type or None,
            **document_of(
                rules.hiding(rules.of_trigger(event, item, started.get(item.name)), mask),
                event,
                started.get(item.name),
                mask,
            ),
        }
        for item in mine
    ]
    shown += [  # a trigger that the manifest at hand does not know: what was recorded is all there is
        {"name": name, "kind": "trigger", "handler": item.handler or None, "event_type": None}
        | document_of(None, event, item, mask)
        for name, item in started.items()
        if name not in {trigger.name for trigger in mine}
    ]
    return {
        "event": as_document(event),
        "triggers_as_of": as_of,
        "triggers": shown,
        "subscriptions": subscriptions,
        "subscriptions_not_shown": not_shown,
        "missed": [] if only else missed(store, event),
        "again": [
            {"id": item.id, "at": item.created_at, "led_to": effect(effects[item.id])} for item in again
        ],
        "other_triggers": [
            {
                "name": item.name,
                "kind": item.kind,
                "listens_to": item.connection or item.schedule or item.name,
            }
            for item in triggers
            if item not in mine
        ],
    }


def triggers_at(store: Store, event: Event) -> tuple[list[Any], str]:
    """The triggers at the event's moment, and whose they are: the deployment's, or those of now."""
    from worker.dispatch import explain as rules

    deployment = store.deployments.get(event.deployment) if event.deployment else None
    if deployment is not None:
        return rules.triggers_of(event, deployment.desired["project"]["triggers"]), deployment.id
    return sorted(store.triggers.list(event.project), key=lambda item: not rules.listens(item, event)), "now"


def subscriptions_at(
    store: Store, event: Event, deliveries: list[Delivery], everything: bool
) -> tuple[list[dict[str, Any]], int]:
    """The subscriptions that were alive, and those that were delivered to; and how many are left out."""
    from worker.dispatch import explain as rules

    delivered = {item.trigger: item for item in deliveries if item.kind in {"event", "inbox"}}
    found = {item.id: item for item in store.mailbox.alive_at(event.project, event.source, event.created_at)}
    missing = [identifier for identifier in delivered if identifier not in found]
    found |= {item.id: item for item in store.mailbox.past(missing)}
    number = len(found)
    if not everything:
        took = [item for item in found.values() if item.id in delivered]
        passed = [item for item in found.values() if item.id not in delivered]
        if len(passed) > _MAX_PASSED:  # those whose filter failed say more than those whose filter is false
            passed = sorted(passed[:_LOOKED_AT], key=lambda item: not rules.fails(event, item.filter))
        found = {item.id: item for item in (*took[:_MAX_TAKEN], *passed[:_MAX_PASSED])}
    left_out = number - len(found)
    shown = [
        {
            "id": item.id,
            "since": item.created_at,
            "until": item.ended_at,
            **document_of(
                rules.hiding(rules.of_filter(event, item.filter, delivered=item.id in delivered), item.mask),
                event,
                delivered.get(item.id),
                item.mask,
            ),
            "session": {"id": item.session_id, "state": None},
        }
        for item in found.values()
    ]
    shown += [
        {
            "id": name,
            "since": None,
            "until": None,
            **document_of(None, event, item, store.vars.mask(event.project)),
        }
        for name, item in delivered.items()
        if name not in found and not left_out
    ]
    return shown, left_out


def document_of(
    verdict: Verdict | None, event: Event, delivery: Delivery | None, mask: Mask
) -> dict[str, Any]:
    """What a trigger and a subscription have in common; the verdict's secrets are hidden already."""
    from worker.cli.filters_view import documents_of
    from worker.dispatch.match import SKIPPED

    matched = verdict.matched if verdict is not None else delivery is not None and delivery.state != SKIPPED
    reason = verdict.reason if verdict is not None else mask(delivery.reason) if delivery is not None else ""
    carried = None
    if delivery is not None and delivery.state != SKIPPED:
        done = delivery.finished_at
        carried = {
            "state": delivery.state,
            "attempts": delivery.attempts,
            "finished_at": done,
            "seconds": (done - event.created_at).total_seconds() if done is not None else None,
            "reason": mask(delivery.reason) or None,
        }
    return {
        "matched": matched,
        "reason": reason or None,
        "filter": (verdict.filter if verdict is not None else "") or None,
        "parts": documents_of(verdict.parts) if verdict is not None else [],
        "delivery": carried,
        "session": {"id": delivery.session_id, "state": None} if carried and delivery is not None else None,
        "_parts": verdict.parts if verdict is not None else [],
    }


async def add_states(found: Any, store: Store, answer: dict[str, Any]) -> None:
    """Ask Temporal how the sessions are; without Temporal the answer stands without it."""
    from worker import temporal
    from worker.cli import sessions_view as view
    from worker.errors import WorkerError

    sessions = [
        item["session"]
        for part in ("triggers", "subscriptions", "missed")
        for item in answer[part]
        if item["session"]
    ]
    if not sessions:
        return
    try:
        client = await temporal.connect(found, store.blobs, patience_seconds=_PATIENCE_SECONDS)
    except WorkerError:
        return
    gate = asyncio.Semaphore(_AT_ONCE)

    async def ask(session: dict[str, Any]) -> None:
        async with gate:
            with contextlib.suppress(WorkerError):
                session["state"] = await view.state_now(client, session["id"])

    await asyncio.gather(*(ask(session) for session in sessions[:_MAX_STATES]))


def text_of(answer: dict[str, Any]) -> str:
    """The answer as a person reads it."""
    width = columns()
    event = answer["event"]
    of = f"{event['source_kind']} {event['source']}"
    lines = [
        fitted(
            f"{event['id']}  {event['type'] or '-'}  from {of} of {event['project']}  {moment(event['created_at'])}"
        )
    ]
    again, only = (event["memo"].get(name) for name in (MEMO_REDISPATCHED_FROM, MEMO_REDISPATCHED_TO))
    if again:
        lines.append(f"  the same as {again}, dispatched again")
    if only:
        lines.append(fitted(f"  for trigger {only} alone"))
    repeated = [f"  dispatched again as {item['id']}: {item['led_to']}" for item in answer["again"]]
    lines += [f"  dispatched again {len(repeated)} times, at last:"] if repeated[_MAX_AGAIN:] else []
    lines += repeated[-_MAX_AGAIN:]
    lines += wrapped(whose_triggers(answer), width, "  ", "  ")
    for item in answer["triggers"]:
        handler = f" → {item['handler']}" if item["handler"] else ""
        lines += ["", fitted(f"trigger {item['name']}{handler}"), *outcome_lines(item, "started")]
    for item in answer["subscriptions"]:
        until = f" until {moment(item['until'])}" if item["until"] else ""
        lifetime = [f"  since {moment(item['since'])}{until}"] if item["since"] else []
        lines += [
            "",
            f"subscription of {item['session']['id']}",
            *lifetime,
            *outcome_lines(item, "signalled"),
        ]
    if answer["subscriptions_not_shown"]:
        lines += ["", f"and {answer['subscriptions_not_shown']:,} more subscriptions: --all shows them"]
    if not answer["triggers"] and not answer["subscriptions"]:
        lines += ["", fitted(f"nothing listened to {of}")]
    came = event["created_at"]
    lines += [line for item in answer["missed"] for line in event_missed.lines_of(item, came, width)]
    others = [f"{item['name']} ({about(item)})" for item in answer["other_triggers"]]
    if others:
        more = f" and {len(others) - _MAX_OTHERS} more" if others[_MAX_OTHERS:] else ""
        why = "the event was for another one" if only else "they listen to something else"
        told = f"not asked, since {why}: {', '.join(others[:_MAX_OTHERS])}{more}"
        lines += ["", *wrapped(told, width, "", "  ")]
    return "\n".join(lines)


def whose_triggers(answer: dict[str, Any]) -> str:
    """Which deployment's triggers are shown."""
    if answer["triggers_as_of"] != "now":
        return f"triggers of {answer['triggers_as_of']}, which was active then"
    from worker.dispatch.match import NOT_ACTIVE

    if any(item["reason"] == NOT_ACTIVE for item in answer["triggers"]):
        return "no deployment was active then: triggers are shown as they are now"
    return "the deployment of that moment is not known: triggers are shown as they are now"


def about(item: dict[str, Any]) -> str:
    """What a trigger listens to, in a word or two."""
    if item["kind"] == "connection":
        return f"connection {item['listens_to']}"
    return str(item["listens_to"]) if item["kind"] == "schedule" else str(item["kind"])


def outcome_lines(item: dict[str, Any], verb: str) -> list[str]:
    """What came of it, and the filter."""
    lines = []
    width = columns()
    session, delivery = item["session"], item["delivery"]
    if item["matched"]:
        state = f", which is {session['state']} now" if session and session["state"] else ""
        told = "signalled the session" if verb == "signalled" else verb
        word = {"done": told, "inbox": "kept for it", "failed": "could not be delivered"}.get(
            delivery["state"] if delivery else "", "not delivered yet"
        )
        which = f" {session['id']}" if verb == "started" and session and word == verb else ""
        lines += wrapped(f"matched: {word}{which}{state}", width, "  ", "    ")
        if delivery and (delivery["seconds"] is not None or delivery["reason"]):
            times = f"{delivery['attempts']} attempt{'s' if delivery['attempts'] != 1 else ''}"
            after = f"after {length(delivery['seconds'])}, " if delivery["seconds"] is not None else ""
            why = f": {delivery['reason']}" if delivery["reason"] else ""
            lines += wrapped(f"{'' if why else 'delivered '}{after}{times}{why}", width, "  ", "    ")
    else:
        state = f" (the session is {session['state']} now)" if session and session["state"] else ""
        lines += wrapped(f"not matched: {item['reason']}{state}", width, "  ", "    ")
    if item["filter"]:
        lines += ["  filter", *lines_of(item["_parts"], "    ")]
    return lines
