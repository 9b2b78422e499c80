"""``ak session list`` as text: whole in a pipe and with --wide; on a terminal what fits its width. Pure.

On a terminal ids are shortened to a beginning that no other listed one has, which every command takes; columns that say
least are dropped where the width is short, and what a session waits for, or its error, stands below it.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from worker.cli.output import moment, table_with_rest
from worker.story import widths
from worker.story.render import STATE_COLOURS, Paper
from worker.story.times import length

_SHORT_ID = len("ses_") + 8
_HANDLER_CELLS = 28
_GAP = "  "
_BESIDE = 40  # cells for what a session waits for, to stand beside it
_DROPPED = ("TRIGGER", "TOOK", "PROJECT")  # one after the other
_LAST = "WAITS FOR, OR ERROR"
_BELOW = "  ↳ "


@dataclass(frozen=True)
class Look:
    """How to show the list: no width means all of it, one line for each session. ``link`` makes an id a link."""

    width: int = 0
    colours: bool = False
    projects: bool = True
    with_links: bool = False
    whole: bool = False
    link: Callable[[str, str], str] = lambda text, _url: text


def text_of(sessions: Sequence[dict[str, Any]], look: Look, now: dt.datetime) -> str:
    """The table: whole where that fits."""
    headers = [
        "ID",
        *(["PROJECT"] if look.projects else []),
        "HANDLER",
        "STATE",
        "TRIGGER",
        "STARTED",
        "TOOK",
    ]
    rows = [
        [
            item["id"],
            *([item["project"]] if look.projects else []),
            item["handler"] or "-",
            state_text(item),
            item["trigger"] or "-",
            moment(item["started_at"]),
            took(item, now),
        ]
        for item in sessions
    ]
    everything = taken({name: [row[at] for row in rows] for at, name in enumerate(headers)})
    if look.width and everything + len(_GAP) + _BESIDE > look.width:
        return "\n".join(narrow(sessions, look, now))
    texts = [widths.printable(reason(item, now)) for item in sessions]
    first, *lines = table_with_rest(headers, rows, _LAST, texts, whole=look.whole).splitlines()
    shown = [first]
    for line, item in zip(lines, sessions, strict=True):
        linked = look.link(item["id"], item["ui"]) if item["ui"] else item["id"]
        shown.append(line.replace(item["id"], linked, 1))
        shown += [f"  {item['ui']}"] if look.with_links and item["ui"] else []
    return "\n".join(shown)


def narrow(sessions: Sequence[dict[str, Any]], look: Look, now: dt.datetime) -> list[str]:
    """Lines that fit the width."""
    paper = Paper(look.width, look.colours)
    ids = short([item["id"] for item in sessions])
    columns = {
        "ID": ids,
        "PROJECT": [item["project"] for item in sessions],
        "HANDLER": [widths.cut_start(item["handler"] or "-", _HANDLER_CELLS) for item in sessions],
        "STATE": [item["state"] for item in sessions],
        "TRIGGER": [item["trigger"] or "-" for item in sessions],
        "STARTED": [started(item["started_at"], now) for item in sessions],
        "TOOK": [took(item, now) for item in sessions],
    }
    if not look.projects or len(set(columns["PROJECT"])) == 1:
        del columns["PROJECT"]
    if set(columns["TRIGGER"]) == {"-"}:
        del columns["TRIGGER"]
    for name in _DROPPED:
        if taken(columns) > look.width:
            columns.pop(name, None)
    room = look.width - taken(columns) - len(_GAP)
    reasons = [reason(item, now, with_problem=True) for item in sessions]
    beside = room >= _BESIDE
    heads = [*columns, *([_LAST] if beside else [])]
    cells = {name: max(map(widths.width, [name, *column])) for name, column in columns.items()}
    lines = [
        _GAP.join(widths.padded(name, cells.get(name, 0)) for name in heads).rstrip()[: look.width].rstrip()
    ]
    for number, (item, why) in enumerate(zip(sessions, reasons, strict=True)):
        parts = []
        for name, column in columns.items():
            text = widths.padded(column[number], cells[name])
            if name == "ID" and item["ui"]:
                text = text.replace(column[number], look.link(column[number], item["ui"]), 1)
            parts.append(paper.paint(text, STATE_COLOURS.get(item["state"], "")) if name == "STATE" else text)
        told = [widths.cut(" ".join(widths.printable(why).split("\n")), room)] if beside else []
        lines.append(_GAP.join([*parts, *told]).rstrip())
        if why and not beside:
            lines.append(paper.line(why, head=_BELOW))
        lines += [f"    {item['ui']}"] if look.with_links and item["ui"] else []
    return lines


def taken(columns: dict[str, list[str]]) -> int:
    """How wide these columns are together."""
    cells = [max(map(widths.width, [name, *column])) for name, column in columns.items()]
    return sum(cells) + len(_GAP) * (len(cells) - 1)


def short(identifiers: Sequence[str]) -> list[str]:
    """Of each id a beginning that none of the others has."""
    ordered = sorted(set(identifiers))
    shown = {}
    for before, identifier, after in zip(["", *ordered], ordered, [*ordered[1:], ""], strict=False):
        alike = max(shared(identifier, before), shared(identifier, after))
        shown[identifier] = identifier[: max(alike + 1, _SHORT_ID)]
    return [shown[identifier] for identifier in identifiers]


def shared(one: str, other: str) -> int:
    """How many characters two texts begin with alike."""
    return next(
        (at for at, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other))
    )


def started(at: dt.datetime, now: dt.datetime) -> str:
    """The time of today, the day and time of another day, the day of another year."""
    local, today = at.astimezone(), now.astimezone()
    if local.date() == today.date():
        return f"{local:%H:%M:%S}"
    return f"{local:%m-%d %H:%M}" if local.year == today.year else f"{local:%Y-%m-%d}"


def took(session: dict[str, Any], now: dt.datetime) -> str:
    """How long it ran, or runs by now."""
    return length(((session["ended_at"] or now) - session["started_at"]).total_seconds())


def reason(session: dict[str, Any], now: dt.datetime, *, with_problem: bool = False) -> str:
    """Its error, or what it waits for; with what keeps it from getting on, and that Temporal has forgotten it."""
    text = session["last_error"] or " or ".join(wait.told(now) for wait in session["waits_for"])
    if not with_problem:
        return str(text)
    if session["problem"]:
        return f"{session['problem']['code']}: {session['problem']['message']}"
    return " ".join(filter(None, (text, "(only its log is left)" if session.get("only_log") else "")))


def state_text(session: dict[str, Any]) -> str:
    """The state, with the code of what keeps it from getting on, or that Temporal has forgotten it."""
    problem = session["problem"]
    if session.get("only_log"):
        return f"{session['state']}, only a log"
    return f"{session['state']}, waits ({problem['code']})" if problem else str(session["state"])
