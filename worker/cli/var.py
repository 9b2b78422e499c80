"""``ak var``: variables of a project and of its connections."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from worker.cli import completing, context
from worker.cli.deploy import Json, watch
from worker.cli.output import Output, table
from worker.errors import NotFoundError, UsageError
from worker.masking import HIDDEN, MINIMUM_CHARACTERS, too_short

if TYPE_CHECKING:
    from worker.store import Store

app = typer.Typer(help="Set, list and delete variables.", no_args_is_help=True, rich_markup_mode=None)
NAME = re.compile(r"[A-Za-z_]\w*", re.ASCII)
Project = Annotated[str, typer.Argument(help="The project's name.", autocompletion=completing.projects)]
Connection = Annotated[
    str,
    typer.Option(
        "--connection",
        "-c",
        help="The variable belongs to this connection.",
        autocompletion=completing.connections,
    ),
]
NoDeploy = Annotated[bool, typer.Option("--no-deploy", help="Only store it; the next deployment takes it.")]


@app.command(name="set")
def set_variable(
    project: Project,
    name: Annotated[str, typer.Argument(help="The variable's name.", autocompletion=completing.variables)],
    value: Annotated[
        str | None, typer.Argument(help="Its value; - or nothing reads standard input, hidden on a terminal.")
    ] = None,
    connection: Connection = "",
    secret: Annotated[
        bool | None,
        typer.Option(
            "--secret/--plain", help="Encrypted at rest and hidden everywhere, or not; as it was if not said."
        ),
    ] = None,
    file: Annotated[Path | None, typer.Option("--file", help="Read the value from a file.")] = None,
    description: Annotated[str, typer.Option("--description", help="What it is for.")] = "",
    no_deploy: NoDeploy = False,
    as_json: Json = False,
) -> None:
    """Set a variable of a project, or of one of its connections.

    A project's variable is part of its deployment: the same build is deployed again with it, new sessions see it,
    running ones keep what they have. A connection's variable reaches the next call of every session, without a
    deployment, unless the project's own code reads it.

    Everybody on this machine can see the arguments of a command while it runs: give secrets on standard input.

    Example: ak var set quickstart GREETING hello

    Example: ak var set quickstart TOKEN --secret < token.txt
    """
    check_name(name)
    out = Output(as_json=as_json)
    found = context.settings()
    with context.opened(found) as store:
        context.project(store, project)
        check_connection(store, project, connection)
        known = next(
            (v for v in store.vars.list(project) if (v.connection, v.name) == (connection, name)), None
        )
        hidden = known is not None and known.secret if secret is None else secret
        text = read_value(name, value, file, hidden=hidden)
        if hidden:
            warn_of(out, name, text, seen=value not in {None, "-"})
        store.vars.set(project, name, text, connection=connection, secret=secret, description=description)
        deployment = None if no_deploy else context.run(redeploy(project, store, out))
    answer = {
        "project": project,
        "name": name,
        "connection": connection,
        "secret": hidden,
        "deployment": deployment,
    }
    out.document(answer, f"{name} set" + effect(deployment, connection, no_deploy=no_deploy))


def check_name(name: str) -> None:
    """A variable is an environment variable of the program."""
    if not NAME.fullmatch(name):
        raise UsageError(
            f"{name!r} is no name for a variable",
            hint="Letters, digits and _, no digit first, such as API_KEY.",
        )


def check_connection(store: Store, project: str, connection: str) -> None:
    """A connection that is not there is an error that lists those that are."""
    names = [item.name for item in store.connections.list(project)]
    if connection and connection not in names:
        raise NotFoundError(
            f"{project} has no connection {connection}",
            hint=f"Connections: {', '.join(names)}" if names else "Declare it in autokitteh.yaml and deploy.",
        )


def read_value(name: str, value: str | None, file: Path | None, *, hidden: bool) -> str:
    """The value, from wherever it was said to be; one line break at its end is not part of it."""
    if file is not None:
        if value is not None:
            raise UsageError("a value and --file exclude each other", hint="Give one of them.")
        return read_file(file)
    if value is None and sys.stdin.isatty():
        text: str = typer.prompt(name, hide_input=hidden, default="", show_default=False, err=True)
        return text
    if value not in {None, "-"}:
        return str(value)
    given = sys.stdin.read().removesuffix("\n")
    if value is None and not given:  # as from a job without a terminal: nobody wants that for a value
        raise UsageError(
            f"{name} has no value: standard input is empty",
            hint="Give it there, or by --file; an empty text is ''.",
        )
    return given


def read_file(path: Path) -> str:
    """A file's text, without one line break at its end."""
    try:
        return path.read_text().removesuffix("\n")
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise UsageError(
            f"{path} is no text", hint="A variable is text; encode it, for example in base64."
        ) from None


