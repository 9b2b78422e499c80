"""``ak event``: what happened outside, and what it led to."""

from __future__ import annotations

import json
from typing import Annotated, Any

import typer

from worker import clock, ids
from worker.cli import context
from worker.cli.deploy import Json
from worker.cli.output import Output, moment, table
from worker.cli.session import parse_data
from worker.errors import NotFoundError

app = typer.Typer(help="List events, look at them, send one.", no_args_is_help=True, rich_markup_mode=None)


@app.command(name="list")
def list_events(
    project: Annotated[str, typer.Argument(help="Only this project's.")] = "",
    source: Annotated[str, typer.Option("--source", help="Only from this trigger or connection.")] = "",
    limit: Annotated[int, typer.Option("--limit", "-n", help="At most so many.")] = 50,
    as_json: Json = False,
) -> None:
    """List events, newest first."""
    with context.opened(context.settings()) as store:
        events = store.events.list(project, source, limit)
    rows = [[e.id, e.project, e.source, e.event_type or "-", moment(e.created_at)] for e in events]
    Output(as_json=as_json).document(
        [as_document(e) for e in events], table(["ID", "PROJECT", "SOURCE", "TYPE", "AT"], rows)
    )


@app.command()
def get(event: Annotated[str, typer.Argument(help="The event's id.")], as_json: Json = False) -> None:
    """Show an event, its data and the sessions it led to."""
    with context.opened(context.settings()) as store:
        found = store.events.get(event)
        if found is None:
            raise NotFoundError(f"there is no event {event}", hint="See `ak event list`.")
        deliveries = [
            {
                "trigger": d.trigger,
                "handler": d.handler,
                "session": d.session_id or None,
                "state": d.state,
                "reason": d.reason,
            }
            for d in store.events.deliveries(event)
        ]
    lines = [f"{found.id}  {found.source}  {found.event_type}  {moment(found.created_at)}"]
    lines += [
        f"  {d['trigger']} → {d['handler'] or '-'}  {d['state']}  {d['session'] or ''} {d['reason']}".rstrip()
        for d in deliveries
    ]
    lines.append(json.dumps(found.data, indent=2))
    Output(as_json=as_json).document(
        as_document(found) | {"data": found.data, "deliveries": deliveries}, "\n".join(lines)
    )


@app.command()
def send(
    project: Annotated[str, typer.Argument(help="The project's name.")],
    source: Annotated[str, typer.Argument(help="A trigger or connection of the project.")],
    event_type: Annotated[str, typer.Option("--type", "-t", help="The event's type.")] = "",
    data: Annotated[str, typer.Option("--data", "-d", help="The event's data: JSON, or @file.")] = "",
    as_json: Json = False,
) -> None:
    """Send an event as if it came from a trigger or connection.

    Example: ak event send quickstart hello --type get --data '{"method": "GET"}'
    """
    payload = parse_data(data)

    async def work() -> str:
        from worker.dispatch.dispatcher import Dispatcher
        from worker.store.records import Event

        found = context.settings()
        with context.opened(found) as store:
            context.project(store, project)
            kind = kind_of(store, project, source)
            happened = Event(
                ids.new("evt"), project, kind, source, event_type, payload or {}, {}, clock.now()
            )
            async with context.connected(found, store) as client:
                dispatcher = Dispatcher(store, client)
                event = await dispatcher.receive(happened)
                await dispatcher.deliver_pending()
                return event.id

    identifier = context.run(work())
    Output(as_json=as_json).document({"event_id": identifier}, identifier)


def kind_of(store: Any, project: str, source: str) -> str:
    """Whether the source is a trigger or a connection."""
    triggers = [item.name for item in store.triggers.list(project)]
    connections = [item.name for item in store.connections.list(project)]
    if source in triggers:
        return "trigger"
    if source in connections:
        return "connection"
    known = ", ".join([*triggers, *connections]) or "none"
    raise NotFoundError(f"{project} has no trigger or connection {source}", hint=f"There are: {known}")


def as_document(event: Any) -> dict[str, Any]:
    """An event as listed."""
    return {
        "id": event.id,
        "project": event.project,
        "source": event.source,
        "source_kind": event.source_kind,
        "type": event.event_type,
        "created_at": event.created_at,
        "memo": event.memo,
    }
