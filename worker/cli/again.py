"""``ak session restart`` and ``ak session fork``: the same inputs once more, from the start or from the middle."""

from __future__ import annotations

import asyncio
import datetime as dt
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

import typer

from worker import clock, ids
from worker.cli import context
from worker.cli import session as sessions
from worker.cli.deploy import Json
from worker.cli.output import Output
from worker.contracts import (
    JSON,
    MEMO_BEGAN,
    MEMO_FORKED_AT,
    MEMO_FORKED_FROM,
    MEMO_FORKED_RESULT,
    MEMO_RESTARTED_FROM,
    MEMO_RESTARTS,
    SEAL_FORK,
    WORKFLOW_TASK_TIMEOUT_SECONDS,
    brief,
    static_details,
)
from worker.errors import NotFoundError, UsageError, WorkerError

if TYPE_CHECKING:
    from worker.masking import Mask

_LONGEST_TASK_SECONDS = 120  # Temporal allows no more
_TASKS_PER_SECOND = 100  # of a record, on a slow machine
_VISIBLE_SECONDS = 5.0
_POLL_SECONDS = 0.1


def add_to(app: typer.Typer) -> None:
    """Add the commands to ``ak session``."""
    app.command()(restart)
    app.command()(fork)


def restart(
    session: sessions.Session,
    data: Annotated[str, typer.Option("--data", "-d", help="Other data for the event: JSON, or @file.")] = "",
    same_version: Annotated[
        bool, typer.Option("--same-version", help="Run the code it ran, not the current one.")
    ] = False,
    wait: Annotated[bool, typer.Option("--wait", "-w", help="Wait for the new session's end.")] = False,
    as_json: Json = False,
) -> None:
    """Start a new session with the inputs of another one.

    Handler, data, trigger and event are the same; the code is the project's current one. The other session stays as it is,
    also where it still runs.

    Example: ak session restart ses_3f2a --wait
    """
    payload = sessions.parse_data(data)

    async def again(client: Any, origin: str, store: Any) -> Any:
        from worker.cli import histories
        from worker.dispatch.deliver import plain_json

        start = await histories.start_of(client, await histories.first_event(client, origin))
        if start.first_run:  # it has restarted itself: its inputs are those of its first run
            first = await histories.first_event(client, origin, start.first_run)
            start = await histories.start_of(client, first)
        old = await sessions.read(client, origin, store)
        deployment = pinned(store, start.project, old["deployment"] or "?") if same_version else None
        given = start.input[:1] if not data else [plain_json(payload).payload]
        memo = {**inherited(start.memo), MEMO_RESTARTED_FROM: origin}
        title = f"restart of {origin}"
        new = await begin(client, store, start, given, memo, deployment, title=title)
        return await told(client, store, new, old, "restarted", wait=wait, as_json=as_json)

    sessions.finish(lambda: sessions.on(session, again), as_json=as_json)


def fork(
    session: sessions.Session,
    at: Annotated[
        int, typer.Option("--at", "-a", help="The last step whose result is taken over; 0: none.", min=0)
    ],
    set_result: Annotated[
        str, typer.Option("--set-result", "-r", help="Another result for that step: JSON, or @file.")
    ] = "",
    set_error: Annotated[
        str, typer.Option("--set-error", "-e", help="An error instead of its result: TYPE:MESSAGE.")
    ] = "",
    build: Annotated[
        str,
        typer.Option("--build", "-b", help="A deployment, build or version; the current one when not given."),
    ] = "",
    wait: Annotated[bool, typer.Option("--wait", "-w", help="Wait for the new session's end.")] = False,
    as_json: Json = False,
) -> None:
    """Start a new session that takes over the first steps of another one, and goes on live.

    None of the calls taken over is made again, and no sleep slept again. `ak session show` numbers the steps. The code is
    the project's current one, so that a corrected version can go on where the old one failed; up to the fork it must ask
    for the same steps.

    Example: ak session fork ses_3f2a --at 7 --set-result '{"status": "paid"}' --wait
    """
    if set_result and set_error:
        raise UsageError("--set-result and --set-error exclude each other", hint="Give one of them.")
    if (set_result or set_error) and not at:
        raise UsageError("there is no step 0 to give a result to", hint="Use --at with the step's number.")

    cut = Cut(at, set_result, set_error, build)

    async def split(client: Any, origin: str, store: Any) -> Any:
        old = await sessions.read(client, origin, store)
        new = await split_off(client, origin, store, cut)
        return await told(client, store, new, old, f"forked at {at}", wait=wait, as_json=as_json)

    sessions.finish(lambda: sessions.on(session, split), as_json=as_json)


@dataclass(frozen=True)
class Cut:
    """Where a session is forked, with which other outcome there, and what runs the fork."""

    at: int
    result: str
    error: str
    build: str


