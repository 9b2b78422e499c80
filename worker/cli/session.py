"""``ak session``: start, list, look at and stop sessions."""

from __future__ import annotations

import asyncio
import datetime as dt
import json
from pathlib import Path
from typing import Annotated, Any

import typer

from worker import clock, ids
from worker.cli import completing, context, given, links, session_list, session_log, session_show
from worker.cli.deploy import Json
from worker.cli.output import Output, moment
from worker.contracts import ENDED_STATES, MEMO_PROJECT, WORKFLOW_TASK_TIMEOUT_SECONDS, brief, static_details
from worker.errors import UsageError, WorkerError

app = typer.Typer(help="Start, list, look at and stop sessions.", no_args_is_help=True, rich_markup_mode=None)

session_list.add_to(app)
session_show.add_to(app)
session_log.add_to(app)

_POLL_SECONDS = 0.1
_STOP_SECONDS = 5.0
_SHOWN_JSON = 30  # characters of what is no JSON
Session = Annotated[
    str,
    typer.Argument(
        help="A session id, the beginning of one, or a project (its latest session).",
        autocompletion=completing.sessions,
    ),
]


@app.command()
def start(
    project: Annotated[str, typer.Argument(help="The project's name.", autocompletion=completing.projects)],
    handler: Annotated[str, typer.Argument(help="file.py:function")],
    data: Annotated[str, typer.Option("--data", "-d", help="The event's data: JSON, or @file.")] = "",
    memo: Annotated[
        list[str] | None, typer.Option("--memo", "-m", help="name=value, kept with the session.")
    ] = None,
    wait: Annotated[bool, typer.Option("--wait", "-w", help="Wait for its end.")] = False,
    as_json: Json = False,
) -> None:
    """Start a handler by hand.

    Example: ak session start quickstart main.py:on_event --data '{"n": 3}' --wait
    """
    pairs = dict(split_pair(item) for item in memo or [])
    payload = parse_data(data)

    async def work() -> dict[str, Any]:
        found = context.settings()
        with context.opened(found) as store:
            context.project(store, project)
            if store.deployments.active(project) is None:
                raise WorkerError(f"{project} has no active deployment", hint="Deploy it: `ak deploy DIR`")
            async with context.connected(found, store) as client:
                identifier, noted = ids.new("ses"), {MEMO_PROJECT: project, **pairs}
                handle = await client.start_workflow(
                    handler,
                    args=[] if payload is None else [payload],
                    id=identifier,
                    task_queue=project,
                    memo=noted,
                    static_summary=brief(f"by hand → {handler}"),
                    static_details=static_details(identifier, noted),
                    task_timeout=dt.timedelta(seconds=WORKFLOW_TASK_TIMEOUT_SECONDS),
                )
                return (
                    await ended(client, handle.id, store, None)
                    if wait
                    else await read(client, handle.id, store)
                )

    finish(work, as_json=as_json)


@app.command()
def get(session: Session, as_json: Json = False) -> None:
    """Show one session: state, result or error."""

    async def work() -> Any:
        return await on(session, read)

    finish(work, as_json=as_json)