def warn_of(out: Output, name: str, value: str, *, seen: bool) -> None:
    """What weakens a secret."""
    if seen:
        out.progress(
            f"warning: {name} stood in the process list and stands in your shell's history; "
            "give secrets on standard input: ak var set … --secret < FILE"
        )
    if value and too_short(value):
        out.progress(
            f"warning: {name} is encrypted at rest, but with fewer than {MINIMUM_CHARACTERS} characters it "
            "cannot be hidden in what programs print and pass on"
        )
    ends = blank_ends(value)
    if ends:
        out.progress(
            f"warning: {name} {ends}, which is part of it: HTTP headers and passwords with that are refused"
        )


def blank_ends(value: str) -> str:
    """What nobody sees at the ends of a value of one line; it is hidden with a secret, and so is why that is refused.

    Keys and certificates have several lines, the last of which may well end.
    """
    if "\n" in value.strip():
        return ""
    found = []
    for verb, rest in (("begins", value.lstrip()), ("ends", value.rstrip())):
        blank = value[: len(value) - len(rest)] if verb == "begins" else value[len(rest) :]
        if blank and rest:
            found.append(f"{verb} with a {'line break' if blank.splitlines() != [blank] else 'blank'}")
    return " and ".join(found)


def effect(deployment: str | None, connection: str, *, no_deploy: bool = False) -> str:
    """Who sees the change."""
    live = "; running sessions use it from their next call on" if connection else ""
    if deployment:
        return f", deployed as {deployment}: new sessions see it{live}"
    return "; the next deployment takes it" if no_deploy and not live else live


@app.command(name="list")
def list_variables(
    project: Project,
    reveal: Annotated[bool, typer.Option("--reveal", help="Show the values of secret variables.")] = False,
    as_json: Json = False,
) -> None:
    """List a project's variables and those of its connections; secret values are hidden.

    Example: ak var list quickstart
    """
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
    rows = [
        [
            v["name"],
            v["connection"] or "-",
            shown_value(None if v["value"] is None else str(v["value"]), kept.value),
            v["description"],
        ]
        for v, kept in zip(answer, variables, strict=True)
    ]
    Output(as_json=as_json).document(
        answer, table(["NAME", "CONNECTION", "VALUE", "DESCRIPTION"], [[str(c) for c in row] for row in rows])
    )


def shown_value(value: str | None, kept: str) -> str:
    """The value, or that it is hidden, and what cannot be seen at its ends."""
    ends = blank_ends(kept)
    return (HIDDEN if value is None else value) + (f" ({ends})" if ends else "")


@app.command()
def delete(
    project: Project,
    name: Annotated[str, typer.Argument(help="The variable's name.", autocompletion=completing.variables)],
    connection: Connection = "",
    no_deploy: NoDeploy = False,
    as_json: Json = False,
) -> None:
    """Delete a variable; one that autokitteh.yaml names comes back with the next deployment.

    Example: ak var delete quickstart GREETING
    """
    out = Output(as_json=as_json)
    found = context.settings()
    with context.opened(found) as store:
        context.project(store, project)
        if not store.vars.delete(project, name, connection):
            raise NotFoundError(
                f"{project} has no variable {name}{f' of {connection}' if connection else ''}",
                hint=f"See `ak var list {project}`.",
            )
        deployment = None if no_deploy else context.run(redeploy(project, store, out))
    out.document(
        {"project": project, "name": name, "connection": connection, "deployment": deployment},
        f"{name} deleted" + effect(deployment, connection, no_deploy=no_deploy),
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
