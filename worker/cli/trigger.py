"""``ak trigger``: the triggers of a project, and their names."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from worker.cli import completing, context, links, nearest, trigger_schedules
from worker.cli.confirm import confirm
from worker.cli.deploy import Json, Yes
from worker.cli.output import Output, fitted, table
from worker.config import Settings
from worker.errors import InUseError, NotFoundError, UsageError

if TYPE_CHECKING:
    from worker.store import Store
    from worker.store.records import Trigger

app = typer.Typer(
    help="List triggers, look at them, rename one.", no_args_is_help=True, rich_markup_mode=None
)
Project = Annotated[str, typer.Argument(help="The project's name.", autocompletion=completing.projects)]


@app.command(name="list")
def list_triggers(project: Project, as_json: Json = False) -> None:
    """List a project's triggers, with the URLs of webhooks and when schedules fire next.

    Example: ak trigger list quickstart
    """
    found = context.settings()
    with context.opened(found) as store:
        context.project(store, project)
        answer = [document_of(item, store, found) for item in store.triggers.list(project)]
        trigger_schedules.complete(answer, store, found)
    rows = [[item["name"], item["kind"], source_of(item), item["call"] or "-"] for item in answer]
    Output(as_json=as_json).document(answer, table(["NAME", "KIND", "FROM", "CALL"], rows))


@app.command()
def get(
    project: Project,
    name: Annotated[str, typer.Argument(help="The trigger's name.", autocompletion=completing.triggers)],
    as_json: Json = False,
) -> None:
    """Show one trigger: what fires it, what it starts, and when it last did; of a schedule, when it does next.

    Example: ak trigger get quickstart hello
    """
    from worker.cli import event_view

    found = context.settings()
    with context.opened(found) as store:
        context.project(store, project)
        item = document_of(known(store, project, name), store, found)
        trigger_schedules.complete([item], store, found)
        recent = store.events.list(project, item["connection"] or item["name"], 1)
        item["last_event"] = {"id": recent[0].id, "at": recent[0].created_at.isoformat()} if recent else None
        deliveries = store.events.deliveries_of([event.id for event in recent])
        heard = bool(event_view.heard(store, recent, deliveries))
        came_of_it = event_view.effect(deliveries[recent[0].id], heard=heard) if recent else ""
    hidden = {"project", "last_event", *trigger_schedules.KEYS}
    shown = {key: value for key, value in item.items() if value not in ("", None) and key not in hidden}
    shown |= trigger_schedules.lines(item)
    if recent:
        at = f"{recent[0].created_at.astimezone():%Y-%m-%d %H:%M:%S}"
        shown["last event"] = f"{recent[0].id}   {at}   {came_of_it}"
    width = max(len(key) for key in shown)
    words = {True: "yes", False: "no"}
    lines = [f"{key.replace('_', ' '):<{width}}  {words.get(value, value)}" for key, value in shown.items()]
    Output(as_json=as_json).document(item, fitted("\n".join(lines)))


@app.command()
def rename(
    project: Project,
    old: Annotated[str, typer.Argument(help="The name it has.", autocompletion=completing.triggers)],
    new: Annotated[str, typer.Argument(help="The name it has, or gets, in the manifest.")],
    yes: Yes = False,
    as_json: Json = False,
) -> None:
    """Give a trigger another name; a webhook keeps its URL, a schedule its pause.

    Do it together with the manifest, in any order. Before: nothing changes until you deploy a manifest that has the new
    name and no longer the old one; the plan shows it. After: the new trigger gets the old one's URL at once.
    Giving the old name twice takes it back.

    Example: ak trigger rename quickstart hello welcome
    """
    from manifest.schema import is_name

    if not is_name(new):
        raise UsageError(f"{new!r} is not a trigger's name", hint="Letters, digits and _, no digit first.")
    out = Output(as_json=as_json)
    found = context.settings()
    with context.opened(found) as store:
        context.project(store, project)
        names = [item.name for item in store.triggers.list(project)]
        if old not in names and new in names and store.triggers.now_called(project, old) == new:
            what = "done"
        else:
            if old not in names and new in names and store.triggers.has_url(project, old):
                ask_about_url(store, project, old, new, yes=yes, as_json=as_json)
            what = store.triggers.rename(project, old, new)
        item = document_of(
            known(store, project, old if what in {"asked", "cancelled"} else new), store, found
        )
    texts = {
        "asked": f"{old} becomes {new} with the first deployment whose manifest says so",
        "cancelled": f"{old} stays {old}",
        "moved": f"{new} has the URL of {old} now: {item['webhook']}",
        "done": f"{old} is called {new} already",
    }
    out.document({**item, "old": old, "new": new, "state": what}, texts[what])


def ask_about_url(store: Store, project: str, old: str, new: str, *, yes: bool, as_json: bool) -> None:
    """The new trigger has a URL of its own, which it loses: that may be in use already."""
    from worker import target

    events = target.usage(project, store).recent.get(new, 0)
    if not events:
        return
    what = f"{new} had {events} {'event' if events == 1 else 'events'} in the last day on the URL that it loses to {old}'s"
    refusal = InUseError(f"{what}; nothing was changed", hint="`--yes` goes ahead.")
    confirm(f"{what}. Go on?", refusal, yes=yes, as_json=as_json)


def known(store: Store, project: str, name: str) -> Trigger:
    """The trigger of that name, or of one it had or will have."""
    asked = {new: old for old, new in store.triggers.renames(project, applied=False).items()}
    for candidate in (name, store.triggers.now_called(project, name), asked.get(name, name)):
        found = store.triggers.get(project, candidate)
        if found is not None:
            return found
    names = [item.name for item in store.triggers.list(project)]
    hint = nearest.hint(name, names, f"triggers: {', '.join(names) or 'none'}")
    raise NotFoundError(f"{project} has no trigger {name}", hint=hint)


def document_of(item: Trigger, store: Store, found: Settings) -> dict[str, Any]:
    """The documented JSON of a trigger."""
    webhook = schedule = None
    if item.kind == "webhook":
        base = context.gateway_url(found)
        webhook = links.webhooks(store, item.project, [{"name": item.name, "kind": "webhook"}], base)[
            item.name
        ]
    if item.kind == "schedule":
        schedule = links.schedule(context.ui_url(found), found.temporal_namespace, item.project, item.name)
    return {
        "project": item.project,
        "name": item.name,
        "kind": item.kind,
        "call": item.call,
        "event_type": item.event_type,
        "filter": item.filter,
        "is_durable": item.is_durable,
        "is_sync": item.is_sync,
        "connection": item.connection,
        "schedule": item.schedule,
        "timezone": item.timezone,
        "overlap": item.overlap,
        "catchup": item.catchup,
        "jitter": item.jitter,
        "webhook": webhook,
        "link": schedule,
        "becomes": store.triggers.renames(item.project, applied=False).get(item.name),
    }


def source_of(item: dict[str, Any]) -> str:
    """What fires it, in a table; of a schedule, when."""
    coming = trigger_schedules.next_text(item)
    schedule = f"{item['schedule']}   {coming}".rstrip()
    return str(item["webhook"] or schedule or item["connection"])
