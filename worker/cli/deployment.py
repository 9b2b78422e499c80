"""``ak deployment``: list what was deployed, go back to it, stop taking new work."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Annotated, Any

import typer

from worker import clock
from worker.cli import checking, completing, context, nearest
from worker.cli.deploy import Json, answer_for, watch
from worker.cli.deploy import text_of as deployed_text
from worker.cli.given import MOST
from worker.cli.output import Output, fitted, moment, table
from worker.errors import DeployError, NotFoundError, UsageError

if TYPE_CHECKING:
    from worker.store import Store
    from worker.store.records import Deployment

app = typer.Typer(
    help="List deployments, go back to an earlier one, stop taking new work.",
    no_args_is_help=True,
    rich_markup_mode=None,
)

_ALIVE_SECONDS = 15.0
_AT_ONCE = 8
Which = Annotated[
    str,
    typer.Argument(
        help="A deployment's id, the beginning of one, or a project (its active deployment).",
        autocompletion=completing.deployments,
    ),
]


@app.command(name="list")
def list_deployments(
    project: Annotated[
        str, typer.Argument(help="Only this project's.", autocompletion=completing.projects)
    ] = "",
    limit: Annotated[
        int, typer.Option("--limit", "-n", min=1, max=MOST, help="At most so many, the newest.")
    ] = 20,
    as_json: Json = False,
) -> None:
    """List deployments, newest first.

    active: new sessions run on it. draining: its open sessions go on. inactive: it has none; it can be activated again.

    Example: ak deployment list quickstart
    """

    async def work() -> list[dict[str, Any]]:
        found = context.settings()
        with context.opened(found) as store:
            if project:
                context.project(store, project)
            records = store.deployments.list(project)[:limit]
            return await described(records, found, store)

    answer = context.run(work())
    rows = [
        [
            item["id"],
            item["project"],
            item["state"],
            counted(item["sessions"]),
            age(item["activated_at"] or item["created_at"]),
            item["build"],
        ]
        for item in answer
    ]
    Output(as_json=as_json).document(
        answer, table(["ID", "PROJECT", "STATE", "OPEN SESSIONS", "AGE", "BUILD"], rows)
    )


@app.command()
def get(deployment: Which, as_json: Json = False) -> None:
    """Show one deployment: state, open sessions, handlers, triggers, names of its variables.

    Example: ak deployment get quickstart
    """

    async def work() -> dict[str, Any]:
        found = context.settings()
        with context.opened(found) as store:
            record = find(store, deployment)
            (facts,) = await described([record], found, store)
            return {**facts, **details(record)}

    answer = context.run(work())
    Output(as_json=as_json).document(answer, fitted(text_of(answer)))


@app.command()
def activate(
    deployment: Which,
    migrate: Annotated[
        bool,
        typer.Option("--migrate", help="Then move the open sessions that can go on with its code to it."),
    ] = False,
    limit: Annotated[
        int, typer.Option("--limit", min=1, max=MOST, help="With --migrate: look at so many open sessions.")
    ] = 1000,
    as_json: Json = False,
) -> None:
    """Make an earlier deployment the active one: its code, its variables, its triggers. This is how to roll back.

    Open sessions of the deployment that is active now finish on it, unless they are moved.

    Example: ak deployment activate dep_0vr66zbxx5
    """
    out = Output(as_json=as_json)

    async def moved(answer: dict[str, Any], store: Store, found: Any) -> Any:
        return await checking.migrate(answer, store, found, out, limit) if migrate else None

    async def work() -> tuple[dict[str, Any], Any]:
        from worker import versions

        found = context.settings()
        with context.opened(found) as store:
            record = find(store, deployment)
            if record.state == "active":
                answer = answer_for(record, store, found, changed=False)
                return answer, await moved(answer, store, found)
            if not store.builds.exists(record.build_id):
                raise DeployError(
                    f"the build of {record.id} is gone", hint="Deploy its code again: `ak deploy DIR`"
                )
            if not store.services.alive("supervisor", _ALIVE_SECONDS):
                raise DeployError(
                    "no worker is running; nothing was changed", hint="Start one: `ak up` or `ak worker`."
                )
            async with context.connected(found, store) as client:
                await versions.check_room(client, record.project, record.version, found.versions_limit)
            asked = await asyncio.to_thread(ask_again, record, store)
            active = await watch(asked, store, out.progress)
            answer = answer_for(active, store, found, changed=True)
            return answer, await moved(answer, store, found)

    answer, report = context.run(work())
    text = deployed_text(answer)
    if report is not None:
        answer |= {"sessions": report.to_json()}
        text += "\n" + checking.text_of(report, deployed=True)
    out.document(answer, text)


@app.command()
def deactivate(deployment: Which, as_json: Json = False) -> None:
    """Take no new work: events start nothing, webhooks answer 404, schedules are removed. Open sessions go on.

    Example: ak deployment deactivate quickstart
    """

    async def work() -> dict[str, Any]:
        found = context.settings()
        with context.opened(found) as store:
            record = find(store, deployment)
            if not store.deployments.move(record.id, ["active"], "draining"):
                raise DeployError(
                    f"{record.id} is {record.state}, not active; nothing was changed",
                    hint=f"`ak deployment list {record.project}` shows which one is.",
                )
            now = store.deployments.get(record.id)
            assert now is not None
            (facts,) = await described([now], found, store)
            return {**facts, **details(now)}

    answer = context.run(work())
    going_on = f"Its open sessions go on: {counted(answer['sessions'])}."
    hint = f"  {going_on} Activate it again: ak deployment activate {answer['id']}"
    Output(as_json=as_json).document(answer, f"{answer['project']} takes no new work\n{hint}")


def ask_again(record: Deployment, store: Store) -> Deployment:
    """Ask for a deployment as it was: its build, its variables, its manifest."""
    return store.deployments.request(
        record.project,
        record.build_id,
        record.version,
        record.desired,
        record.environment,
        record.secret_names,
        record.requirements,
    )


def find(store: Store, text: str) -> Deployment:
    """The deployment for an id, the beginning of one, or a project's name.

    Raises:
        NotFoundError: there is none, or more than one.
    """
    if not text:
        raise UsageError("the deployment's id is empty", hint="See `ak deployment list`.")
    exact = store.deployments.get(text) or store.deployments.active(text)
    if exact is not None:
        return exact
    if store.projects.get(text) is not None:
        raise NotFoundError(
            f"{text} has no active deployment", hint=f"Choose one: `ak deployment list {text}`"
        )
    known = [item.id for item in store.deployments.list()]
    begun = [identifier for identifier in known if text and identifier.startswith(text)]
    if len(begun) > 1:
        raise NotFoundError(f"{text} is the beginning of several deployments", hint="Give more of the id.")
    found = store.deployments.get(begun[0]) if begun else None
    if found is None:
        raise NotFoundError(
            f"there is no deployment {text}", hint=nearest.hint(text, known, "See `ak deployment list`.")
        )
    return found


async def described(records: list[Deployment], found: Any, store: Store) -> list[dict[str, Any]]:
    """Deployments as listed, with their open sessions as Temporal counts them; None where it does not answer."""
    from worker import versions

    if not records:
        return []
    gate = asyncio.Semaphore(_AT_ONCE)
    async with context.looking(found, store, "open sessions are not counted") as client:

        async def one(record: Deployment) -> dict[str, Any]:
            sessions = None
            if client is not None:
                async with gate:
                    sessions = await versions.open_sessions(client, record.project, record.version)
            return {
                "id": record.id,
                "project": record.project,
                "state": record.state,
                "build": record.build_id,
                "version": record.version,
                "sessions": sessions,
                "created_at": record.created_at,
                "activated_at": record.activated_at,
                "error": record.error,
            }

        return list(await asyncio.gather(*(one(record) for record in records)))


def details(record: Deployment) -> dict[str, Any]:
    """What only one deployment at a time is shown with; of variables the names alone."""
    triggers = record.desired["project"]["triggers"]
    return {
        "handlers": list(dict.fromkeys(item["call"] for item in triggers if item["call"])),
        "triggers": [{"name": item["name"], "kind": item["kind"], "call": item["call"]} for item in triggers],
        "variables": sorted(record.environment),
        "secrets": sorted(record.secret_names),
        "requirements": record.requirements.splitlines(),
    }


def text_of(answer: dict[str, Any]) -> str:
    """A deployment as a person reads it."""
    lines = [
        f"{answer['id']}  {answer['state']}",
        f"  project       {answer['project']}",
        f"  build         {answer['build']}   version {answer['version']}",
        f"  open sessions {counted(answer['sessions'])}",
        f"  created       {moment(answer['created_at'])}   activated {moment(answer['activated_at'])}",
        *(f"  trigger       {item['name']} ({item['kind']})  {item['call']}" for item in answer["triggers"]),
    ]
    if answer["variables"]:
        lines.append(f"  variables     {', '.join(answer['variables'])}")
    if answer["requirements"]:
        lines.append(f"  requirements  {', '.join(answer['requirements'])}")
    if answer["error"]:
        lines.append(f"  error         {answer['error']['code']}: {answer['error']['message']}")
    return "\n".join(lines)


def counted(sessions: int | None) -> str:
    """How many sessions there are, as far as Temporal said."""
    return "unknown" if sessions is None else str(sessions)


def age(since: Any) -> str:
    """How long ago."""
    from worker.story.times import length

    return length((clock.now() - since).total_seconds())
