"""What happens in the sessions, as it happens: ``ak up`` prints it."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from worker.cli import terminal
from worker.cli.output import Output
from worker.errors import WorkerError
from worker.story.widths import printable

if TYPE_CHECKING:
    from worker.store import Store

_POLL_SECONDS = 0.3
_SHORT_ID = 10
_COLOURS = {"error": "31", "warning": "33", "state": "36", "call": "90"}
_SHOWN = ("print", "log", "state", "warning", "error", "signal")


async def follow(store: Store, out: Output) -> None:
    """Print new lines of all sessions until cancelled."""
    seq = await asyncio.to_thread(store.log.last_seq)
    while True:
        try:
            lines = await asyncio.to_thread(store.log.tail, "", seq)
        except WorkerError:
            lines = []
        for line in lines:
            seq = max(seq, line.seq)
            if line.kind in _SHOWN:
                out.say(text_of(line, colours=terminal.colours()))
        await asyncio.sleep(_POLL_SECONDS)


def text_of(line: Any, *, colours: bool) -> str:
    """One line of one session."""
    head = f"{line.at.astimezone():%H:%M:%S}  {line.workflow_id[:_SHORT_ID]:<{_SHORT_ID}}  "
    text = printable(line.text)
    body = text if line.kind == "print" else f"{line.kind}: {text}"
    if line.where and line.kind in {"warning", "error"}:
        body += f" ({line.where})"
    colour = _COLOURS.get(line.kind)
    body = body.replace("\n", "\n" + " " * len(head))
    return f"{head}\x1b[{colour}m{body}\x1b[0m" if colours and colour else head + body
