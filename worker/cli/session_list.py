"""``ak session list``: sessions by what is known of them.

Temporal's visibility knows project, handler, status and time; the store knows which sessions a trigger or an event
started (deliveries) and which ended with an error of some text (the session log). So nothing has to be registered with
Temporal, and a listing by trigger or error text pages through the store and asks Temporal for those sessions.
"""

from __future__ import annotations

import shutil
import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer

from worker import clock
from worker.cli import context, links
from worker.cli.deploy import Json
from worker.cli.output import Output, moment, table
from worker.cli.times import moment_of
from worker.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

_LAST_CHARACTERS = 60
_SHORTEST_LAST_CHARACTERS = 20


def add_to(app: typer.Typer) -> None:
    """Register the command."""
    app.command(name="list")(list_sessions)


def list_sessions(
    project: Annotated[str, typer.Argument(help="Only this project's.")] = "",
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
    Output(as_json=as_json).document(sessions, text_of(sessions, project=not project, with_links=with_links))


def text_of(sessions: Sequence[dict[str, Any]], *, project: bool, with_links: bool) -> str:
    """A line for each; the last column takes what room there is."""
    from worker.story.times import length

    now = clock.now()
    headers = ["ID", *(["PROJECT"] if project else []), "HANDLER", "STATE", "TRIGGER", "STARTED", "TOOK"]
    rows = [
        [
            item["id"],
            *([item["project"]] if project else []),
            item["handler"],
            state_text(item),
            item["trigger"] or "-",
            moment(item["started_at"]),
            length(((item["ended_at"] or now) - item["started_at"]).total_seconds()),
        ]
        for item in sessions
    ]
    if not rows:
        return "nothing"
    lines = table([*headers, ""], [[*row, ""] for row in rows]).splitlines()
    width = max(len(line) for line in lines)
    terminal = sys.stdout.isatty()
    columns = shutil.get_terminal_size((0, 0)).columns  # what COLUMNS says, also in a pipe
    room = max(columns - width - 2, _SHORTEST_LAST_CHARACTERS if terminal else _LAST_CHARACTERS)
    shown = [f"{lines[0]:<{width}}  WAITS FOR, OR ERROR"]
    for line, item in zip(lines[1:], sessions, strict=True):
        last = item["last_error"] or " or ".join(item["waits_for"])
        last = last if len(last) <= room else last[: room - 1] + "…"
        text = f"{line:<{width}}  {last}".rstrip()
        if terminal:  # the id is a link, as terminals know them
            text = text.replace(item["id"], f"\x1b]8;;{item['ui']}\x1b\\{item['id']}\x1b]8;;\x1b\\", 1)
        shown.append(text)
        if with_links:
            shown.append(f"  {item['ui']}")
    return "\n".join(shown)


def state_text(session: dict[str, Any]) -> str:
    """The state, with the code of what keeps it from getting on."""
    problem = session["problem"]
    return f"{session['state']}, waits ({problem['code']})" if problem else str(session["state"])
