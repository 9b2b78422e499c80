"""``ak var``: variables of a project and of its connections."""

from __future__ import annotations

import sys
from typing import Annotated, Any

import typer

from worker.cli import context
from worker.cli.deploy import Json, watch
from worker.cli.output import Output, table
from worker.errors import NotFoundError
from worker.store import Store

app = typer.Typer(help="Set, list and delete variables.", no_args_is_help=True, rich_markup_mode=None)
HIDDEN = "••••••"
Project = Annotated[str, typer.Argument(help="The project's name.")]
Connection = Annotated[
    str, typer.Option("--connection", "-c", help="The variable belongs to this connection.")
]
NoDeploy = Annotated[bool, typer.Option("--no-deploy", help="Only store it; the next deployment takes it.")]


@app.command(name="set")
def set_variable(
    project: Project,
    name: Annotated[str, typer.Argument(help="The variable's name.")],
    value: Annotated[str, typer.Argument(help="Its value; - reads standard input.")],
    connection: Connection = "",
    secret: Annotated[
        bool, typer.Option("--secret", help="Encrypted at rest, hidden in listings and logs.")
    ] = False,
    no_deploy: NoDeploy = False,
    as_json: Json = False,
) -> None:
    """Set a variable; new sessions see it, running ones keep what they have.

    Example: ak var set quickstart GREETING hello
    """
    text = sys.stdin.read().removesuffix("\n") if value == "-" else value
    out = Output(as_json=as_json)
    found = context.settings()
    with context.opened(found) as store:
        known = context.project(store, project)
        if connection and connection not in [item.name for item in store.connections.list(known.name)]:
            raise NotFoundError(f"{project} has no connection {connection}")
        store.vars.set(project, name, text, connection=connection, secret=secret or None)
        deployment = None if no_deploy else context.run(redeploy(project, store, out))
    answer = {
        "project": project,
        "name": name,
        "connection": connection,
        "secret": secret,
        "deployment": deployment,
    }
    out.document(answer, f"{name} set" + (f", deployed as {deployment}" if deployment else ""))


@app.command(name="list")
def list_variables(
    project: Project,
    reveal: Annotated[bool, typer.Option("--reveal", help="Show the values of secret variables.")] = False,
    as_json: Json = False,
) -> None:
    """List a project's variables; secret values are hidden."""
    with context.opened(context.settings()) as store:
        context.project(store, project)
        variables = store.vars.list(project)
    answer = [
        {
            "name": v.name,
            "connection": v.connection,
            "value": v.value if reveal or not v.secret else None,
            "secret": v.secret,
            "description": v.description,
        }
        for v in variables
    ]
    rows = [[v["name"], v["connection"] or "-", HIDDEN if v["value"] is None else v["value"]] for v in answer]
    Output(as_json=as_json).document(
        answer, table(["NAME", "CONNECTION", "VALUE"], [[str(c) for c in row] for row in rows])
    )


@app.command()
def delete(
    project: Project,
    name: Annotated[str, typer.Argument(help="The variable's name.")],
    connection: Connection = "",
    no_deploy: NoDeploy = False,
    as_json: Json = False,
) -> None:
    """Delete a variable."""
    out = Output(as_json=as_json)
    found = context.settings()
    with context.opened(found) as store:
        context.project(store, project)
        if not store.vars.delete(project, name, connection):
            raise NotFoundError(f"{project} has no variable {name}")
        deployment = None if no_deploy else context.run(redeploy(project, store, out))
    out.document(
        {"project": project, "name": name, "connection": connection, "deployment": deployment},
        f"{name} deleted",
    )


async def redeploy(project: str, store: Store, out: Output) -> str | None:
    """Deploy the active build again when the variables changed what it sees."""
    from worker import target

    deployment: Any = target.reconfigure(project, store)
    if deployment is None:
        return None
    if not store.services.alive("supervisor", 15.0):
        out.progress("no worker is running: the deployment becomes active when one starts (`ak up`)")
        return str(deployment.id)
    return (await watch(deployment, store, out.progress)).id
