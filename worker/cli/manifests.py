"""``ak manifest``: check a manifest, show what deploying it would change, print its schema."""

from __future__ import annotations

import contextlib
import json
from pathlib import Path
from typing import Annotated

import typer

from worker.cli import context
from worker.cli.deploy import Json
from worker.cli.output import Output
from worker.errors import NotFoundError

app = typer.Typer(
    help="Check autokitteh.yaml, show what deploying it would change, print its schema.",
    no_args_is_help=True,
    rich_markup_mode=None,
)


@app.command()
def validate(
    path: Annotated[Path, typer.Argument(help="autokitteh.yaml, or the project's directory.")] = Path(
        "autokitteh.yaml"
    ),
    as_json: Json = False,
) -> int:
    """Check a manifest with the project beside it; all problems at once, each with its line."""
    import manifest
    from manifest import render

    file = path / "autokitteh.yaml" if path.is_dir() else path
    if not file.is_file():
        raise NotFoundError(f"there is no file {file}", hint="Give the path of an autokitteh.yaml.")
    result = manifest.load(file, directory=file.parent)
    valid = all(problem.severity != "error" for problem in result.problems)
    source = ""
    with contextlib.suppress(OSError):  # which is one of the problems then
        source = file.read_text(errors="replace")
    text = render.text(result.problems, source)
    Output(as_json=as_json).document(
        {"valid": valid, "problems": render.as_json(result.problems)},
        text if result.problems else f"{file} is valid",
    )
    return 0 if valid else 1


@app.command(name="plan")
def show_plan(
    directory: Annotated[
        Path, typer.Argument(help="The project: a directory with autokitteh.yaml.")
    ] = Path(),
    as_json: Json = False,
) -> None:
    """Show what `ak deploy` would change, and change nothing.

    + is new, ~ changes, - goes, > gets another name, = is kept although the manifest says otherwise, ! is in use.

    Example: ak manifest plan examples/quickstart
    """
    from manifest import render
    from worker import target

    found = context.settings()
    with context.opened(found) as store:
        prepared = target.prepare(directory, store)
        surprises = prepared.plan.surprises(target.usage(prepared.project, store))
    out = Output(as_json=as_json)
    for warning in prepared.warnings:
        out.progress(f"warning: {warning}")
    document = render.plan_json(prepared.plan) | {"in_use": [str(surprise) for surprise in surprises]}
    lines = [render.plan_text(prepared.plan), *(f"  ! {surprise}" for surprise in surprises)]
    out.document(document, "\n".join(lines))


@app.command()
def schema(as_json: Json = False) -> None:
    """Print the JSON Schema of autokitteh.yaml, for editors."""
    from manifest.schema import json_schema

    document = json_schema()
    Output(as_json=as_json).document(document, json.dumps(document, indent=2))
