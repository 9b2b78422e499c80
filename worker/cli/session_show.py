"""``ak session show``: what a session did, step by step."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

import typer

from worker import clock
from worker.cli import completing, context, links, terminal
from worker.cli.deploy import Json
from worker.cli.output import Output
from worker.errors import NotFoundError, UsageError

if TYPE_CHECKING:
    from temporalio.client import Client

    from worker.store import Store
    from worker.story.gather import Teller
    from worker.story.render import Paper

_TAIL = 200


class Wanted(NamedTuple):
    """Which part of a story; see the options of the command."""

    tail: int
    first: int
    depth: int
    run: str
    step: int | None


def add_to(app: typer.Typer) -> None:
    """Register the command."""
    app.command(name="show")(show)


def show(
    session: Annotated[
        str,
        typer.Argument(
            help="A session id, the beginning of one, or a project (its latest session).",
            autocompletion=completing.sessions,
        ),
    ],
    tail: Annotated[
        int, typer.Option("--tail", "-n", help="At most so many steps: the last ones.", min=1)
    ] = _TAIL,
    first: Annotated[
        int, typer.Option("--from", help="From this step on, instead of the last ones.", min=0)
    ] = 0,
    depth: Annotated[
        int, typer.Option("--depth", "-d", help="Show the steps of children, so many levels deep.", min=0)
    ] = 1,
    step: Annotated[
        int | None,
        typer.Option(
            "--step", help="One step alone, with the whole of what it was given and what came back.", min=1
        ),
    ] = None,
    run: Annotated[str, typer.Option("--run", help="One run of a session that restarted itself.")] = "",
    follow: Annotated[
        bool, typer.Option("--follow", "-f", help="Go on showing what it does, until it has ended.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Show what a session did: its calls with arguments and results, waits, children, and what it printed in between.

    Everything comes from Temporal's history and the store: the process that ran the session is not needed. The numbers
    are those that `ak session fork --at` and `ak session debug --at` take. With --follow and --json, each entry is one
    line of JSON.

    Example: ak session show ses_4k1

    Example: ak session show ses_4k1 --from 120 --tail 20

    Example: ak session show ses_4k1 --step 3
    """
    if step is not None and (follow or first):
        raise UsageError("--step shows one step", hint="Leave out --follow and --from.")
    if follow and (first or run):
        raise UsageError(
            "--follow shows what comes, --from and --run what was", hint="Give one or the other."
        )

    told = tell(session, Wanted(tail, first, depth, run, step), follow=follow, as_json=as_json)
    context.run(terminal.while_read(told))


async def tell(session: str, wanted: Wanted, *, follow: bool, as_json: bool) -> None:
    """Print the story, or the part of it that is wanted."""
    from worker.cli import sessions_view as view
    from worker.cli.session_follow import following
    from worker.story.gather import Wish
    from worker.story.render import story_lines

    found = context.settings()
    with context.opened(found) as store:
        async with context.connected(found, store) as client:
            identifier = await view.find(client, session, store)

            teller = teller_of(client, store)
            if wanted.step is not None:
                await one_step(teller, identifier, wanted.step, wanted.run, as_json=as_json)
                return
            if follow:
                await following(teller, store, identifier, wanted.tail, as_json=as_json)
                return
            wish = Wish(wanted.tail, wanted.first, wanted.depth, wanted.run)
            story = await teller.tell(identifier, wish)
            text = "" if as_json else "\n".join(story_lines(story, paper(), clock.now()))
            Output(as_json=as_json).document(story.as_document(), text)


def teller_of(client: Client, store: Store) -> Teller:
    """Tells stories, with links to the Temporal UI that is there now."""
    from worker.cli import sessions_view as view
    from worker.story.gather import Teller

    found = context.settings()

    async def facts(of: str) -> dict[str, Any]:
        return await view.full(client, of, store) | {"ui": links.of(found, of)}

    return Teller(client, store, facts)


async def one_step(teller: Teller, identifier: str, number: int, run_id: str, *, as_json: bool) -> None:
    """Print one step as the story has it, and its values in whole."""
    from worker.cli import histories
    from worker.cutting import so_many
    from worker.story.gather import Wish
    from worker.story.render import entry_lines
    from worker.story.whole import lines_of

    story = await teller.tell(identifier, Wish(tail=1, first=number, depth=0, run_id=run_id))
    if story.facts.get("only_log"):
        raise histories.gone(identifier)
    whole = await teller.step(identifier, number, run_id)
    run = story.runs[-1]
    entry = next((entry for entry in run.entries if entry.n == number), None)
    if whole is None or entry is None:
        own = run.before + run.after + sum(1 for entry in run.entries if entry.n)
        raise NotFoundError(
            f"{identifier} has no step {number}: it has {so_many(own)}",
            hint=f"`ak session show {identifier}` numbers them; of one that restarted itself --run names a run.",
        )
    lines = [*entry_lines(entry, paper(), clock.now()), *lines_of(whole)]
    if whole.shortened:
        lines += [
            "",
            "Objects and secrets are told by their preview;",
            f"`ak session debug {identifier} --at {number}` stands where they are used.",
        ]
    Output(as_json=as_json).document(entry.as_document() | whole.as_document(), "\n".join(lines))


def paper() -> Paper:
    """As wide as the terminal, 80 columns where there is none; colours on a terminal that does not refuse them."""
    from worker.story.render import Paper

    return Paper(shutil.get_terminal_size((80, 24)).columns, terminal.colours())
