"""``ak up``, ``ak worker``, ``ak gateway``: what keeps running."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from worker.cli import context
from worker.cli.deploy import Json
from worker.cli.output import Output

Healthcheck = Annotated[
    bool,
    typer.Option(
        "--healthcheck", help="Start nothing: say by the exit status whether the running one is well."
    ),
]
Directories = Annotated[
    list[Path] | None, typer.Argument(help="Projects to deploy; this directory when it is one.")
]


def add_to(app: typer.Typer) -> None:
    """Register the commands."""
    app.command()(up)
    app.command()(worker)
    app.command()(gateway)


def up(
    directories: Directories = None,
    watch: Annotated[
        bool, typer.Option("--watch", help="Deploy a project again whenever its files change.")
    ] = False,
    as_json: Json = False,
) -> int:
    """Start everything on this machine and deploy projects.

    A Temporal server of its own (unless TEMPORAL_ADDRESS names one), the gateway for webhooks, a process per
    deployment. State is kept in AK_HOME; start it again and everything goes on where it was.

    Example: ak up examples/quickstart
    """
    from worker.cli import beginning
    from worker.config import Settings

    chosen = directories or ([Path()] if Path("autokitteh.yaml").is_file() else [])
    return context.run(beginning.up(chosen, Settings.load(), Output(as_json=as_json), watching=watch))


def worker(as_json: Json = False, healthcheck: Healthcheck = False) -> int:
    """Run only the supervisor: the processes of all deployments in the store.

    Any number of them, on any number of machines, with the same AK_DATABASE_URL, AK_PAYLOAD_KEY and Temporal.
    """
    from worker.cli import health, running

    if healthcheck:
        return health.worker(context.settings(), Output(as_json=as_json))
    return context.run(running.worker(context.settings(), Output(as_json=as_json)))


def gateway(as_json: Json = False, healthcheck: Healthcheck = False) -> int:
    """Run only the gateway: webhooks in, events out. Any number of them may run side by side."""
    from worker.cli import health, running

    if healthcheck:
        return health.gateway(context.settings(), Output(as_json=as_json))
    return context.run(running.gateway(context.settings(), Output(as_json=as_json)))
