"""``ak lint``: what each handler does durably, and what may surprise."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Annotated, Any

import typer

from worker.cli import context
from worker.cli.deploy import Json
from worker.cli.output import Output, fitted
from worker.errors import DeployError, UserCodeError, WorkerError


def add_to(app: typer.Typer) -> None:
    """Register the command."""
    app.command()(lint)


def lint(
    directory: Annotated[Path, typer.Argument(help="The project's directory.")] = Path(),
    everything: Annotated[
        bool, typer.Option("--all", help="Show also the calls that run where they stand.")
    ] = False,
    as_json: Json = False,
) -> int:
    """Say what each handler does durably: which calls become steps, about how many events, and what may go wrong.

    Nothing of the project is run; its libraries are imported, in its own environment when it has requirements.
    Ends with 1 when there is an error or a warning; notes are only worth knowing.

    Example: ak lint examples/http_digest
    """
    from worker.lint.report import as_text

    out = Output(as_json=as_json)
    found = examine(directory, out)
    out.document(found, fitted(as_text(found, inline=everything)))
    return int(any(item["severity"] != "note" for item in found["hazards"]))


def examine(directory: Path, out: Output) -> dict[str, Any]:
    """The report, made by the project's own interpreter."""
    from worker import config, environment, target
    from worker.usercode import archive

    directory = target.place_of(directory)
    desired, warnings = target.read_manifest(directory, "nothing was looked at")
    for text in warnings:
        out.progress(text)
    archive.collect(
        directory, without=config.home_directory()
    )  # what cannot be deployed cannot be looked at either
    triggers = desired["project"]["triggers"]
    handlers = list(dict.fromkeys(item["call"] for item in triggers if item["call"]))
    file = directory / target.REQUIREMENTS_NAME
    requirements = file.read_text(errors="replace") if file.is_file() else ""
    python = environment.interpreter(requirements, context.settings().cache_dir, directory, out.progress)
    found = run(python, directory, handlers)
    calls = {handler: [item["name"] for item in triggers if item["call"] == handler] for handler in handlers}
    for item in found["handlers"]:
        item["triggers"] = calls[item["handler"]]
    return found


def run(python: str, directory: Path, handlers: list[str]) -> dict[str, Any]:
    """Read the project in a process of its own: its libraries stay out of this one."""
    from worker import environment
    from worker.config import inherited_environment

    done = subprocess.run(
        [python, "-P", "-m", "worker.lint", str(directory), *handlers],
        env=inherited_environment() | {"PYTHONPATH": str(environment.package_root())},
        capture_output=True,
        text=True,
        check=False,
    )
    try:
        document: dict[str, Any] = json.loads(done.stdout)
    except ValueError:
        if done.returncode > 0:
            raise RuntimeError(f"the report was not made: {done.stderr.strip()}") from None
        raise DeployError(
            f"the process that reads the project was killed ({done.returncode})", hint="Try again."
        ) from None
    if "error" in document:
        facts = document["error"]
        error: WorkerError = UserCodeError(facts["message"], where=facts["where"], hint=facts["hint"])
        error.code = facts["code"]
        raise error
    return document
