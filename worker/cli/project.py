"""``ak project``: the projects of an installation: list, look at, export, delete."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from worker.cli import completing, context
from worker.cli.confirm import confirm
from worker.cli.deploy import Json, Yes
from worker.cli.output import Output, fitted, moment, table
from worker.errors import InUseError, NotFoundError, WorkerError

if TYPE_CHECKING:
    from worker.store import Store

app = typer.Typer(
    help="List projects, look at them, export their files, delete one.",
    no_args_is_help=True,
    rich_markup_mode=None,
)
Name = Annotated[str, typer.Argument(help="The project's name.", autocompletion=completing.projects)]


@app.command(name="list")
def list_projects(as_json: Json = False) -> None:
    """List the projects, with what runs of each.

    Example: ak project list
    """
    with context.opened(context.settings()) as store:
        answer = [summary(store, item.name) for item in store.projects.list()]
    rows = [
        [item["name"], item["state"], item["deployment"] or "-", str(item["triggers"]), item["display_name"]]
        for item in answer
    ]
    Output(as_json=as_json).document(
        answer, table(["NAME", "STATE", "DEPLOYMENT", "TRIGGERS", "DISPLAY NAME"], rows)
    )


@app.command()
def get(project: Name, as_json: Json = False) -> None:
    """Show one project: its triggers, connections, variables, deployments and open sessions.

    Example: ak project get quickstart
    """
    from worker.cli import trigger

    found = context.settings()
    with context.opened(found) as store:
        context.project(store, project)
        answer = summary(store, project) | {
            "triggers": [trigger.document_of(item, store, found) for item in store.triggers.list(project)],
            "connections": [
                {"name": item.name, "integration": item.integration}
                for item in store.connections.list(project)
            ],
            "variables": [
                {"name": item.name, "connection": item.connection, "secret": item.secret}
                for item in store.vars.list(project)
            ],
            "deployments": [
                {
                    "id": item.id,
                    "state": item.state,
                    "build": item.build_id,
                    "created_at": item.created_at,
                    "activated_at": item.activated_at,
                }
                for item in store.deployments.list(project)
            ],
            "open_sessions": context.run(open_sessions(project, store)),
        }
    Output(as_json=as_json).document(answer, fitted(text_of(answer)))


@app.command()
def export(
    project: Name,
    to: Annotated[
        Path | None, typer.Option("--to", "-o", help="A directory, or a file that ends in .zip; ./PROJECT.")
    ] = None,
    force: Annotated[bool, typer.Option("--force", "-f", help="Write over what is there.")] = False,
    as_json: Json = False,
) -> None:
    """Write the files of the active build, with the manifest, to a directory or a zip file.

    Values that were set by hand are not among them.

    Example: ak project export quickstart --to quickstart.zip
    """
    from worker.usercode import archive

    with context.opened(context.settings()) as store:
        context.project(store, project)
        active = store.deployments.active(project)
        build = store.builds.get(active.build_id) if active is not None else None
    if active is None or build is None:
        raise WorkerError(f"{project} has no active deployment", hint=f"See `ak project get {project}`.")
    path = to or Path(project)
    taken = (any(path.iterdir()) if path.is_dir() else True) if path.exists() else False
    if taken and not force:
        raise WorkerError(
            f"{path} is there already; nothing was written",
            hint="`--force` writes over it, or choose another --to.",
        )
    try:
        files = archive.export(build.content, path, active.requirements)
    except OSError as error:
        raise WorkerError(
            f"{path} cannot be written: {error.strerror}", hint="Choose another --to."
        ) from None
    answer = {
        "project": project,
        "deployment": active.id,
        "build": active.build_id,
        "path": str(path),
        "files": files,
    }
    count = f"{len(files)} file{'' if len(files) == 1 else 's'}"
    Output(as_json=as_json).document(answer, f"{count} of {project} written to {path}")


@app.command()
def delete(
    project: Name,
    yes: Yes = False,
    force: Annotated[
        bool, typer.Option("--force", "-f", help="Stop its open sessions, too; asks nothing.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Delete a project with all that belongs to it: deployments, variables, triggers, values, events, logs, histories.

    Refused while sessions are open, unless --force stops them: their finally blocks run, for ten seconds at most.
    A deletion that was interrupted is finished by deleting again.

    Example: ak project delete quickstart
    """
    from worker import removal

    out = Output(as_json=as_json)
    found = context.settings()

    async def work(store: Store) -> removal.Removed:
        async with context.connected(found, store) as client:
            return await removal.remove(client, store, project, found.home, force=force, tell=out.progress)

    with context.opened(found) as store:
        context.project(store, project)
        counts = contents(store, project)
        refusal = InUseError(
            f"deleting {project} takes away {counts}; nothing was changed",
            hint="`--yes` goes ahead; `--force` also stops its open sessions.",
        )
        question = f"delete {project} with {counts}? This cannot be undone."
        confirm(question, refusal, yes=yes or force, as_json=as_json)
        with out.taking(f"deleting {project}"):
            removed = context.run(work(store))
    left = (
        f"; Temporal keeps {removed.versions_left} of its versions for some minutes"
        if removed.versions_left
        else ""
    )
    out.document({"project": project, **dataclasses.asdict(removed)}, f"{project} deleted{left}")


def summary(store: Store, name: str) -> dict[str, Any]:
    """A project in one line of a list."""
    known = store.projects.get(name)
    if known is None:
        raise NotFoundError(f"there is no project {name}", hint="See `ak project list`.")
    active = store.deployments.active(name)
    states = [item.state for item in store.deployments.list(name)]
    order = ("active", "starting", "pending", "draining", "failed", "inactive")
    return {
        "id": known.id,
        "name": name,
        "display_name": known.display_name,
        "state": next((state for state in order if state in states), "empty"),
        "deployment": active.id if active is not None else None,
        "build": active.build_id if active is not None else None,
        "triggers": len(store.triggers.list(name)),
        "created_at": known.created_at,
    }


def contents(store: Store, project: str) -> str:
    """What would go, in words."""
    numbers = {
        "deployment": len(store.deployments.list(project)),
        "trigger": len(store.triggers.list(project)),
        "connection": len(store.connections.list(project)),
        "variable": len(store.vars.list(project)),
        "value": len(store.values.list(project)),
    }
    words = [f"{number} {word}{'' if number == 1 else 's'}" for word, number in numbers.items() if number]
    return ", ".join([*words, "events, logs and histories"])


async def open_sessions(project: str, store: Store) -> int | None:
    """How many run; None where Temporal does not answer."""
    from worker import removal

    async with context.looking(context.settings(), store, "open sessions are not counted") as client:
        return None if client is None else len(await removal.open_sessions(client, project))


def text_of(answer: dict[str, Any]) -> str:
    """A project as a person reads it."""
    running = "unknown" if answer["open_sessions"] is None else answer["open_sessions"]
    lines = [
        f"{answer['name']}  {answer['state']}  {answer['display_name']}".rstrip(),
        f"  created     {moment(answer['created_at'])}   open sessions {running}",
    ]
    lines += [
        f"  trigger     {item['name']}  {item['kind']}  {item['call'] or '-'}" for item in answer["triggers"]
    ]
    lines += [f"  connection  {item['name']}  {item['integration']}" for item in answer["connections"]]
    lines += [
        f"  variable    {item['connection'] + '/' if item['connection'] else ''}{item['name']}"
        + ("  secret" if item["secret"] else "")
        for item in answer["variables"]
    ]
    lines += [
        f"  deployment  {item['id']}  {item['state']}  {moment(item['activated_at'])}"
        for item in answer["deployments"]
    ]
    return "\n".join(lines)