@app.command()
def wait(
    session: Session,
    timeout: Annotated[
        float | None, typer.Option("--timeout", "-t", help="Seconds; for ever when not given.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Wait until a session has ended."""

    async def work() -> Any:
        return await on(session, lambda client, found, store: ended(client, found, store, timeout))

    finish(work, as_json=as_json)


@app.command()
def stop(
    session: Session,
    reason: Annotated[str, typer.Option("--reason", "-r", help="Why; the session's log keeps it.")] = "",
    force: Annotated[bool, typer.Option("--force", "-f", help="At once: no finally block runs.")] = False,
    as_json: Json = False,
) -> None:
    """Stop a session; its finally blocks run, unless forced."""

    async def halt(client: Any, found: str, store: Any) -> Any:
        handle = client.get_workflow_handle(found)
        if (await read(client, found, store))["state"] in ENDED_STATES:
            raise WorkerError(
                f"session {found} has ended already", hint=f"`ak session get {found}` says how."
            )
        if force:
            await handle.terminate(reason=reason or None)
        else:
            await handle.cancel(reason=reason or "stopped by hand")
        until = clock.monotonic() + _STOP_SECONDS
        while (now := await read(client, found, store))[
            "state"
        ] not in ENDED_STATES and clock.monotonic() < until:
            await asyncio.sleep(_POLL_SECONDS)
        if now["problem"] and now["state"] not in ENDED_STATES:
            Output(as_json=as_json).progress(
                f"it waits ({now['problem']['code']}) and cannot run its finally blocks: --force ends it without them"
            )
        return now

    async def work() -> Any:
        return await on(session, halt)

    finish(work, as_json=as_json)


async def on(text: str, act: Any) -> Any:
    """Find the session and do something with it."""
    from worker.cli import sessions_view as view

    found = context.settings()
    with context.opened(found) as store:
        async with context.connected(found, store) as client:
            return await act(client, await view.find(client, text, store), store)


async def read(client: Any, identifier: str, store: Any) -> dict[str, Any]:
    """The session in full."""
    from worker.cli import sessions_view as view

    return await view.full(client, identifier, store)


async def ended(client: Any, identifier: str, store: Any, timeout: float | None) -> Any:
    """The session once it has ended."""
    until = clock.monotonic() + timeout if timeout is not None else float("inf")
    while True:
        now = await read(client, identifier, store)
        if now["state"] in ENDED_STATES:
            return now
        if clock.monotonic() > until:
            raise WorkerError(
                f"session {identifier} is still {now['state']} after {timeout:g} s",
                hint=f"`ak session show {identifier}` says what it waits for.",
            )
        await asyncio.sleep(_POLL_SECONDS)


def finish(work: Any, *, as_json: bool) -> None:
    """Run and print one session."""
    session = context.run(work())
    session["ui"] = None if session.get("only_log") else links.of(context.settings(), session["id"])
    Output(as_json=as_json).document(session, text_of(session))


def text_of(session: dict[str, Any]) -> str:
    """A session as a person reads it."""
    from worker.story.render import edited, headline, made_from

    lines = [
        f"{session['id']}  {session['state']}",
        f"  handler     {session['handler']} of {session['project']} ({ran_on(session)})",
        f"  trigger     {session['trigger'] or '-'}   event {session['event_id'] or '-'}",
        f"  started     {moment(session['started_at'])}   ended {moment(session['ended_at'])}",
        f"  Temporal UI {session['ui']}",
    ]
    if session.get("only_log"):
        lines[-1] = "  Temporal does not keep its history any more; this is what its log tells."
    if session["origin"]:
        lines.append(f"  made as     {made_from(session['origin'])}")
        lines += [f"  edited      {text}" for text in [edited(session["origin"])] if text]
    if session["restarts"]:
        lines.append(f"  restarts    {session['restarts']}")
    if session["result"] is not None:
        lines.append(f"  result      {json.dumps(session['result'], ensure_ascii=False)}")
    if session["problem"] is not None:
        problem = session["problem"]
        lines.append(f"  waits       {problem['code']}: {problem['message']}")
        lines.append(
            f"              tried {problem['attempts']} times; ak session log {session['id']} says more"
        )
    if session["error"] is not None:
        error = session["error"]
        lines.append(f"  error       {headline(error)}")
        where = error["traceback"].removesuffix("\n").removesuffix(headline(error))  # which is its last line
        lines += [f"    {line}" for line in where.splitlines()]
    return "\n".join(lines)


def ran_on(session: dict[str, Any]) -> str:
    """Its deployment; of a session that has just begun Temporal knows it once its first step is done."""
    if session["deployment"]:
        return str(session["deployment"])
    if session["state"] in ENDED_STATES:
        return "its deployment is not kept any more"
    return "no worker has taken it yet" if session["state"] == "created" else "its first step is under way"


def split_pair(text: str) -> tuple[str, str]:
    """``name=value``."""
    name, equals, value = text.partition("=")
    if not equals:
        raise UsageError(f"{text!r} is not name=value", hint="Example: `--memo customer=17`")
    return name, value


def parse_data(text: str, option: str = "--data", example: str = '{"n": 3}') -> Any:
    """JSON given on the command line, or in a file after ``@``.

    Raises:
        UsageError: it is no JSON; the message shows where.
    """
    if not text:
        return None
    if text.startswith("@"):
        data: str | bytes = given.content(Path(text[1:]))
    else:
        data = text
    try:
        return given.parsed(data)
    except ValueError as error:
        reason, hint = str(error), f"Example: `{option} '{example}'`"
        if isinstance(error, json.JSONDecodeError):
            reason = place_in(error)
            if not text.startswith("@"):
                hint = f"Quote it for the shell, names and texts again in it: `{option} '{example}'`, `{option} '\"text\"'`"
        raise UsageError(f"{option} is not JSON: {reason}", hint=hint) from None


def place_in(error: json.JSONDecodeError) -> str:
    """``Expecting value at column 2: 'n: 3}'``: what is wrong, and where a text stops being JSON."""
    rest = error.doc[error.pos :].split("\n")[0]
    if not rest.strip():
        last = error.doc[: error.pos].rstrip().split("\n")[-1]
        return (
            f"{error.msg} at the end of {last[-_SHOWN_JSON:]!r}" if last else f"{error.msg} in an empty text"
        )
    line = f"line {error.lineno}, " if "\n" in error.doc else ""
    return f"{error.msg} at {line}column {error.colno}: {rest[:_SHOWN_JSON]!r}"
