"""``ak event``: what happened outside, and what it led to."""

from __future__ import annotations

import contextlib
import mimetypes
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from worker import clock, ids
from worker.cli import (
    completing,
    context,
    event_explain,
    event_refused,
    event_scope,
    event_table,
    event_view,
    given,
    nearest,
    redispatch,
)
from worker.cli.deploy import Json
from worker.cli.given import MOST
from worker.cli.output import Output, fitted, moment
from worker.cli.session import parse_data
from worker.cli.times import period
from worker.contracts import MEMO_TRIGGER_ID
from worker.errors import NotFoundError, UsageError

app = typer.Typer(
    help="List events, look at them, send one, ask what one led to.",
    no_args_is_help=True,
    rich_markup_mode=None,
)
event_explain.add_to(app)
event_refused.add_to(app)
redispatch.add_to(app)

_FEWEST_CHARACTERS = 4  # of an id without its evt_

EventId = Annotated[
    str, typer.Argument(help="The event's id, or the beginning of one.", autocompletion=completing.events)
]


@app.command(name="list")
def list_events(
    project: Annotated[
        str, typer.Argument(help="Only this project's.", autocompletion=completing.projects)
    ] = "",
    source: Annotated[str, typer.Option("--source", help="Only from this trigger or connection.")] = "",
    event_type: Annotated[str, typer.Option("--type", "-t", help="Only of this type.")] = "",
    since: Annotated[str, typer.Option("--since", help="Not older: 90s, 2h, 3d, 2026-01-31.")] = "",
    until: Annotated[str, typer.Option("--until", help="Not younger.")] = "",
    unhandled: Annotated[
        bool, typer.Option("--unhandled", "-u", help="Only those that started and reached no session.")
    ] = False,
    limit: Annotated[int, typer.Option("--limit", "-n", help="At most so many.", min=1, max=MOST)] = 50,
    wide: Annotated[
        bool, typer.Option("--wide", "-w", help="Whole ids, all columns: one line each.")
    ] = False,
    as_json: Json = False,
) -> None:
    """List events, newest first.

    On a terminal ids are shortened: any command takes their beginnings.

    Example: ak event list shop --since 2h --unhandled
    """
    from worker.story import requests

    asked = event_scope.Asked(project, source, event_type, *period(since, until), unhandled)
    with context.opened(context.settings()) as store:
        events = store.events.list(
            project,
            source,
            limit,
            event_type=event_type,
            since=asked.since,
            until=asked.until,
            unhandled=unhandled,
        )
        missing = nearest.missing(lambda: event_scope.check(store, asked)) if not events else None
        deliveries = store.events.deliveries_of([item.id for item in events])
        masks = {name: store.vars.mask(name) for name in {item.project for item in events}}
        heard = event_view.heard(store, events, deliveries)
        refused = event_refused.note(store, project, since)
    if missing is not None and not as_json:
        raise missing
    out = Output(as_json=as_json)
    if missing is not None:
        out.progress(f"warning: {missing.message}")  # a program that asks for a list gets one
    said = [requests.data_text(e.data, mask=masks[e.project]) for e in events]
    led_to = [event_view.effect(deliveries[e.id], heard=e.id in heard) for e in events]
    listed = event_table.of_events(events, led_to, said, wide=wide, projects=not project)
    out.document(
        [
            as_document(e)
            | {"led_to": event_view.counts(deliveries[e.id]), "preview": text}
            | {"reasons": reasons_of(event_view.hiding(deliveries[e.id], masks[e.project]))}
            for e, text in zip(events, said, strict=True)
        ],
        "\n".join(filter(None, (listed if events else event_scope.nothing(asked), fitted(refused)))),
    )


@app.command()
def get(
    event: EventId,
    full: Annotated[bool, typer.Option("--full", help="All of the data, however long they are.")] = False,
    as_json: Json = False,
) -> None:
    """Show an event, its data and the sessions it led to.

    Of a request the headers and the body are shown as they were sent. Headers that hold secrets and the project's own
    secrets are hidden; --json has the data as the handler gets them.

    Example: ak event get evt_5h2
    """
    from worker.story import requests

    with context.opened(context.settings()) as store:
        found = existing(store, event)
        trigger = trigger_of(store, found)
        mask = store.vars.mask(found.project)
        recorded = event_view.hiding(store.events.deliveries(found.id), mask)
    deliveries = [event_view.delivery_document(item) for item in recorded]
    of = f"{found.source_kind} {found.source} of {found.project}"
    lines = [fitted(f"{found.id}  {found.event_type or '-'}  from {of}  {moment(found.created_at)}")]
    lines += [line for item in deliveries for line in event_view.delivery_lines(item)]
    if not deliveries:
        lines.append("  no trigger and no subscription listened to it")
    if trigger and trigger != found.source:
        lines.append(fitted(f"  the trigger is called {trigger} now"))
    lines += [fitted(line) for line in event_view.memo_lines(found.memo)]
    lines += event_view.data_lines(found.data, mask, full=full, more=f"ak event get {found.id} --full")
    Output(as_json=as_json).document(
        as_document(found)
        | {"trigger": trigger, "preview": requests.data_text(found.data, mask=mask)}
        | {"data": found.data, "deliveries": deliveries},
        "\n".join(lines),
    )


