"""``ak value``: the values that a project's sessions share."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated, Any

import typer

from worker.cli import completing, context, given
from worker.cli.deploy import Json
from worker.cli.output import Output, table
from worker.cli.var import Project
from worker.errors import NotFoundError, UsageError

if TYPE_CHECKING:
    from worker.store import Store
    from worker.store.records import Value

app = typer.Typer(
    help="List, read, set and delete stored values.", no_args_is_help=True, rich_markup_mode=None
)
_LONGEST_SHOWN = 60
Name = Annotated[str, typer.Argument(help="The value's key.", autocompletion=completing.values)]


@app.command(name="list")
def list_values(project: Project, as_json: Json = False) -> None:
    """List a project's values.

    Example: ak value list quickstart
    """
    with context.opened(context.settings()) as store:
        context.project(store, project)
        values = store.values.list(project)
    answer = [document_of(value) for value in values]
    rows = [[item["key"], short(item["value"]), "yes" if item["published"] else "-"] for item in answer]
    Output(as_json=as_json).document(answer, table(["KEY", "VALUE", "PUBLISHED"], rows))


@app.command(name="get")
def get_value(project: Project, key: Name, as_json: Json = False) -> None:
    """Print one value as JSON; what JSON does not know is shown as a text, secrets are hidden."""
    with context.opened(context.settings()) as store:
        context.project(store, project)
        answer = document_of(known(store, project, key))
    Output(as_json=as_json).document(answer, json.dumps(answer["value"], ensure_ascii=False, indent=2))


@app.command(name="set")
def set_value(
    project: Project,
    key: Name,
    value: Annotated[str, typer.Argument(help="The value in JSON.")],
    as_json: Json = False,
) -> None:
    """Set a value, as `set_value` in a session does.

    Example: ak value set quickstart limit 10
    """
    from worker.payload.outside import outside_codec
    from worker.store.values import New

    try:
        parsed = given.parsed(value)
    except ValueError as error:
        raise UsageError(f"this is not JSON: {error}", hint="A text needs its quotes: '\"hello\"'.") from None
    if not key:
        raise UsageError("the value's key is empty", hint="Example: `ak value set quickstart limit 10`")
    found = context.settings()
    with context.opened(found) as store:
        context.project(store, project)
        new = New(outside_codec(found.installation_key(), project).encode(parsed), parsed)
        store.values.change(project, key, lambda _old: (None, new))
        answer = document_of(known(store, project, key))
    Output(as_json=as_json).document(answer, f"{key} set")


@app.command()
def delete(project: Project, key: Name, as_json: Json = False) -> None:
    """Delete a value."""
    from worker.store.values import New

    with context.opened(context.settings()) as store:
        context.project(store, project)
        known(store, project, key)
        store.values.change(project, key, lambda _old: (None, New(None, None, gone=True)))
    Output(as_json=as_json).document({"project": project, "key": key}, f"{key} deleted")


def known(store: Store, project: str, key: str) -> Value:
    """A value; one that is not there is an error."""
    value = store.values.get(project, key)
    if value is None:
        raise NotFoundError(f"{project} has no value {key}", hint=f"See `ak value list {project}`.")
    return value


def document_of(value: Value) -> dict[str, Any]:
    """The documented JSON of a value."""
    return {
        "key": value.key,
        "value": value.shown,
        "published": value.published,
        "updated_at": value.updated_at.isoformat(),
    }


def short(value: Any) -> str:
    """A value in one line of a table."""
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= _LONGEST_SHOWN else f"{text[: _LONGEST_SHOWN - 1]}…"
