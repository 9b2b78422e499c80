"""``ak``: parse, dispatch, exit status."""

from __future__ import annotations

import contextlib
import functools
import gc
import importlib
import os
import sys
from typing import Annotated

import typer

from worker.cli import errors, given, terminal, usage
from worker.cli.output import Output
from worker.errors import UsageError

# Where the commands stand. Only what is asked for is loaded: all of it takes several times as long as most commands.
_COMMANDS = {
    "up": "up",
    "worker": "up",
    "gateway": "up",
    "deploy": "deploy",
    "init": "init",
    "doctor": "doctor",
    "lint": "lint",
}
_GROUPS = {
    "manifest": ("manifests",),
    "deployment": ("deployment",),
    "session": ("session", "again", "debug"),
    "event": ("event",),
    "filter": ("filters",),
    "project": ("project",),
    "trigger": ("trigger",),
    "var": ("var",),
    "connection": ("connection",),
    "value": ("value",),
    "retention": ("retention",),
}
_COLLECTED_EVERY = (
    50_000  # objects made; Python's own number has the collector look dozens of times at what imports make
)


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


def version(
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
) -> None:
    """Print the version of ak."""
    import importlib.metadata

    found = importlib.metadata.version("autokitteh-temporal")
    Output(as_json=as_json).document({"version": found}, found)


def application(word: str = "") -> typer.Typer:
    """``ak``, with the command or the group of this name; with everything where there is none of this name."""
    app = typer.Typer(
        name="ak",
        help="Run plain Python automations durably: AutoKitteh's SDK on stock Temporal.",
        epilog="Start here: `ak up examples/quickstart`, then curl the webhook it prints.",
        no_args_is_help=True,
        pretty_exceptions_enable=False,
        rich_markup_mode=None,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    app.callback(invoke_without_command=True)(root)
    known = word == "version" or word in _COMMANDS or word in _GROUPS
    for file in dict.fromkeys(file for name, file in _COMMANDS.items() if name == word or not known):
        importlib.import_module(f"worker.cli.{file}").add_to(app)
    if word == "version" or not known:
        app.command()(version)
    for name in _GROUPS:
        if name == word or not known:
            app.add_typer(group(name), name=name)
    return app


@functools.cache
def group(name: str) -> typer.Typer:
    """A group of commands; those that stand in files of their own are added to it, once."""
    first, *others = (importlib.import_module(f"worker.cli.{file}") for file in _GROUPS[name])
    for other in others:
        other.add_to(first.app)
    app: typer.Typer = first.app
    return app


def run(arguments: list[str]) -> int:
    """Run one command, given as the words after ``ak``; returns the exit status."""
    as_json = "--json" in arguments
    if arguments and arguments[0] == "--json":
        arguments = [*arguments[1:], "--json"]
    # A shell that asks for completions gives no words: it is told of everything.
    try:
        given.checked(arguments)
    except UsageError as error:
        errors.show(error, as_json=as_json)
        return error.exit_code
    word = next((word for word in arguments if not word.startswith("-")), "")
    command = typer.main.get_command(application(word))
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
    gc.set_threshold(_COLLECTED_EVERY)
    terminal.speak_plainly()
    status = run(sys.argv[1:])
    gc.collect()
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(
            OSError, ValueError
        ):  # its reader is gone, which was told where it was written
            stream.flush()
    os._exit(status)
