"""``ak session show --follow``: the end of a story as it comes; a Temporal that is started again is waited for."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

from temporalio.service import RPCError

from worker import clock, rpc, temporal
from worker.cli import context
from worker.cli.output import Output, encode
from worker.cli.session_show import paper, teller_of
from worker.errors import TemporalError
from worker.story.follow import follow
from worker.story.gather import Teller, Wish
from worker.story.render import end_lines, entry_lines, head_lines, story_lines

if TYPE_CHECKING:
    from worker.store import Store
    from worker.story.model import Entry

_AGAIN_SECONDS = 1.0


async def following(teller: Teller, store: Store, identifier: str, tail: int, *, as_json: bool) -> None:
    """Print what was, then what comes, until the session has ended."""
    out = Output(as_json=False)
    story = await teller.tell(identifier, Wish(tail=1, depth=0))
    if story.facts.get("only_log"):  # nothing comes any more
        whole = await teller.tell(identifier, Wish(tail=tail))
        entries = [json.dumps(entry.as_document(), default=encode) for entry in whole.runs[0].entries]
        facts = json.dumps(whole.facts, default=encode)
        out.say("\n".join([*entries, facts] if as_json else story_lines(whole, paper(), clock.now())))
        return
    if not as_json:
        out.say("\n".join(head_lines(story, paper(), clock.now())))
    told: set[tuple[Any, ...]] = set()
    ended = None
    while ended is None:
        try:
            async for entry in follow(teller, identifier, tail):
                if key_of(entry) in told:
                    continue
                told.add(key_of(entry))
                document = json.dumps(entry.as_document(), default=encode) if as_json else ""
                out.say(document or "\n".join(entry_lines(entry, paper(), clock.now())))
            ended = await teller.tell(identifier, Wish(tail=1, depth=0))
        except (TemporalError, RPCError) as error:
            if isinstance(error, RPCError) and not rpc.is_away(error):
                raise
            teller = await returned(store, out)
    out.say(
        json.dumps(ended.facts, default=encode)
        if as_json
        else "\n".join(end_lines(ended, paper(), clock.now()))
    )


def key_of(entry: Entry) -> tuple[Any, ...]:
    """What an entry is known by when it is met once more: a step is told again when it has ended."""
    return entry.kind, entry.n, entry.at, entry.state if entry.n else entry.text


async def returned(store: Store, out: Output) -> Teller:
    """A teller with the Temporal that answers again: that of another ``ak up`` may have another address."""
    out.progress("Temporal does not answer: waiting for it")
    while True:
        await asyncio.sleep(_AGAIN_SECONDS)
        try:
            found = context.settings()
            client = await temporal.connect(found, store.blobs, patience_seconds=context.LOOK_SECONDS)
        except TemporalError:
            continue
        return teller_of(client, store)
