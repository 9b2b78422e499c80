"""``ak session list``: sessions by what is known of them.

Temporal's visibility knows project, handler, status and time; the store knows which sessions a trigger or an event
started (deliveries) and which ended with an error of some text (the session log). So nothing has to be registered with
Temporal, and a listing by trigger or error text pages through the store and asks Temporal for those sessions.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer

from worker import clock
from worker.cli import completing, context, links
from worker.cli.deploy import Json
from worker.cli.output import Output, moment, table_with_rest
from worker.cli.times import moment_of
from worker.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence


def add_to(app: typer.Typer) -> None:
    """Register the command."""
    app.command(name="list")(list_sessions)


def list_sessions(
    project: Annotated[
        str, typer.Argument(help="Only this project's.", autocompletion=completing.projects)
    ] = "",
    state: Annotated[
        list[str] | None, typer.Option("--state", "-s", help="created, running, completed, error, stopped.")
    ] = None,
    handler: Annotated[
        str, typer.Option("--handler", help="Only of this handler: main.py:on_event, main.py or on_event.")
    ] = "",
    trigger: Annotated[str, typer.Option("--trigger", "-t", help="Only those this trigger started.")] = "",
    event: Annotated[
        str, typer.Option("--event", "-e", help="Only those this event started or reached.")
    ] = "",
    error: Annotated[str, typer.Option("--error", help="Only those whose error contains this text.")] = "",
    since: Annotated[str, typer.Option("--since", help="Not started before: 90s, 2h, 3d, 2026-01-31.")] = "",
    until: Annotated[str, typer.Option("--until", help="Not started after.")] = "",
    limit: Annotated[int, typer.Option("--limit", "-n", help="At most so many.", min=1)] = 50,
    with_links: Annotated[
        bool, typer.Option("--links", help="Add a link to each session in the Temporal UI.")
    ] = False,
    as_json: Json = False,
) -> None:
    """List sessions, newest first, with what they wait for or their error.

    Example: ak session list shop --state error --since 2h

    Example: ak session list --trigger orders --error "KeyError: 'id'"
    """
    from worker.cli import sessions_view as view
    from worker.cli.sessions_query import Asked, Finder

    states = state or []
    unknown = [item for item in states if item not in view.STATES]
    if unknown:
        raise UsageError(f"there is no state {unknown[0]}", hint=f"States: {', '.join(view.STATES)}")
    asked = Asked(
        project, tuple(states), handler, trigger, event, error, moment_of(since), moment_of(until), limit
    )

    async def work() -> list[dict[str, Any]]:
        found = context.settings()
        with context.opened(found) as store:
            async with context.connected(found, store) as client:
                sessions = await Finder(client, store).find(asked)
                return [item | {"ui": links.of(found, item["id"])} for item in sessions]

    sessions = context.run(work())
    text = text_of(sessions, project=not project, with_links=with_links)
    for item in sessions:
        item["waits_for"] = [wait.as_document() for wait in item["waits_for"]]
    Output(as_json=as_json).document(sessions, text)


def text_of(sessions: Sequence[dict[str, Any]], *, project: bool, with_links: bool) -> str:
    """A line for each; the last column takes what room there is."""
    from worker.story.times import length

    now = clock.now()
    headers = ["ID", *(["PROJECT"] if project else []), "HANDLER", "STATE", "TRIGGER", "STARTED", "TOOK"]
    rows = [
        [
            item["id"],
            *([item["project"]] if project else []),
            item["handler"] or "-",
            state_text(item),
            item["trigger"] or "-",
            moment(item["started_at"]),
            length(((item["ended_at"] or now) - item["started_at"]).total_seconds()),
        ]
        for item in sessions
    ]
    last = [
        item["last_error"] or " or ".join(wait.told(now) for wait in item["waits_for"]) for item in sessions
    ]
    first, *lines = table_with_rest(headers, rows, "WAITS FOR, OR ERROR", last).splitlines()
    shown = [first]
    for line, item in zip(lines, sessions, strict=True):
        text = line
        if item.get("only_log"):  # Temporal's UI knows it no more
            shown.append(text)
            continue
        if sys.stdout.isatty():  # the id is a link, as terminals know them
            text = text.replace(item["id"], f"\x1b]8;;{item['ui']}\x1b\\{item['id']}\x1b]8;;\x1b\\", 1)
        shown.append(text)
        if with_links:
            shown.append(f"  {item['ui']}")
    return "\n".join(shown)


def state_text(session: dict[str, Any]) -> str:
    """The state, with the code of what keeps it from getting on, or that Temporal has forgotten it."""
    problem = session["problem"]
    if session.get("only_log"):
        return f"{session['state']}, only a log"
    return f"{session['state']}, waits ({problem['code']})" if problem else str(session["state"])
