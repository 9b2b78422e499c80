"""``ak deploy --check`` and ``--migrate``: which open sessions could go on with this code, and moving them to it."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Any

from worker import clock
from worker.cli import context
from worker.cli.output import Output
from worker.config import Settings

if TYPE_CHECKING:
    from worker.store import Store
    from worker.store.records import Deployment
    from worker.supervisor.boot import Launch
    from worker.supervisor.checks import Report
    from worker.target import Prepared

_WORDS = {"moves": "moves cleanly", "stays": "stays pinned", "breaks": "would break"}
_REHEARSAL = "check"  # where a deployment's id would stand, in the name of the log file


async def check(directory: Path, store: Store, found: Settings, out: Output, limit: int) -> int:
    """Look at every open session of the project; changes nothing. Returns the exit status: 1 when one would break."""
    from worker import target
    from worker.supervisor import boot

    prepared = await asyncio.to_thread(target.prepare, directory, store)
    for warning in prepared.warnings:
        out.progress(f"warning: {warning}")
    launch = await asyncio.to_thread(
        boot.rehearse,
        rehearsal(prepared),
        prepared.packed.content,
        store,
        found,
        context.gateway_url(found),
        out.progress,
    )
    report = await look(launch, store, found, out, limit, move=False)
    answer = {
        "project": prepared.project,
        "build": prepared.packed.build_id,
        "changed": prepared.changed,
        **report.to_json(),
    }
    head = f"{prepared.project}: {prepared.packed.build_id} beside the open sessions; nothing was changed"
    out.document(answer, f"{head}\n{text_of(report, deployed=False)}")
    return 1 if report.count("breaks") else 0


def rehearsal(prepared: Prepared) -> Deployment:
    """The deployment that the directory would become; it is in no store."""
    from worker.store.records import Deployment

    return Deployment(
        _REHEARSAL,
        prepared.project,
        prepared.packed.build_id,
        prepared.version,
        "pending",
        prepared.desired,
        prepared.environment,
        prepared.secret_names,
        prepared.requirements,
        clock.now(),
    )


async def migrate(answer: dict[str, Any], store: Store, found: Settings, out: Output, limit: int) -> Report:
    """Move the open sessions that can go on with a deployment that is active now."""
    from worker.supervisor import boot

    deployment = store.deployments.get(answer["deployment"])
    assert deployment is not None
    launch = await asyncio.to_thread(
        boot.prepare, deployment, store, found, context.gateway_url(found), "", out.progress
    )
    return await look(launch, store, found, out, limit, move=True)


async def look(
    launch: Launch, store: Store, found: Settings, out: Output, limit: int, *, move: bool
) -> Report:
    """Ask the build about every open session."""
    from worker.supervisor.checks import Checks

    async with context.connected(found, store) as client:
        with out.taking("replaying the open sessions"):
            return await Checks(client, store, launch).run(move=move, limit=limit)


def text_of(report: Report, *, deployed: bool) -> str:
    """The report as a person reads it: those that would break last, with both places."""
    from worker.comparing import text_of as aligned

    order = {"moves": 0, "stays": 1, "breaks": 2}
    lines: list[str] = []
    for item in sorted(report.sessions, key=lambda each: (order[each.verdict], each.id)):
        word = "moved" if item.moved else _WORDS[item.verdict]
        word = "does not fit, stays" if deployed and item.verdict == "breaks" else word
        lines.append(f"  {item.id}  {item.handler}  {item.deployment or 'not begun'}  {word}")
        if item.reason and item.verdict != "moves":
            lines.append(f"    {item.reason}")
        if item.difference is not None:
            lines += [f"      {row}" for row in aligned(item.difference["rows"]).splitlines()]
            lines += [f"    likely: {text}" for text in item.difference["likely"]]
    if not report.sessions:
        lines.append("  no session is open on another version")
    if report.unchecked:
        lines.append(
            f"  {report.unchecked} more open sessions were not looked at, they stay where they are (--limit)"
        )
    counts = [f"{report.count(name)} {word}" for name, word in _WORDS.items() if report.count(name)]
    if counts and not deployed:
        lines.append(f"{', '.join(counts)}")
        lines.append(
            "A deploy leaves all of them on their version. To move those that can go: ak deploy --migrate"
        )
    return "\n".join(lines)
