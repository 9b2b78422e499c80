"""``ak session log``: the lines of a session."""

from __future__ import annotations

import asyncio
import contextlib
import json
from typing import TYPE_CHECKING, Annotated, Any

import typer

from worker import clock
from worker.cli import completing, context, terminal
from worker.cli.deploy import Json
from worker.cli.output import Output, encode
from worker.errors import TemporalError

if TYPE_CHECKING:
    from temporalio.client import Client

    from worker.store import Store
    from worker.store.records import StoredLine

_POLL_SECONDS = 0.3
_STATE_SECONDS = 1.0
_OPEN = ("created", "running")


def add_to(app: typer.Typer) -> None:
    """Register the command."""
    app.command(name="log")(log)


def log(
    session: Annotated[
        str,
        typer.Argument(
            help="A session id, the beginning of one, or a project (its latest session).",
            autocompletion=completing.sessions,
        ),
    ],
    prints: Annotated[bool, typer.Option("--prints", help="Only what it printed.")] = False,
    follow: Annotated[
        bool, typer.Option("--follow", "-f", help="Go on with new lines, until the session has ended.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Show what a session printed, called and went through.

    With --follow and --json, each line is one line of JSON. `ak session show` tells more about each call.

    Example: ak session log ses_4k1 --follow
    """

    async def work() -> list[Any]:
        found = context.settings()
        with context.opened(found) as store:
            lines = [] if follow else store.log.read(session)
            if not lines:
                async with context.connected(found, store) as client:
                    from worker.cli import sessions_view as view

                    identifier = await view.find(client, session, store)
                    if follow:
                        await following(client, store, identifier, prints=prints, as_json=as_json)
                    else:
                        lines = store.log.read(identifier)
            return lines

    lines = [line for line in context.run(terminal.while_read(work())) if line.kind == "print" or not prints]
    if not follow:
        page = Page(prints=prints)
        text = "\n".join(page.text_of(line) for line in lines)
        Output(as_json=as_json).document([document_of(line) for line in lines], text)


async def following(client: Client, store: Store, identifier: str, *, prints: bool, as_json: bool) -> None:
    """Print the lines there are, then each new one, until the session has ended and nothing is left."""
    from worker import temporal
    from worker.cli import sessions_view as view

    out, page, last, seen = Output(as_json=False), Page(prints=prints), 0, set()
    asked, is_open, away = float("-inf"), True, False
    while True:
        if clock.monotonic() - asked > _STATE_SECONDS:
            # Asked before the lines are read: those of a session that has ended are all there.
            asked = clock.monotonic()
            try:
                is_open, away = await view.state_now(client, identifier) in _OPEN, False
            except TemporalError as error:  # it is started again, say: what is written is told all the same
                if not away:
                    out.progress(f"{error.message}: asking again")
                away = True
                with contextlib.suppress(TemporalError):  # maybe at another address
                    client = await temporal.connect(
                        context.settings(), store.blobs, patience_seconds=context.LOOK_SECONDS
                    )
        lines = await asyncio.to_thread(store.log.since, identifier, last)
        for line in lines:
            last = max(last, line.seq)
            key = (line.run_id, line.line, line.attempt, line.sub, line.text)
            if key in seen or (prints and line.kind != "print"):
                continue
            seen.add(key)
            out.say(json.dumps(document_of(line), default=encode) if as_json else page.text_of(line))
        if not lines and not is_open:
            return
        if not lines:
            await asyncio.sleep(_POLL_SECONDS)


def document_of(line: StoredLine) -> dict[str, Any]:
    """A line for programs."""
    return {"at": line.at, "kind": line.kind, "text": line.text, "where": line.where}


class Page:
    """Lines as a person reads them, with a heading for each day but today."""

    def __init__(self, *, prints: bool) -> None:
        self._prints = prints
        self._day = clock.now().astimezone().date()

    def text_of(self, line: StoredLine) -> str:
        """A line; what was printed stands as it was where nothing else is shown."""
        if self._prints:
            return line.text
        from worker.story.widths import printable

        at = line.at.astimezone()
        day = "" if at.date() == self._day else f"{at:%Y-%m-%d}\n"
        self._day = at.date()
        where = f"  ({line.where})" if line.where else ""
        return f"{day}{at:%H:%M:%S.%f}"[:-3] + f"  {line.kind:<7}  {printable(line.text)}{where}"
