"""``ak event refused``: requests to the gateway that became no event."""

from __future__ import annotations

import datetime as dt
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from worker import clock
from worker.cli import completing, context
from worker.cli.deploy import Json
from worker.cli.filters_view import columns, wrapped
from worker.cli.given import MOST
from worker.cli.output import Output, fitted, moment
from worker.cli.times import moment_of

if TYPE_CHECKING:
    from worker.store import Store
    from worker.store.records import Refused

_RECENT = dt.timedelta(days=1)


def add_to(app: typer.Typer) -> None:
    """Register the command."""
    app.command(name="refused")(refused)


def refused(
    project: Annotated[
        str,
        typer.Argument(help="Only this project's, and nobody's.", autocompletion=completing.projects),
    ] = "",
    since: Annotated[str, typer.Option("--since", help="Not older: 90s, 2h, 02:00, 2026-01-31.")] = "",
    limit: Annotated[int, typer.Option("--limit", "-n", help="At most so many.", min=1, max=MOST)] = 50,
    as_json: Json = False,
) -> None:
    """List requests to the gateway that became no event, and why: a wrong URL, nothing deployed, a body too large.

    Those with the same method, path and answer are counted together. The last ones come first; a request is listed
    about a second after it came.

    Example: ak event refused shop --since 2h
    """
    with context.opened(context.settings()) as store:
        if project:
            context.project(store, project)
        found = store.refused.list(project, moment_of(since), limit)
    lines = [line for item in found for line in lines_of(item)]
    Output(as_json=as_json).document([asdict(item) for item in found], "\n".join(lines) or "nothing")


def lines_of(item: Refused) -> list[str]:
    """One kind of request for a person."""
    times = f"{item.count:,} times " if item.count > 1 else ""
    sender = f"; from {item.sender}" if item.sender else ""
    since = f", since {moment(item.first_at)}" if item.count > 1 else ""
    first = f"{moment(item.last_at)}  {times}{item.method} {item.path} → {item.code}"
    return [fitted(first), *wrapped(f"{item.reason}{sender}{since}", columns(), "  ", "    ")]


def note(store: Store, project: str, since: str) -> str:
    """The line under a list of events that says that there were such requests; empty where there were none."""
    found = store.refused.list(project, moment_of(since) or clock.now() - _RECENT)
    if not found:
        return ""
    number = sum(item.count for item in found)
    what = f"{number:,} requests were refused" if number > 1 else "one request was refused"
    more = f" {project}" if project else ""
    return f"{what}, the last at {moment(found[0].last_at)}: `ak event refused{more}`"