async def split_off(client: Any, origin: str, store: Any, cut: Cut) -> str:
    """Start the fork; returns its id.

    Raises:
        WorkerError: it cannot be made; the message says why.
    """
    from worker import cutting, recording
    from worker.cli import histories
    from worker.cli.outcomes import outcome_of
    from worker.dispatch.deliver import plain_json
    from worker.payload.outside import outside_codec

    events = await histories.events_of(client, origin)
    start = await histories.start_of(client, events)
    deployment = pinned(store, start.project, cut.build) if cut.build else None
    codec = outside_codec(context.settings().installation_key(), start.project)
    made = recording.recording_of(origin, events, taken_over(codec, start))
    memo = {**inherited(start.memo), MEMO_FORKED_FROM: origin, MEMO_FORKED_AT: str(cut.at)}
    given: list[Any] = list(start.input[:1])
    tasks = 0
    if cut.at:
        other = cut.result or cut.error
        outcome = outcome_of(made, cut.at, cut.result, cut.error, codec) if other else None
        record = cutting.cut(made, cut.at, outcome)
        if other:
            memo[MEMO_FORKED_RESULT] = edited_text(
                made.steps[cut.at - 1], cut, store.vars.mask(start.project)
            )
        tasks = len(record["tasks"])
        if start.first_run:
            record["carried"] = {**json.loads(start.input[1].data), "line": 0}
        sealed = {"fork": record, "seal": codec.seal(record, SEAL_FORK)}
        given = [*(given or [plain_json(None).payload]), plain_json(sealed).payload]
    title = f"fork of {origin} at {cut.at}"
    return await begin(client, store, start, given, memo, deployment, title=title, tasks=tasks)


def edited_text(step: Any, cut: Cut, mask: Mask) -> str:
    """The memo that says what was put in place of what, as previews without secrets."""
    from worker.payload.preview import preview
    from worker.story import previews
    from worker.story.build import small

    was = previews.failure_text(step.failure) or "nothing yet"
    if step.result is not None:
        was = previews.result_text(step.kind, step.name, small(step.result)) or "None"
    now = cut.error or preview(sessions.parse_data(cut.result), mask=mask)
    return json.dumps({"was": mask(was), "now": mask(now)}, ensure_ascii=False)


def inherited(memo: dict[str, str]) -> dict[str, str]:
    """What a new session keeps of another one's memo: where its event came from, and the user's own."""
    own = {
        MEMO_RESTARTED_FROM,
        MEMO_FORKED_FROM,
        MEMO_FORKED_AT,
        MEMO_FORKED_RESULT,
        MEMO_BEGAN,
        MEMO_RESTARTS,
    }
    return {name: value for name, value in memo.items() if name not in own}


def taken_over(codec: Any, start: Any) -> JSON:
    """The record that a fork was started with itself; None for another session.

    Raises:
        TamperedError: nobody of ours wrote it.
    """
    if MEMO_FORKED_FROM not in start.memo or start.first_run or len(start.input) < 2:
        return None
    sealed = json.loads(start.input[1].data)
    codec.check_seal(sealed["fork"], sealed["seal"], SEAL_FORK)
    return sealed["fork"]


def pinned(store: Any, project: str, text: str) -> Any:
    """The deployment of that id, build or version; None for the current one, which needs no pin.

    Raises:
        NotFoundError: there is none; the message lists those that exist.
    """
    known = [item for item in store.deployments.list(project) if item.activated_at is not None]
    exact = [item for item in known if text in {item.id, item.build_id, item.version}]
    found = exact or [item for item in known if item.id.startswith(text) or item.build_id.startswith(text)]
    if len(found) != 1:
        newest = ", ".join(f"{item.id} ({item.state})" for item in known[:5])
        problem = "means several deployments" if found else "is no deployment"
        raise NotFoundError(f"{text} {problem} of {project}", hint=f"Deployments: {newest or 'none'}")
    return None if found[0].state == "active" else found[0]


async def begin(
    client: Any,
    store: Any,
    start: Any,
    given: list[Any],
    memo: dict[str, str],
    deployment: Any,
    *,
    title: str,
    tasks: int = 0,
) -> str:
    """Start the session; returns its id.

    Raises:
        WorkerError: no code is there to run it.
    """
    from temporalio.common import PinnedVersioningOverride, RawValue, WorkerDeploymentVersion

    context.project(store, start.project)
    if deployment is None and store.deployments.active(start.project) is None:
        raise WorkerError(f"{start.project} has no active deployment", hint="Deploy it: `ak deploy DIR`")
    pin = None
    if deployment is not None:
        pin = PinnedVersioningOverride(WorkerDeploymentVersion(start.project, deployment.version))
    seconds = min(WORKFLOW_TASK_TIMEOUT_SECONDS + tasks // _TASKS_PER_SECOND, _LONGEST_TASK_SECONDS)
    identifier = ids.new("ses")
    handle = await client.start_workflow(
        start.handler,
        args=[RawValue(payload) for payload in given],
        id=identifier,
        task_queue=start.project,
        memo=memo,
        task_timeout=dt.timedelta(seconds=seconds),
        static_summary=brief(title),
        static_details=static_details(identifier, memo),
        versioning_override=pin,
    )
    if deployment is not None:
        await keep_process(client, store, deployment)
    return str(handle.id)


async def keep_process(client: Any, store: Any, deployment: Any) -> None:
    """A retired version gets its process back; it is kept as long as Temporal counts sessions on it."""
    from worker import versions

    until = clock.monotonic() + _VISIBLE_SECONDS
    while clock.monotonic() < until:
        if await versions.open_sessions(client, deployment.project, deployment.version):
            break
        await asyncio.sleep(_POLL_SECONDS)
    store.deployments.move(deployment.id, ["inactive"], "draining")


async def told(
    client: Any, store: Any, new: str, old: dict[str, Any], how: str, *, wait: bool, as_json: bool
) -> Any:
    """The new session, with a line about the other one."""
    state = context.ENDINGS.get(old["state"], "still runs and stays as it is")
    Output(as_json=as_json).progress(f"{how} from {old['id']}, which {state}")
    return await (sessions.ended(client, new, store, None) if wait else sessions.read(client, new, store))