@app.command()
def send(
    project: Annotated[str, typer.Argument(help="The project's name.", autocompletion=completing.projects)],
    source: Annotated[
        str, typer.Argument(help="A trigger or connection of the project.", autocompletion=completing.sources)
    ],
    event_type: Annotated[str, typer.Option("--type", "-t", help="The event's type.")] = "",
    data: Annotated[str, typer.Option("--data", "-d", help="The event's data: JSON, or @file.")] = "",
    file: Annotated[
        Path | None,
        typer.Option(
            "--file",
            "-f",
            help="The event's data: a JSON file; anything else is a request's body. -: standard input.",
        ),
    ] = None,
    raw: Annotated[
        bool, typer.Option("--raw", help="The file is a request's body, also when it is JSON.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Send an event as if it came from a trigger or connection.

    The data are what the handler finds in `event.data`. With --raw, and for files that are not JSON, the file is the
    body of a POST request: the handler finds it in `event.data.body`, as it would find that of a webhook.

    Example: ak event send quickstart hello --type get --data '{"method": "GET"}'

    Example: ak event send shop orders --file order.json --raw
    """
    if data and file is not None:
        raise UsageError("--data and --file exclude each other", hint="Give one of them.")
    if raw and file is None:
        raise UsageError("--raw says what a file is", hint="Give one: `--file order.json --raw`")
    payload = parse_data(data) if file is None else read_file(file, raw=raw)
    if not event_type and file is not None and isinstance(payload, dict) and payload.get("method") == "POST":
        event_type = "post"

    async def work() -> str:
        found = context.settings()
        with context.opened(found) as store:
            context.project(store, project)
            kind = kind_of(store, project, source)
            return await dispatched(found, store, project, kind, source, event_type, payload or {})

    identifier = context.run(work())
    Output(as_json=as_json).document({"event_id": identifier}, identifier)


async def dispatched(
    found: Any, store: Any, project: str, kind: str, source: str, event_type: str, data: Any
) -> str:
    """Record an event and deliver it; returns its id."""
    from worker.dispatch.dispatcher import Dispatcher
    from worker.store.records import Event

    happened = Event(ids.new("evt"), project, kind, source, event_type, data, {}, clock.now())
    async with context.connected(found, store) as client:
        dispatcher = Dispatcher(store, client)
        event = await dispatcher.receive(happened)
        await dispatcher.deliver_pending()
        return event.id


def existing(store: Any, identifier: str) -> Any:
    """The event of an id, or of the beginning of one.

    Raises:
        NotFoundError: there is none, or several; the nearest are named.
    """
    found = store.events.get(identifier)
    if found is not None:
        return found
    if not identifier:
        raise UsageError("the event's id is empty", hint="See `ak event list`.")
    near = store.events.near(identifier)
    begun = [item for item in near if item.startswith(identifier) and len(identifier) > len("evt_")]
    if len(begun) == 1:
        return store.events.get(begun[0])
    if not begun and not identifier.startswith("evt_") and len(identifier) >= _FEWEST_CHARACTERS:
        with contextlib.suppress(NotFoundError):
            return existing(store, f"evt_{identifier}")
    if begun:
        raise NotFoundError(f"{identifier} is the beginning of several events", hint="Give more of the id.")
    raise NotFoundError(
        f"there is no event {identifier}", hint=nearest.hint(identifier, near, "See `ak event list`.")
    )


def read_file(path: Path, *, raw: bool) -> Any:
    """An event's data from a file: its JSON, or a request with it as the body."""
    from worker.gateway.body import RawRequest, event_data

    content = given.content(path)
    if not raw:
        try:
            return given.parsed(content)
        except ValueError as error:
            if path.suffix == ".json":
                raise UsageError(
                    f"{path} is not JSON: {error}",
                    hint="With --raw it is sent as a request's body, whatever it is.",
                ) from None
    kind = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
    headers = [(b"Content-Type", kind.encode()), (b"Content-Length", str(len(content)).encode())]
    return event_data(RawRequest("POST", b"/", b"", headers, content), "/")


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


def trigger_of(store: Any, event: Any) -> str | None:
    """The name that the event's trigger has now; None for an event of a connection, and when it is gone."""
    wanted = event.memo.get(MEMO_TRIGGER_ID)
    return next((item.name for item in store.triggers.list(event.project) if item.id == wanted), None)


def reasons_of(deliveries: Sequence[Any]) -> list[str]:
    """Why triggers passed an event over, each reason once."""
    found = [event_view.without_filter_twice(item.reason) for item in deliveries if item.state == "skipped"]
    return list(dict.fromkeys(found))


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
        "deployment": event.deployment or None,
    }
