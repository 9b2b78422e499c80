"""``ak retention``: what is kept how long, and cleaning by hand."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Annotated, Any

import typer

from worker import ids
from worker.cli import context
from worker.cli.deploy import Json
from worker.cli.output import Output, fitted
from worker.config import Settings
from worker.errors import WorkerError

if TYPE_CHECKING:
    from temporalio.client import Client

    from worker.retention import Removed
    from worker.store import Store

app = typer.Typer(
    help="What is kept how long, and cleaning by hand.", no_args_is_help=True, rich_markup_mode=None
)

_WHAT = {
    "events": "events, with what they caused",
    "signals": "signals of the project's log",
    "log_lines": "lines of logs of ended sessions",
    "operations": "answers kept for repeated steps",
    "leftovers": "deliveries of signals, answers to webhooks, subscriptions that ended, refused requests",
    "registrations": "sessions whose subscriptions outlived them",
    "payloads": "large payloads",
    "processes": "signs of life of processes that are gone",
}


@app.command()
def show(as_json: Json = False) -> None:
    """Show what is kept how long, and what a cleaning would delete now. Nothing is deleted.

    Where Temporal does not answer, only what is kept is known.

    Example: ak retention show
    """
    found = context.settings()

    async def work() -> Removed | None:
        with context.opened(found) as store:
            async with context.looking(found, store, "what would be deleted is not known") as client:
                return None if client is None else await sweep(found, store, client, delete=False)

    tell(found, context.run(work()), delete=False, as_json=as_json)


@app.command()
def run(
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would go.")] = False,
    as_json: Json = False,
) -> None:
    """Delete now what is past its time; the supervisor does it by itself every hour.

    Nothing goes that an open session needs, no deployment that is active or draining, and none of the newest.

    Example: ak retention run --dry-run
    """
    found = context.settings()

    async def work() -> Removed:
        with context.opened(found) as store:
            async with context.connected(found, store) as client:
                return await sweep(found, store, client, delete=not dry_run)

    tell(found, context.run(work()), delete=not dry_run, as_json=as_json)


async def sweep(found: Settings, store: Store, client: Client, *, delete: bool) -> Removed:
    """Sweep store and home, or say what would go."""
    from worker.retention import LEASE, Files, Sweep
    from worker.retention.sweep import LEASE_SECONDS

    owner = ids.new("cli")
    if delete and not store.leases.take(LEASE, owner, LEASE_SECONDS):
        raise WorkerError("another process is cleaning right now", hint="It does the same; try again later.")
    try:
        removed = await Sweep(
            store,
            client,
            found.keep,
            delete=delete,
            still_mine=lambda: not delete or store.leases.take(LEASE, owner, LEASE_SECONDS),
        ).run()
    finally:
        if delete:
            store.leases.release(LEASE, owner)
    removed.files = Files(found).clean(store.deployments.wanted(), delete=delete)
    return removed


def tell(found: Settings, removed: Removed | None, *, delete: bool, as_json: bool) -> None:
    """Print the settings, and what went."""
    from worker.retention.sweep import as_document

    document = {
        "dry_run": not delete,
        "kept": dataclasses.asdict(found.keep),
        "removed": None if removed is None else as_document(removed),
    }
    Output(as_json=as_json).document(document, fitted(text_of(document, removed)))


def text_of(document: dict[str, Any], removed: Removed | None) -> str:
    """The settings, and what went, as a person reads it."""
    kept = document["kept"]

    def lasts(days: float) -> str:
        return f"{days:g} days" if days else "for ever"

    events = f", at most {kept['events']:,}" if kept["events"] else ""
    lines = f", at most {kept['log_lines']:,} lines" if kept["log_lines"] else ""
    text = [
        "kept",
        f"  events       {lasts(kept['event_days'])}{events}",
        f"  logs         {lasts(kept['log_days'])} after a session's last line{lines}",
        f"  deployments  {lasts(kept['deployment_days'])}, and always the newest {kept['deployments']} of a project",
    ]
    if removed is None:
        return "\n".join(text)
    text += [
        f"  open sessions need what is theirs: there are {removed.open_sessions}",
        "would be deleted" if document["dry_run"] else "deleted",
    ]
    rows = [
        f"  {getattr(removed, name):>8,}  {what}" for name, what in _WHAT.items() if getattr(removed, name)
    ]
    for name in ("deployments", "builds", "files"):
        listed = getattr(removed, name)
        if listed:
            rows.append(f"  {len(listed):>8,}  {name}: {', '.join(listed)}")
    return "\n".join([*text, *(rows or ["  nothing"])])
