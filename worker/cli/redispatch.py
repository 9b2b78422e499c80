"""``ak event redispatch``: let events happen again, one, or all that led to nothing since some moment."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Annotated, Any

import typer

from worker.cli import completing, context, event_table, event_view
from worker.cli.confirm import confirm
from worker.cli.deploy import Json, Yes
from worker.cli.errors import INTERRUPTED
from worker.cli.filters_view import columns, wrapped
from worker.cli.given import MOST
from worker.cli.output import Output, fitted, moment
from worker.cli.times import moment_of, period
from worker.errors import NotFoundError, UsageError, WorkerError

if TYPE_CHECKING:
    from worker.masking import Mask
    from worker.store import Store
    from worker.store.records import Delivery, Event

_SHOWN = 50
_SHOWN_BEFORE = 3
_TELL_EVERY = 100


@dataclass(frozen=True)
class Choice:
    """What the command line asks for."""

    events: list[str]
    project: str
    trigger: str
    source: str
    event_type: str
    since: str
    until: str
    handled: bool
    limit: int

    def check(self) -> None:
        """Refuse what does not go together.

        Raises:
            UsageError: events and a choice among them, or neither.
        """
        choosing = self.project or self.source or self.since or self.until or self.event_type or self.handled
        if self.events and choosing:
            raise UsageError(
                "events are named or chosen, not both",
                hint="Name them, or choose with --project, --since and the like.",
            )
        if not self.events and not self.project:
            raise UsageError(
                "which events?",
                hint="Name one, or choose: `ak event redispatch --project shop --since 02:00`",
            )
        if self.source and self.trigger:
            raise UsageError("--trigger names the source as well", hint="Leave --source out.")
        period(self.since, self.until)


def add_to(app: typer.Typer) -> None:
    """Register the command."""
    app.command(name="redispatch")(redispatch)


def redispatch(
    events: Annotated[
        list[str] | None,
        typer.Argument(help="Ids of events, or beginnings.", autocompletion=completing.events),
    ] = None,
    project: Annotated[
        str,
        typer.Option(
            "--project",
            "-p",
            help="All of this one's that led to nothing.",
            autocompletion=completing.projects,
        ),
    ] = "",
    trigger: Annotated[
        str, typer.Option("--trigger", help="For this trigger alone; chooses those that it did not take.")
    ] = "",
    source: Annotated[str, typer.Option("--source", help="Only from this trigger or connection.")] = "",
    event_type: Annotated[str, typer.Option("--type", "-t", help="Only of this type.")] = "",
    since: Annotated[str, typer.Option("--since", help="Not older: 90s, 2h, 02:00, 2026-01-31.")] = "",
    until: Annotated[str, typer.Option("--until", help="Not younger.")] = "",
    handled: Annotated[
        bool, typer.Option("--handled", help="Also those that started or reached a session.")
    ] = False,
    limit: Annotated[
        int, typer.Option("--limit", "-n", help="At most so many, the oldest.", min=1, max=MOST)
    ] = 1000,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would happen, change nothing.")
    ] = False,
    yes: Yes = False,
    as_json: Json = False,
) -> None:
    """Let events happen again: new events with the same data, for the triggers and subscriptions there are now.

    Without the name of an event: those of a project that led to nothing, oldest first, for example after a filter was
    corrected. Those that would lead to nothing again stay as they are, as do those that were dispatched again already
    and then led to something; so the command can be repeated. Sessions that an event started are not touched.

    The new event's memo says which one it repeats (`redispatched_from`). Nobody waits for the answer of a synchronous
    webhook.

    Example: ak event redispatch evt_5h2

    Example: ak event redispatch --project shop --trigger orders --since 02:00 --dry-run
    """
    choice = Choice(events or [], project, trigger, source, event_type, since, until, handled, limit)
    choice.check()
    answer(choice, dry_run=dry_run, yes=yes, as_json=as_json)


def answer(choice: Choice, *, dry_run: bool, yes: bool, as_json: bool) -> None:
    """Do it, or only say what would happen, and print that."""
    out = Output(as_json=as_json)
    found = context.settings()
    stopped = False
    with context.opened(found) as store:
        if choice.events:
            plans = planned(store, named(store, choice), choice)
            if not dry_run:
                done = context.run(carried_out(found, store, plans, choice, out))
                stopped = told_of_rest(plans, done, choice, out)
                plans = [*done, *plans[len(done) :]]
            out.document(*of_named(plans, single=len(choice.events) == 1, dry_run=dry_run))
            if stopped:
                raise typer.Exit(INTERRUPTED)
            return
        plans = planned(store, chosen(store, choice), choice)
        text = text_of_chosen(plans, choice, store.vars.mask(choice.project))
        going = [plan for plan in plans if plan.leads_somewhere]
        if going and not dry_run:
            out.say(text)
            ask(len(going), yes=yes, as_json=as_json)
            done = context.run(carried_out(found, store, going, choice, out))
            stopped = told_of_rest(going, done, choice, out)
            known = {plan.first.id: plan for plan in done}
            plans = [known.get(plan.first.id, plan) for plan in plans]
            text = f"{len(done)} dispatched again: {totals(done)}"
        out.document({"dry_run": dry_run, "events": [document_of(plan) for plan in plans]}, text)
    if stopped:
        raise typer.Exit(INTERRUPTED)


def ask(number: int, *, yes: bool, as_json: bool) -> None:
    """Go on only with a yes.

    Raises:
        WorkerError: there was none.
    """
    refusal = WorkerError(
        f"nobody said yes to dispatching {number} again", hint="`--yes` goes ahead; `--dry-run` only shows."
    )
    confirm("Go on?", refusal, yes=yes, as_json=as_json)


@dataclass(frozen=True)
class Plan:
    """An event, its repetition, and the deliveries that has, or would have; ``done`` once it was dispatched."""

    first: Event
    new: Event
    deliveries: Sequence[Delivery]
    mask: Mask
    before: Sequence[tuple[Event, Sequence[Delivery]]] = ()
    done: bool = False

    @property
    def led_to(self) -> dict[str, int]:
        """How many sessions were started and reached, or would be; what is only foreseen is not pending."""
        found = event_view.counts(self.deliveries)
        return found if self.done else found | {"pending": 0}

    @property
    def effect(self) -> str:
        """The same in words, or why nothing."""
        return ", ".join(f"{number} {name}" for name, number in self.led_to.items() if number) or (
            event_view.effect(self.deliveries)
        )

    @property
    def leads_somewhere(self) -> bool:
        """Whether any session is started or reached."""
        return any(item.state != "skipped" for item in self.deliveries)


def named(store: Store, choice: Choice) -> list[Event]:
    """The events whose ids were given.

    Raises:
        NotFoundError: there is no such event, or nobody left for whom it could happen.
    """
    from worker.cli.event import existing
    from worker.dispatch.again import Again

    found = [existing(store, identifier) for identifier in choice.events]
    for event in found:
        if choice.trigger:
            trigger_named(store, event.project, choice.trigger)
        again = Again(store, choice.trigger)
        if not again.asked(event) and not again.subscribed(event):
            names = ", ".join(item.name for item in store.triggers.list(event.project)) or "none"
            raise NotFoundError(
                f"{event.project} has no trigger {event.source}",
                hint=f"Not any more: `--trigger NAME` lets the event happen for another one. There are: {names}",
            )
    return found


def trigger_named(store: Store, project: str, name: str) -> Any:
    """The trigger of a name.

    Raises:
        NotFoundError: there is none; those that there are are named.
    """
    found = store.triggers.get(project, name)
    if found is None:
        names = ", ".join(item.name for item in store.triggers.list(project)) or "none"
        raise NotFoundError(f"{project} has no trigger {name}", hint=f"There are: {names}")
    return found


def chosen(store: Store, choice: Choice) -> list[Event]:
    """The events that the options choose, oldest first; one more than the limit tells that there are more."""
    from worker.cli.event import kind_of

    context.project(store, choice.project)
    source = choice.source
    if choice.trigger:
        trigger = trigger_named(store, choice.project, choice.trigger)
        source = trigger.connection if trigger.kind == "connection" else trigger.name
    elif source:
        kind_of(store, choice.project, source)
    if store.deployments.active(choice.project) is None:
        raise WorkerError(
            f"{choice.project} has no active deployment",
            hint=f"Nothing would start. See `ak deployment list {choice.project}`, or deploy it: `ak deploy DIR`",
        )
    called = choice.trigger or source
    renames = store.triggers.renames(choice.project, applied=True)
    return store.events.lost(
        choice.project,
        source=source,
        former=[old for old, new in renames.items() if new == called],
        trigger=choice.trigger,
        event_type=choice.event_type,
        since=moment_of(choice.since),
        until=moment_of(choice.until),
        handled=choice.handled,
        limit=choice.limit,
    )


def planned(store: Store, events: Sequence[Event], choice: Choice) -> list[Plan]:
    """What would happen now."""
    from worker.dispatch.again import Again

    again = Again(store, choice.trigger)
    masks = {name: store.vars.mask(name) for name in {event.project for event in events}}
    plans = []
    for first in events:
        new = again.repetition(first)
        earlier = store.events.repetitions([new.repeats])[new.repeats] if choice.events else []
        known = store.events.deliveries_of([item.id for item in earlier])
        before = [(item, known[item.id]) for item in earlier]
        plans.append(Plan(first, new, again.prospect(new), masks[first.project], before))
    return plans


async def carried_out(
    found: Any, store: Store, plans: Sequence[Plan], choice: Choice, out: Output
) -> list[Plan]:
    """Dispatch the new events, oldest first; when it is interrupted, it finishes the one it is at and returns those done."""
    from worker.dispatch.dispatcher import Dispatcher

    done: list[Plan] = []
    async with context.connected(found, store) as client:
        dispatcher = Dispatcher(store, client)

        async def one(plan: Plan) -> None:
            await dispatcher.receive(plan.new, choice.trigger)
            await dispatcher.deliver_pending()
            done.append(replace(plan, deliveries=store.events.deliveries(plan.new.id), done=True))

        for number, plan in enumerate(plans, 1):
            step = asyncio.ensure_future(one(plan))
            try:
                await asyncio.shield(step)
            except asyncio.CancelledError:
                await step
                break
            if number % _TELL_EVERY == 0 and number < len(plans):
                out.progress(f"{number} of {len(plans)}, at last {plan.first.id} …")
    return done


def told_of_rest(plans: Sequence[Plan], done: Sequence[Plan], choice: Choice, out: Output) -> bool:
    """Whether some are left, for somebody interrupted it; says where it stopped, and how to go on."""
    if len(done) == len(plans):
        return False
    last, rest = done[-1].first, plans[len(done)].first
    if choice.events:
        left = " ".join(plan.first.id for plan in plans[len(done) :])
        how = f"not dispatched: {left}"
    elif choice.handled:
        how = f"to go on: the same command with `--since {rest.created_at.astimezone().isoformat()}`"
    else:
        how = "to go on: the same command again, those that led to something are left out"
    at = moment(last.created_at)
    out.progress(
        fitted(f"interrupted after {len(done)} of {len(plans)}, the last {last.id} of {at}\n  {how}")
    )
    return True


def document_of(plan: Plan) -> dict[str, Any]:
    """One event for programs; ``event_id`` is null where nothing was dispatched."""
    sessions = [item.session_id for item in plan.deliveries if item.state != "skipped"]
    reasons = [plan.mask(item.reason) for item in plan.deliveries if item.state == "skipped"]
    return {
        "event_id": plan.new.id if plan.done else None,
        "redispatched_from": plan.first.id,
        "led_to": plan.led_to,
        "sessions": sessions,
        "reasons": list(dict.fromkeys(reasons)),
        "before": [item.id for item, _ in plan.before],
    }


def of_named(plans: Sequence[Plan], *, single: bool, dry_run: bool) -> tuple[Any, str]:
    """The answer about events that were named: one document for one of them."""
    documents = [document_of(plan) for plan in plans]
    lines = [line for plan in plans for line in lines_of(plan)]
    if not single:
        return {"dry_run": dry_run, "events": documents}, "\n".join(lines)
    return {"dry_run": dry_run, **documents[0]}, "\n".join(lines)


def lines_of(plan: Plan) -> list[str]:
    """One event that was named: the new one, what it led to, and that it is not the first repetition."""
    width = columns()
    if plan.done:
        lines = [f"{plan.new.id}  again what {plan.first.id} was"]
    else:
        lines = [f"{plan.first.id} would happen again"]
    for item in event_view.hiding(plan.deliveries, plan.mask):
        shown = event_view.delivery_document(item)
        if plan.done:
            lines += event_view.delivery_lines(shown)
        else:
            lines += wrapped(event_view.would(item), width, "  ", "    ")
    if plan.before[_SHOWN_BEFORE:]:
        lines.append(f"  it happened again {len(plan.before)} times before, at last:")
    for event, deliveries in plan.before[-_SHOWN_BEFORE:]:
        text = f"it happened again before: {event.id} at {moment(event.created_at)}, {event_view.effect(deliveries)}"
        lines += wrapped(text, width, "  ", "    ")
    return lines


def text_of_chosen(plans: Sequence[Plan], choice: Choice, mask: Mask) -> str:
    """What would happen, as a table of the first of them and a sum."""
    from worker.story import requests

    if not plans:
        return "no event" if choice.handled else "no event that led to nothing"
    shown = plans[:_SHOWN]
    said = [requests.data_text(plan.first.data, mask=mask) for plan in shown]
    effects = [plan.effect for plan in shown]
    lines = [event_table.of_events([plan.first for plan in shown], effects, said, effect="WOULD LEAD TO")]
    if plans[_SHOWN:]:
        lines.append(f"… and {len(plans) - _SHOWN:,} more")
    if len(plans) == choice.limit:
        lines.append(f"these are the oldest {choice.limit:,}: there may be more (--limit)")
    going = sum(plan.leads_somewhere for plan in plans)
    rest = len(plans) - going
    lines.append(
        f"{going:,} would happen again: {totals(plans)}"
        + (f"; {rest:,} would lead to nothing" if rest else "")
        if going
        else f"none of {len(plans):,} would lead to anything now: see `ak event explain ID`"
    )
    return "\n".join(lines)


def totals(plans: Sequence[Plan]) -> str:
    """How many sessions are started and reached."""
    started, signalled = (sum(plan.led_to[name] for plan in plans) for name in ("started", "signalled"))
    words = [f"{started:,} started"] if started or not signalled else []
    return ", ".join(words + ([f"{signalled:,} signalled"] if signalled else []))
