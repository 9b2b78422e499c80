"""``ak``: parse, dispatch, exit status."""

from __future__ import annotations

import gc
import os
import sys
from typing import Annotated

import typer

from worker.cli import (
    again,
    connection,
    debug,
    deploy,
    deployment,
    doctor,
    errors,
    event,
    filters,
    init,
    lint,
    manifests,
    project,
    retention,
    session,
    trigger,
    up,
    usage,
    value,
    var,
)
from worker.cli.output import Output
from worker.errors import UsageError

app = typer.Typer(
    name="ak",
    help="Run plain Python automations durably: AutoKitteh's SDK on stock Temporal.",
    epilog="Start here: `ak up examples/quickstart`, then curl the webhook it prints.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)
up.add_to(app)
deploy.add_to(app)
init.add_to(app)
doctor.add_to(app)
lint.add_to(app)
app.add_typer(manifests.app, name="manifest")
app.add_typer(deployment.app, name="deployment")
again.add_to(session.app)
debug.add_to(session.app)
app.add_typer(session.app, name="session")
app.add_typer(event.app, name="event")
app.add_typer(filters.app, name="filter")
app.add_typer(project.app, name="project")
app.add_typer(trigger.app, name="trigger")
app.add_typer(var.app, name="var")
app.add_typer(connection.app, name="connection")
app.add_typer(value.app, name="value")
app.add_typer(retention.app, name="retention")


@app.callback(invoke_without_command=True)
def root(
    context: typer.Context,
    show_version: Annotated[bool, typer.Option("--version", help="Print the version of ak.")] = False,
    as_json: Annotated[bool, typer.Option("--json", hidden=True)] = False,
) -> None:
    """Run plain Python automations durably: AutoKitteh's SDK on stock Temporal."""
    if show_version:
        version(as_json=as_json)
        raise typer.Exit
    if context.invoked_subcommand is None:
        raise UsageError("`ak` needs a command", hint="`ak --help` lists what there is.")


@app.command()
def version(
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
) -> None:
    """Print the version of ak."""
    import importlib.metadata

    found = importlib.metadata.version("autokitteh-temporal")
    Output(as_json=as_json).document({"version": found}, found)


def run(arguments: list[str]) -> int:
    """Run one command, given as the words after ``ak``; returns the exit status."""
    as_json = "--json" in arguments
    if arguments and arguments[0] == "--json":
        arguments = [*arguments[1:], "--json"]
    command = typer.main.get_command(app)
    return errors.guarded(
        lambda: command(arguments, "ak", standalone_mode=False),
        as_json=as_json,
        explain=lambda error: usage.explained(error, arguments, command),
    )


def main() -> None:
    """Run ``ak`` and leave the process.

    The process leaves with ``os._exit``: temporalio's native threads do not always survive the interpreter's
    finalisation on Python 3.11, and the exit status must be right every time.
    """
    status = run(sys.argv[1:])
    gc.collect()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)
