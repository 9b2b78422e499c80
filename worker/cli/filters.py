"""``ak filter``: try a filter before it is deployed."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from worker.cli import context, event
from worker.cli.deploy import Json
from worker.cli.output import Output, fitted
from worker.cli.session import parse_data
from worker.errors import UsageError
from worker.masking import Mask

app = typer.Typer(help="Try filters.", no_args_is_help=True, rich_markup_mode=None)


@app.callback()
def group() -> None:
    """Try filters."""


@app.command(name="test")
def evaluate(
    expression: Annotated[str, typer.Argument(help="The filter, as in a manifest or in subscribe().")],
    event_id: Annotated[str, typer.Option("--event", "-e", help="An event that was recorded.")] = "",
    data: Annotated[str, typer.Option("--data", "-d", help="The event's data: JSON, or @file.")] = "",
    file: Annotated[
        Path | None,
        typer.Option(
            "--file", "-f", help="The event's data: a JSON file, or a request's body. -: standard input."
        ),
    ] = None,
    event_type: Annotated[str, typer.Option("--type", "-t", help="The event's type.")] = "",
    as_json: Json = False,
) -> None:
    """Evaluate a filter, with the value of each of its parts.

    The event is one that was recorded, or the data given here. Exit status 0 when the filter has a value, true or
    false; 1 when it is wrong or has none, for example because a key is missing.

    Example: ak filter test 'data.body.json.action == "opened"' --data '{"body": {"json": {"action": "closed"}}}'
    """
    if sum((bool(event_id), bool(data), file is not None)) > 1:
        raise UsageError(
            "--event, --data and --file exclude each other",
            hint="Give one of them: what the filter is tried on.",
        )
    mask = Mask()
    if event_id:
        with context.opened(context.settings()) as store:
            found = event.existing(store, event_id)
            mask = store.vars.mask(found.project)
        payload, kind = found.data, event_type or found.event_type
    elif file is not None:
        payload, kind = event.read_file(file, raw=False), event_type
    else:
        payload, kind = parse_data(data), event_type
    answer, text, status = evaluated(expression, payload, kind, mask)
    Output(as_json=as_json).document(answer, text)
    raise typer.Exit(status)


def evaluated(
    expression: str, payload: Any, event_type: str, mask: Mask | None = None
) -> tuple[dict[str, Any], str, int]:
    """The answer as JSON and as text, and the exit status; secrets of the event's project are hidden in its values."""
    from manifest import filters
    from worker.cli.filters_view import documents_of, lines_of, syntax_text
    from worker.contracts import decode_data
    from worker.dispatch.explain import hiding_parts

    answer: dict[str, Any] = {
        "expression": expression,
        "result": None,
        "error": None,
        "parts": [],
        "problems": [],
    }
    try:
        found = filters.explain(expression, decode_data(payload), event_type)
    except filters.FilterSyntaxError as error:
        answer["error"] = str(error)
        answer["problems"] = [problem._asdict() for problem in error.problems]
        return answer, f"the filter is wrong [AK2013]\n{syntax_text(error)}", 1
    parts = hiding_parts(found.parts, mask) if mask is not None else found.parts
    failure = mask(found.failure) if mask is not None else found.failure
    answer |= {"result": found.result, "error": failure or None, "parts": documents_of(parts)}
    if found.result is None:
        first = f"no value, which counts as no match: {failure} [AK2017]"
    else:
        first = "true: the event matches" if found.result else "false: the event does not match"
    return (
        answer,
        "\n".join([fitted(first), *lines_of(parts, "  ")]),
        0 if found.result is not None else 1,
    )
