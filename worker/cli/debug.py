"""``ak session debug``: look into a session at the prompt of ``pdb``, with what was recorded."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import signal
import subprocess
import sys
import threading
from typing import TYPE_CHECKING, Annotated, Any

import typer

from worker.cli import context
from worker.cli import session as sessions
from worker.cli.deploy import Json
from worker.cli.errors import INTERRUPTED
from worker.cli.output import Output
from worker.errors import DeployError, NotFoundError, UsageError, WorkerError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_SHOWN_STEPS = 3
_NO_CODE_HINT = "Only sessions that a build process has taken up have code to debug."


def add_to(app: typer.Typer) -> None:
    """Add the command to ``ak session``."""
    app.command()(debug)


def debug(
    session: sessions.Session,
    at: Annotated[
        int | None,
        typer.Option(
            "--at", "-a", help="Stop where it asks for this step; where it failed when not given.", min=1
        ),
    ] = None,
    commands: Annotated[
        str, typer.Option("--commands", "-c", help="pdb commands, separated by ; or line breaks; then leave.")
    ] = "",
    as_json: Json = False,
) -> None:
    """Replay a session under pdb, in the code it ran, with its recorded results.

    No call to the outside is made again: calls return what was recorded. Without --at it stops at the line of the uncaught
    error, else at the last step. `p x` prints, `n` goes to the next line, `u` and `d` walk the stack, `c` runs on, `q` leaves.

    Example: ak session debug ses_3f2a --at 7 --commands 'p order; w'
    """
    import asyncio

    lines = [item.strip() for item in commands.replace("\n", ";").split(";") if item.strip()]
    if as_json and not lines:
        raise UsageError("--json needs --commands", hint="Example: `--commands 'p x; w'`")
    prepared = asyncio.run(
        sessions.on(session, lambda client, found, store: prepare(client, found, store, at))
    )
    launch, wanted, content, state = prepared
    wanted["commands"] = lines
    reports, output = run(launch, wanted, content, captured=as_json)
    failed = next((item for item in reports if item["state"] == "failed"), None)
    if failed is not None:
        error = WorkerError(failed["message"], where=failed["where"], hint=failed["hint"])
        error.code = failed["code"] or error.code
        raise error
    out = Output(as_json=as_json)
    if as_json:
        where = next((item["where"] for item in reports if item["state"] == "stopped"), None)
        out.document({"session": wanted["session"], "at": at, "where": where, "output": output}, "")
    elif any(item["state"] == "ended" for item in reports):
        out.say(f"the recording of {wanted['session']} ends here: {state}")


async def prepare(client: Any, identifier: str, store: Any, at: int | None) -> Any:
    """What the debugging process is started with, and the state of the session.

    Raises:
        NotFoundError: there is no such step, or the history is gone.
        DeployError: the code it ran is gone.
    """
    import asyncio

    from temporalio.api.history.v1 import History

    from worker.cli import histories
    from worker.cutting import so_many
    from worker.moving import version_of
    from worker.steps import steps_of
    from worker.supervisor import boot

    found = context.settings()
    now = await sessions.read(client, identifier, store)
    if now.get("only_log"):
        raise histories.gone(identifier)
    described = await client.get_workflow_handle(identifier).describe()
    version = version_of(described)
    deployment = store.deployments.by_version(described.task_queue, version) if version else None
    if deployment is None:
        raise DeployError(f"the code that {identifier} ran is not in the store", hint=_NO_CODE_HINT)
    events = [event async for event in client.get_workflow_handle(identifier).fetch_history_events()]
    steps = steps_of(events)
    last = steps[-1].n if steps else taken_over(events)
    if at is not None and at > last:
        raise NotFoundError(
            f"{identifier} has no step {at}: it has {so_many(last)}",
            hint=f"`ak session show {identifier}` numbers them.",
        )
    launch = await asyncio.to_thread(
        boot.prepare, deployment, store, found, context.gateway_url(found), "", Output(as_json=True).say
    )
    content = History(events=events).SerializeToString()
    wanted = {"session": identifier, "bytes": len(content), "at": at}
    return launch, wanted, content, await standing(client, store, now, steps)


async def standing(client: Any, store: Any, now: dict[str, Any], steps: list[Any]) -> str:
    """How it is with a session where its recording ends: ``it ended in an error``, ``it still runs and waits for …``."""
    from worker.steps import OPEN
    from worker.story.waiting import of_session

    if now["state"] in context.ENDINGS:
        return f"it {context.ENDINGS[now['state']]}"
    open_now = [f"step {step.n}, {step.name} ({step.where})" for step in steps if step.state == OPEN]
    open_now = open_now or await of_session(client, store, now["id"])
    return (
        f"it still runs and waits for {', '.join(open_now[:_SHOWN_STEPS])}" if open_now else "it still runs"
    )


def taken_over(events: list[Any]) -> int:
    """How many steps a fork took over."""
    from worker.contracts import MEMO_FORKED_AT

    fields = events[0].workflow_execution_started_event_attributes.memo.fields if events else {}
    return int(json.loads(fields[MEMO_FORKED_AT].data)) if MEMO_FORKED_AT in fields else 0


def run(
    launch: Any, wanted: dict[str, Any], content: bytes, *, captured: bool
) -> tuple[list[dict[str, str]], str]:
    """Run the debugging process at this terminal; returns its reports, and what it printed where that was asked for."""
    boot_read, boot_write = os.pipe()
    report_read, report_write = os.pipe()
    environment = {**launch.environment, "AK_BOOT_FD": str(boot_read), "AK_REPORT_FD": str(report_write)}
    with leaving_signals_to(
        lambda: subprocess.Popen(
            [launch.python, "-P", "-m", "worker.process.debug"],
            cwd=launch.boot.directory,
            env={**environment, **terminal()},
            pass_fds=(boot_read, report_write),
            stdout=subprocess.PIPE if captured else None,
            text=True,
        )
    ) as process:
        os.close(boot_read)
        os.close(report_write)
        head = json.dumps(dataclasses.asdict(launch.boot)) + "\n" + json.dumps(wanted) + "\n"
        threading.Thread(target=feed, args=(boot_write, head.encode() + content), daemon=True).start()
        output, _ = process.communicate()
    with os.fdopen(report_read) as pipe:
        reports = [json.loads(line) for line in pipe]
    if process.returncode == INTERRUPTED:
        raise KeyboardInterrupt
    if process.returncode and not reports:
        raise DeployError(f"the debugging process ended with {process.returncode}")
    return reports, output or ""


def terminal() -> dict[str, str]:
    """What the prompt needs to know of the terminal."""
    from worker.config import inherited_environment

    return {
        name: value for name, value in inherited_environment().items() if name in {"TERM", "COLUMNS", "LINES"}
    }


def feed(descriptor: int, content: bytes) -> None:
    """Write everything; a process that ended early reads no more."""
    try:
        with os.fdopen(descriptor, "wb") as pipe:
            pipe.write(content)
    except OSError:
        sys.stderr.flush()


@contextlib.contextmanager
def leaving_signals_to(
    start: Callable[[], subprocess.Popen[str]],
) -> Iterator[subprocess.Popen[str]]:
    """Control-C at the prompt is for the debugger.

    While that starts it is kept for it: the signal is blocked, which a process inherits, until there is somebody to
    handle it. None is lost, and none meets Python on its way to the program.
    """
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        process = start()
        if signal.SIGINT in signal.sigpending():  # it may have come before there was a child to hear it
            process.send_signal(signal.SIGINT)
        before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    finally:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
    try:
        yield process
    finally:
        signal.signal(signal.SIGINT, before)
