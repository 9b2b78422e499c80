"""``ak deploy``: check a project, show what changes, hand it to the supervisor, watch it become active."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from worker import clock
from worker.cli import checking, context, links
from worker.cli.confirm import confirm
from worker.cli.given import MOST
from worker.cli.output import Output
from worker.config import Settings
from worker.errors import DeployError, InUseError, UsageError

if TYPE_CHECKING:
    from worker.store import Store
    from worker.store.records import Deployment
    from worker.target import Prepared

_POLL_SECONDS = 0.05
_ALIVE_SECONDS = 15.0
_WAIT_SECONDS = 600.0

Json = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Go ahead without asking; for scripts.")]


def add_to(app: typer.Typer) -> None:
    """Register the command."""
    app.command(name="deploy")(deploy)


def deploy(
    directory: Annotated[
        Path, typer.Argument(help="The project: a directory with autokitteh.yaml.")
    ] = Path(),
    check: Annotated[
        bool,
        typer.Option("--check", help="Change nothing: say which open sessions could go on with this code."),
    ] = False,
    migrate: Annotated[
        bool,
        typer.Option("--migrate", help="Then move the open sessions that can go on with this code to it."),
    ] = False,
    limit: Annotated[
        int,
        typer.Option(
            "--limit", min=1, max=MOST, help="With --check and --migrate: look at so many open sessions."
        ),
    ] = 1000,
    yes: Yes = False,
    as_json: Json = False,
) -> int:
    """Check a project, show what changes, and make it run.

    Nothing is changed when anything is wrong: the running deployment stays. Sessions that run now finish on the code
    that started them; new sessions run the new code. Before a trigger goes that had events in the last day, or a
    connection that sessions wait on, you are asked. With --check the exit status is 1 when a session would break.

    Example: ak deploy examples/quickstart
    """
    out = Output(as_json=as_json)
    found = context.settings()
    if check and migrate:
        raise UsageError("--check changes nothing, --migrate does", hint="Give one of them.")
    with context.opened(found) as store:
        if check:
            return context.run(checking.check(directory, store, found, out, limit))
        answer = context.run(deploy_directory(directory, store, found, out, yes=yes))
        moved = context.run(checking.migrate(answer, store, found, out, limit)) if migrate else None
    text = text_of(answer)
    if moved is not None:
        answer |= {"sessions": moved.to_json()}
        text += "\n" + checking.text_of(moved, deployed=True)
    out.document(answer, text)
    return 0


async def deploy_directory(
    directory: Path,
    store: Store,
    found: Settings,
    out: Output,
    *,
    yes: bool,
    tell_unchanged: bool = True,
    asked: Callable[[], None] = lambda: None,
) -> dict[str, Any]:
    """Deploy one directory; returns the documented answer.

    Args:
        directory: the project.
        store: where it goes.
        found: the settings.
        out: for the plan and progress.
        yes: go ahead although something in use is taken away.
        tell_unchanged: say so when nothing changes.
        asked: called once the deployment is asked for: a supervisor in the same process need not find out.

    Raises:
        InUseError: something in use would be taken away, and nobody said yes.
        DeployError: it is refused, or does not start.
    """
    from manifest import render
    from worker import target, versions

    prepared = await asyncio.to_thread(target.prepare, directory, store)
    for warning in prepared.warnings:
        out.progress(f"warning: {warning}")
    if prepared.changed or tell_unchanged:
        out.say(render.plan_text(prepared.plan))
    actions = render.plan_json(prepared.plan)["actions"]
    if not prepared.changed:
        active = store.deployments.active(prepared.project)
        assert active is not None
        if not store.services.alive("supervisor", _ALIVE_SECONDS):
            out.progress(
                "warning: no worker is running, so nothing serves it; start one: `ak up` or `ak worker`"
            )
        return answer_for(active, store, found, changed=False) | {"actions": actions}
    check_use(prepared, store, out, yes=yes)
    if not store.services.alive("supervisor", _ALIVE_SECONDS):
        raise DeployError(
            "no worker is running; nothing was changed", hint="Start one: `ak up` or `ak worker`."
        )
    async with context.connected(found, store) as client:
        await versions.check_room(client, prepared.project, prepared.version, found.versions_limit)
    deployment = await asyncio.to_thread(target.request, prepared, store)
    asked()
    active = await watch(deployment, store, out.progress)
    return answer_for(active, store, found, changed=True) | {"actions": actions}


def check_use(prepared: Prepared, store: Store, out: Output, *, yes: bool) -> None:
    """Ask before something in use is taken away; with ``yes`` only say it."""
    from worker import target

    surprises = prepared.plan.surprises(target.usage(prepared.project, store))
    if not surprises:
        return
    lines = "\n".join(f"  {surprise}" for surprise in surprises)
    if yes:
        out.progress(f"warning: something in use is taken away\n{lines}")
        return
    refusal = InUseError(
        f"something in use would be taken away; nothing was changed\n{lines}",
        hint="`--yes` goes ahead. What only has another name now keeps its URL: `ak trigger rename PROJECT OLD NEW`",
    )
    confirm(f"something in use is taken away\n{lines}\nGo on?", refusal, yes=yes, as_json=out.as_json)


async def watch(deployment: Deployment, store: Store, tell: Callable[[str], None]) -> Deployment:
    """Return the deployment once it is active; raise its error when it fails."""
    began = clock.monotonic()
    said = ""
    while clock.monotonic() - began < _WAIT_SECONDS:
        record = await asyncio.to_thread(store.deployments.get, deployment.id)
        if record is None or (record.error is not None and record.state not in {"pending", "starting"}):
            facts = (record.error if record is not None else None) or {"message": "the deployment vanished"}
            error = DeployError(facts["message"], where=facts.get("where", ""), hint=facts.get("hint", ""))
            error.code = facts.get("code") or error.code
            raise error
        if record.state == "active":
            return record
        if record.state != said and clock.monotonic() - began > 1:
            said = record.state
            tell(f"{record.project}: {record.state} …")
        await asyncio.sleep(_POLL_SECONDS)
    raise DeployError(
        f"the deployment was not active after {_WAIT_SECONDS:.0f} s",
        hint=f"It may still become so: `ak deployment get {deployment.id}` says how far it is, its log what it does.",
    )


def answer_for(deployment: Deployment, store: Store, found: Settings, *, changed: bool) -> dict[str, Any]:
    """The documented JSON of a deployment."""
    triggers: list[dict[str, Any]] = deployment.desired["project"]["triggers"]
    ui = context.ui_url(found)
    handlers = dict.fromkeys(trigger["call"] for trigger in triggers if trigger["call"])
    return {
        "project": deployment.project,
        "deployment": deployment.id,
        "build": deployment.build_id,
        "changed": changed,
        "webhooks": links.webhooks(store, deployment.project, triggers, context.gateway_url(found)),
        "schedules": {
            trigger["name"]: {
                "schedule": trigger["schedule"],
                "link": links.schedule(ui, found.temporal_namespace, deployment.project, trigger["name"]),
            }
            for trigger in triggers
            if trigger["kind"] == "schedule"
        },
        "start": {h: links.start_form(ui, found.temporal_namespace, deployment.project, h) for h in handlers},
    }


def text_of(answer: dict[str, Any]) -> str:
    """The answer as a person reads it."""
    state = "deployed" if answer["changed"] else "unchanged"
    lines = [f"{answer['project']} {state}   {answer['deployment']}   {answer['build']}"]
    lines += [f"  webhook {name}: {url}" for name, url in answer["webhooks"].items()]
    lines += [
        f"  schedule {name}: {at['schedule']}   {at['link']}" for name, at in answer["schedules"].items()
    ]
    lines += [f"  start {handler}: {link}" for handler, link in answer["start"].items()]
    return "\n".join(lines)
