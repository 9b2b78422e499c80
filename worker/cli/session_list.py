"""``ak session list``: sessions by what is known of them.

Temporal's visibility knows project, handler, status and time; the store knows which sessions a trigger or an event
started (deliveries) and which ended with an error of some text (the session log). So nothing has to be registered with
Temporal, and a listing by trigger or error text pages through the store and asks Temporal for those sessions.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Any

import typer

from worker import clock
from worker.cli import completing, context, links
from worker.cli.deploy import Json
from worker.cli.given import MOST
from worker.cli.output import Output, terminal_width
from worker.cli.times import period
from worker.errors import NotFoundError, UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from worker.cli.sessions_query import Asked


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
        str,
        typer.Option(
            "--event", "-e", help="Only those this event started or reached: its id, or the beginning."
        ),
    ] = "",
    error: Annotated[str, typer.Option("--error", help="Only those whose error contains this text.")] = "",
    since: Annotated[
        str, typer.Option("--since", help="Not started before: 90s, 2h, 3d, 18:00, 2026-01-31.")
    ] = "",
    until: Annotated[str, typer.Option("--until", help="Not started after.")] = "",
    limit: Annotated[int, typer.Option("--limit", "-n", help="At most so many.", min=1, max=MOST)] = 50,
    with_links: Annotated[
        bool, typer.Option("--links", help="Add a link to each session in the Temporal UI.")
    ] = False,
    wide: Annotated[
        bool, typer.Option("--wide", "-w", help="Whole ids, all columns, nothing cut: one line each.")
    ] = False,
    as_json: Json = False,
) -> None:
    """List sessions, newest first, with what they wait for or their error.

    On a terminal ids are shortened: any command takes their beginnings. A click on one opens it in the Temporal UI, where the
    terminal can do that.

    Example: ak session list shop --state error --since 2h

    Example: ak session list --trigger orders --error "KeyError: 'id'"
    """
    from worker.cli import session_scope
    from worker.cli.sessions_query import Asked

    begin, end = period(since, until)
    asked = Asked(project, known(state or []), handler, trigger, event, error, begin, end, limit)
    asked, sessions, missing = context.run(look(asked))
    if missing is not None:
        if not as_json:
            raise missing
        Output(as_json=False).progress(
            f"warning: {missing.message}"
        )  # a program that asks for a list gets one
    out, more, sessions = Output(as_json=as_json), len(sessions) > limit, sessions[:limit]
    text = "" if as_json else shown(sessions, project=not project, with_links=with_links, wide=wide)
    for item in sessions:
        item["waits_for"] = [wait.as_document() for wait in item["waits_for"]]
    out.document(sessions, text or session_scope.nothing(asked))
    if more and not as_json:
        out.progress(f"the newest {limit} are shown; --limit shows more")


async def look(asked: Asked) -> tuple[Asked, list[dict[str, Any]], NotFoundError | None]:
    """What was asked for, with the event's whole id, and the sessions: one more than the limit where there are more.

    Where there are none, the third is the error for what does not exist of what was asked for.

    Raises:
        NotFoundError: several events begin with the id.
    """
    from worker.cli import nearest, session_scope
    from worker.cli.sessions_query import Finder

    found, missing = context.settings(), None
    with context.opened(found) as store:
        asked, missing = session_scope.whole_event(store, asked)
        async with context.connected(found, store) as client:
            sessions = await Finder(client, store).find(replace(asked, limit=asked.limit + 1))
        if not sessions:
            missing = missing or nearest.missing(lambda: session_scope.check(store, asked))
    for item in sessions:
        item["ui"] = None if item.get("only_log") else links.of(found, item["id"])
    return asked, sessions, None if sessions else missing


def known(states: Sequence[str]) -> tuple[str, ...]:
    """The states.

    Raises:
        UsageError: there is no such state.
    """
    from worker.cli.sessions_view import STATES

    unknown = [item for item in states if item not in STATES]
    if unknown:
        raise UsageError(f"there is no state {unknown[0]}", hint=f"States: {', '.join(STATES)}")
    return tuple(states)


def shown(sessions: Sequence[dict[str, Any]], *, project: bool, with_links: bool, wide: bool) -> str:
    """The table for this terminal, or for a pipe; empty without sessions."""
    from worker.cli.session_table import Look, text_of
    from worker.cli.terminal import colours, takes_links

    if not sessions:
        return ""
    look = Look(
        width=0 if wide else terminal_width(),
        colours=colours(),
        projects=project,
        with_links=with_links,
        whole=wide,
        link=clickable if takes_links() else lambda text, _url: text,
    )
    return text_of(sessions, look, clock.now())


def clickable(text: str, url: str) -> str:
    """A link, as terminals know them."""
    return f"\x1b]8;;{url}\x1b\\{text}\x1b]8;;\x1b\\"
