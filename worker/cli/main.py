"""``ak``: parse, dispatch, exit status."""

from __future__ import annotations

import gc
import os
import sys

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
    value,
    var,
)

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


@app.command()
def version() -> None:
    """Print the version of ak."""
    import importlib.metadata

    sys.stdout.write(importlib.metadata.version("autokitteh-temporal") + "\n")


def main() -> None:
    """Run ``ak`` and leave the process.

    The process leaves with ``os._exit``: temporalio's native threads do not always survive the interpreter's
    finalisation on Python 3.11, and the exit status must be right every time.
    """
    arguments = sys.argv[1:]
    as_json = "--json" in arguments
    if arguments and arguments[0] == "--json":
        arguments = [*arguments[1:], "--json"]
    status = errors.guarded(lambda: app(arguments, standalone_mode=False), as_json=as_json)
    gc.collect()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)
