"""``ak connection``: what a project is connected to, and with which credentials."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from worker import environment, integrations
from worker.cli import completing, context, given
from worker.cli.deploy import Json
from worker.cli.output import Output, fitted, table
from worker.cli.var import (
    NoDeploy,
    Project,
    check_connection,
    check_name,
    effect,
    read_file,
    redeploy,
    shown_value,
    warn_of,
)
from worker.config import Settings, child_environment
from worker.errors import ConnectionTestError, UsageError

if TYPE_CHECKING:
    from worker.store import Store
    from worker.store.records import Connection, Variable

app = typer.Typer(
    help="List, set up and test connections to integrations.", no_args_is_help=True, rich_markup_mode=None
)
_TRIAL_SECONDS = 60
Name = Annotated[str, typer.Argument(help="The connection's name.", autocompletion=completing.connections)]


@app.command(name="list")
def list_connections(project: Project, as_json: Json = False) -> None:
    """List a project's connections: to what, and whether their credentials are set.

    Example: ak connection list quickstart
    """
    with context.opened(context.settings()) as store:
        context.project(store, project)
        variables = store.vars.list(project)
        answer = [document_of(item, variables) for item in store.connections.list(project)]
    rows = [
        [item["name"], item["integration"], "yes" if item["initialized"] else f"no: {needs(item)}"]
        for item in answer
    ]
    Output(as_json=as_json).document(answer, table(["NAME", "INTEGRATION", "INITIALIZED"], rows))


@app.command(name="get")
def get_connection(project: Project, name: Name, as_json: Json = False) -> None:
    """Print a connection with its variables; secret values are hidden."""
    with context.opened(context.settings()) as store:
        connection, variables = known(store, project, name)
    answer = document_of(connection, variables) | {
        "variables": [
            {"name": v.name, "secret": v.secret, "value": None if v.secret else v.value} for v in variables
        ]
    }
    rows = [[v.name, shown_value(None if v.secret else v.value, v.value)] for v in variables]
    state = "initialized" if answer["initialized"] else f"not initialized: {needs(answer)}"
    text = f"{fitted(f'{name}   {connection.integration}   {state}')}\n{table(['NAME', 'VALUE'], rows)}"
    Output(as_json=as_json).document(answer, text)


@app.command(name="set")
def set_connection(
    project: Project,
    name: Name,
    values: Annotated[
        list[str], typer.Argument(help="KEY=VALUE, KEY=@FILE, or KEY=- for standard input (one of them).")
    ],
    no_deploy: NoDeploy = False,
    as_json: Json = False,
) -> None:
    """Set variables of a connection; running sessions use new credentials from their next call on.

    Everybody on this machine can see the arguments of a command while it runs: give secrets by @FILE or on standard
    input. What the integration names as credentials is kept secret.

    Example: ak connection set quickstart chat BotToken=@token.txt
    """
    pairs = [pair.partition("=") for pair in values]
    if any(not equals for _, equals, _ in pairs):
        raise UsageError(
            "KEY=VALUE is needed", hint="Example: `ak connection set quickstart chat BotToken=@token.txt`"
        )
    if sum(value == "-" for _, _, value in pairs) > 1:
        raise UsageError("only one value can come from standard input", hint="Give the others as KEY=@FILE.")
    seen = {key for key, _, value in pairs if value != "-" and not value.startswith("@")}
    store_values(
        project,
        name,
        {key: value_of(value) for key, _, value in pairs},
        seen,
        Output(as_json=as_json),
        no_deploy=no_deploy,
    )


@app.command(name="init")
def init_connection(
    project: Project,
    name: Name,
    from_env: Annotated[
        bool, typer.Option("--from-env", help="Take CONN__name variables from this environment.")
    ] = False,
    no_deploy: NoDeploy = False,
    as_json: Json = False,
) -> None:
    """Give a connection its credentials: asked for on a terminal, or one JSON object on standard input.

    Example: ak connection init quickstart chat
    """
    with context.opened(context.settings()) as store:
        connection, _ = known(store, project, name)
    ways = integrations.WAYS.get(connection.integration, ((),))
    if from_env:
        prefix = f"{name}__"
        found = {
            k.removeprefix(prefix): v for k, v in child_environment().items() if k.startswith(prefix) and v
        }
    elif sys.stdin.isatty():
        found = ask(ways)
    else:
        found = parse(sys.stdin.read())
    lacking = integrations.missing(connection.integration, found.keys())
    if lacking or not found:
        raise UsageError(
            f"{name} needs {' or '.join(' + '.join(way) for way in ways)}",
            hint=f"Missing: {', '.join(lacking)}",
        )
    store_values(project, name, found, set(), Output(as_json=as_json), no_deploy=no_deploy)


@app.command(name="test")
def try_connection(
    project: Project,
    name: Name,
    argument: Annotated[
        list[str] | None,
        typer.Option(
            "--argument",
            help="KEY=VALUE for the SDK's helper, such as base_url=…; a JSON object stands for itself.",
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """Make one harmless call with a connection's credentials, through the vendor's own client.

    Example: ak connection test quickstart chat
    """
    arguments = dict(argument_of(pair) for pair in argument or [])
    found = context.settings()
    with context.opened(found) as store:
        connection, variables = known(store, project, name)
        active, mask = store.deployments.active(project), store.vars.mask(project)
    lacking = needs(document_of(connection, variables))
    if lacking:
        raise ConnectionTestError(
            f"{name} is not initialized: {lacking}", hint=f"Set it up: `ak connection init {project} {name}`"
        )
    trial = integrations.TRIALS.get(connection.integration)
    if trial is None:
        text = f"{name} is initialized; there is nothing to test {connection.integration} with"
        Output(as_json=as_json).document({"name": name, "tested": False, "ok": None}, text)
        return
    outcome = attempt(
        found, trial, name, variables, arguments, active.requirements if active is not None else ""
    )
    message = mask(outcome["message"])
    if not outcome["ok"]:
        raise ConnectionTestError(
            f"{name}: {message}", hint=f"Set other credentials: `ak connection init {project} {name}`"
        )
    Output(as_json=as_json).document({"name": name, "tested": True, "ok": True}, f"{name} works")


def argument_of(text: str) -> tuple[str, Any]:
    """The name and the value of ``KEY=VALUE``: Google's helpers take ``client_options={"api_endpoint": "…"}``."""
    key, equals, value = text.partition("=")
    if not equals or not key.isidentifier():
        raise UsageError(f"--argument {text} is not KEY=VALUE", hint="Example: --argument base_url=https://…")
    if not value.startswith("{"):
        return key, value
    try:
        return key, given.parsed(value)
    except ValueError as error:
        raise UsageError(
            f"--argument {key} is not JSON: {error}", hint='Example: {"api_endpoint": "…"}'
        ) from None


def attempt(
    settings: Settings,
    trial: integrations.Trial,
    name: str,
    variables: list[Variable],
    arguments: dict[str, Any],
    requirements: str,
) -> dict[str, Any]:
    """The call, made in a process with the project's interpreter; its secrets are in its environment only."""
    python = environment.interpreter(requirements, settings.cache_dir, Path.cwd())
    job = {
        "module": trial.module,
        "helper": trial.helper,
        "steps": trial.steps,
        "connection": name,
        "arguments": arguments,
    }
    try:
        done = subprocess.run(
            [python, "-P", "-m", "worker.cli.probe"],
            input=json.dumps(job) + "\n",
            env=child_environment() | {f"{name}__{v.name}": v.value for v in variables},
            capture_output=True,
            text=True,
            timeout=_TRIAL_SECONDS,
            check=False,
        )
        answer: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    except subprocess.TimeoutExpired:
        return {"ok": False, "message": f"no answer within {_TRIAL_SECONDS} s"}
    except (IndexError, ValueError):
        return {"ok": False, "message": done.stderr.strip() or "the test ended without a word"}
    return answer


def known(store: Store, project: str, name: str) -> tuple[Connection, list[Variable]]:
    """A connection and its variables; one that is not there is an error that lists those that are."""
    context.project(store, project)
    check_connection(store, project, name)
    connection = next(item for item in store.connections.list(project) if item.name == name)
    return connection, [item for item in store.vars.list(project) if item.connection == name]


def document_of(connection: Connection, variables: list[Variable]) -> dict[str, Any]:
    """The documented JSON of a connection."""
    present = {item.name for item in variables if item.connection == connection.name and item.value}
    lacking = integrations.missing(connection.integration, present)
    return {
        "name": connection.name,
        "integration": connection.integration,
        "initialized": not lacking,
        "missing": list(lacking),
    }


def needs(document: dict[str, Any]) -> str:
    """What a connection lacks, in words."""
    return f"needs {', '.join(document['missing'])}" if document["missing"] else ""


def value_of(text: str) -> str:
    """A value, from where it says."""
    if text == "-":
        return sys.stdin.read().removesuffix("\n")
    return read_file(Path(text[1:])) if text.startswith("@") else text


def parse(text: str) -> dict[str, str]:
    """The credentials as one JSON object of texts."""
    if not text.strip():
        raise UsageError(
            "there is no terminal to ask on, and standard input is empty",
            hint='Give the credentials there: {"BotToken": "…"}; or --from-env says where to look.',
        )
    try:
        found = given.parsed(text)
    except ValueError as error:
        raise UsageError(f"standard input is not JSON: {error}", hint='Example: {"BotToken": "…"}') from None
    if not isinstance(found, dict) or not all(isinstance(value, str) for value in found.values()):
        raise UsageError("one JSON object of texts is needed", hint='Example: {"BotToken": "…"}')
    return found


def ask(ways: tuple[integrations.Way, ...]) -> dict[str, str]:
    """The credentials, asked for: first which way, where there are several."""
    way = ways[0]
    if len(ways) > 1:
        for number, names in enumerate(ways, 1):
            typer.echo(f"{number}: {', '.join(names)}", err=True)
        number = typer.prompt("which", type=int, default=1, err=True)
        if not 1 <= number <= len(ways):
            raise UsageError(f"there is no choice {number}", hint="Choose one of the numbers shown.")
        way = ways[number - 1]
    return {name: typer.prompt(name, hide_input=integrations.is_secret(name), err=True) for name in way}


def store_values(
    project: str, name: str, values: dict[str, str], seen: set[str], out: Output, *, no_deploy: bool
) -> None:
    """Write variables of a connection, and let them take effect."""
    for key in values:
        check_name(key)
    with context.opened(context.settings()) as store:
        _, before = known(store, project, name)
        secret = {item.name for item in before if item.secret}
        for key, value in values.items():
            hidden = key in secret or integrations.is_secret(key)
            if hidden:
                warn_of(out, key, value, seen=key in seen)
            store.vars.set(project, key, value, connection=name, secret=hidden)
        deployment = None if no_deploy else context.run(redeploy(project, store, out))
        connection, variables = known(store, project, name)
    answer = document_of(connection, variables) | {"deployment": deployment}
    out.document(answer, f"{name} set" + effect(deployment, name, no_deploy=no_deploy))
