"""A story as text for a terminal: readable at 80 columns, with colours only where they were asked for. Pure."""

from __future__ import annotations

import datetime as dt
import json
from dataclasses import dataclass
from typing import Any

from worker.steps import CANCELED, CHILD, FAILED, OPEN, WAIT
from worker.story.model import ARRIVED_EVENT, ARRIVED_SIGNAL, CAME, STOP_ASKED, Entry, Run, Story
from worker.story.times import length, spoken
from worker.story.widths import cut, printable, wrap

RED, GREEN, YELLOW, CYAN, DIM, BOLD = "31", "32", "33", "36", "2", "1"
_TIME_WIDTH = len("12:34:56 ")
_NUMBER_WIDTH = len("1234 ✓ ")
_ERROR_LINES = 4
_LEAST_ROOM = 28  # for a call beside what is said of it
_LINE_MARKS = {
    "call": ("»", DIM),  # it made no step: a fork took it over, or it was a restart
    "warning": ("!", YELLOW),
    "error": ("✗", RED),
    ARRIVED_EVENT: ("◀", CYAN),
    ARRIVED_SIGNAL: ("◀", CYAN),
    STOP_ASKED: ("◀", YELLOW),
}
STATE_COLOURS = {"error": RED, "completed": GREEN, "stopped": YELLOW}


@dataclass(frozen=True)
class Paper:
    """Where to write: how wide it is, whether it takes colours, and what stands before each line."""

    width: int = 80
    colours: bool = False
    margin: str = ""

    def line(self, text: str, colour: str = "", *, head: str = "") -> str:
        """One line, cut to the width."""
        room = max(self.width - len(self.margin) - len(head), 10)
        text = cut(printable(" ".join(text.split("\n"))), room)
        return self.margin + head + self.paint(text, colour)

    def paint(self, text: str, colour: str) -> str:
        """The text in a colour, where there are colours."""
        return f"\x1b[{colour}m{text}\x1b[0m" if self.colours and colour and text else text

    def inner(self) -> Paper:
        """The paper for what stands inside a step."""
        return Paper(self.width, self.colours, self.margin + "  │ ")


def story_lines(story: Story, paper: Paper, now: dt.datetime) -> list[str]:
    """The whole story."""
    lines = head_lines(story, paper, now)
    if story.earlier:
        lines += ["", paper.line("… earlier runs (--tail 1000 shows more, --run one of them)", DIM)]
    for number, run in enumerate(story.runs):
        lines += run_lines(
            run, paper, now, first=number == 0, several=len(story.runs) > 1 or bool(story.earlier)
        )
    return lines + end_lines(story, paper, now)


def head_lines(story: Story, paper: Paper, now: dt.datetime) -> list[str]:
    """What session it is, what started it, with which data."""
    facts = story.facts
    took = ((facts["ended_at"] or now) - facts["started_at"]).total_seconds()
    state = (
        f"{facts['state']} after {length(took)}"
        if facts["ended_at"]
        else f"{facts['state']} for {length(took)}"
    )
    lines = [paper.line(f"{facts['id']}  {state}", f"{BOLD};{STATE_COLOURS.get(facts['state'], CYAN)}")]
    rows = [
        ("handler", f"{facts['handler']} of {facts['project']}"),
        ("code", " ".join(filter(None, (facts["deployment"], story.build))) or "not known"),
        ("started", f"{facts['started_at'].astimezone():%Y-%m-%d %H:%M:%S}"),
        *starter(story),
    ]
    if story.runs and story.runs[0].data:
        rows.append(("data", story.runs[0].data))
    lines += [paper.line(text, head=f"  {name:<9} ") for name, text in rows]
    if facts.get("ui") and not facts.get("only_log"):  # a link is of no use when it is cut
        lines.append(f"{paper.margin}  {'UI':<9} {facts['ui']}")
    shared = taken_over(facts.get("origin"))
    for text in filter(None, (shared, edited(facts.get("origin")))):
        lines += wrapped(paper, text, CYAN, "  · ")
    for note in story.notes:
        lines += wrapped(paper, note, YELLOW, "  ! ")
    return lines


def starter(story: Story) -> list[tuple[str, str]]:
    """What started the session; of one that repeats another, what had started that one."""
    facts, origin = story.facts, story.facts.get("origin")
    if facts.get("only_log") and not facts["event_id"]:
        return [("by", "not known any more")]
    event = f"trigger {facts['trigger']}, event {facts['event_id']}" if facts["event_id"] else ""
    if origin:
        return [("by", made_from(origin)), *([("first by", event)] if event else [])]
    return [("by", f"session {story.parent}" if story.parent else event or "hand")]


def made_from(origin: dict[str, Any]) -> str:
    """``fork of ses_1 at 3``, ``restart of ses_1``."""
    if origin["how"] == "forked":
        return f"fork of {origin['session']} at {origin['steps']}"
    return f"restart of {origin['session']}"


def taken_over(origin: dict[str, Any] | None) -> str:
    """What a fork did not do itself; empty for any other session."""
    if not origin or not origin["steps"]:
        return ""
    steps = "step 1 was" if origin["steps"] == 1 else f"steps 1 to {origin['steps']} were"
    return f"{steps} taken over from {origin['session']}: nothing of them was called again"


def edited(origin: dict[str, Any] | None) -> str:
    """What the person who made a fork put in place of its last step's outcome; empty for any other session."""
    other = (origin or {}).get("edited")
    if not origin or not other:
        return ""
    return f"the result of step {origin['steps']} is {other['now']}; in {origin['session']} it was {other['was']}"


def run_lines(run: Run, paper: Paper, now: dt.datetime, *, first: bool, several: bool) -> list[str]:
    """One run."""
    lines = []
    if several and not first:
        lines += ["", paper.line(f"restarted, with {run.data}" if run.data else "restarted", CYAN)]
    lines.append(paper.margin.rstrip())
    if run.before:
        lines.append(paper.line(f"… {run.before:,} earlier steps (--from 1 shows all)", DIM))
    day = run.started_at.astimezone().date()
    for entry in run.entries:
        if entry.at.astimezone().date() != day:
            day = entry.at.astimezone().date()
            lines.append(paper.line(f"{day:%Y-%m-%d}", DIM))
        lines += entry_lines(entry, paper, now)
    if run.after:
        lines.append(paper.line(f"… {run.after:,} later steps", DIM))
    if len(lines) == 1:
        lines.append(paper.line("no step yet", DIM))
    return lines


def entry_lines(entry: Entry, paper: Paper, now: dt.datetime) -> list[str]:
    """One entry, with what stands inside it."""
    clock = paper.paint(f"{entry.at.astimezone():%H:%M:%S} ", DIM)
    if not entry.n:
        return [clock_line(paper, clock, line) for line in line_entry(entry, paper)]
    body = Paper(paper.width - _TIME_WIDTH, paper.colours, "")
    mark, colour = mark_of(entry)
    meta = meta_of(entry, now)
    room = body.width - len(paper.margin) - _NUMBER_WIDTH - (len(meta) + 2 if meta else 0)
    below = room < _LEAST_ROOM  # what does not fit beside the call stands under it
    if below:
        room += len(meta) + 2
    text = cut(printable(" ".join(entry.text.split("\n"))), room)
    first = f"{entry.n:>4} {body.paint(mark, colour)} {text}" + (
        f"  {body.paint(meta, DIM)}" if meta and not below else ""
    )
    lines = [paper.margin + clock + first]
    rest = Paper(paper.width, paper.colours, paper.margin + " " * (_TIME_WIDTH + _NUMBER_WIDTH))
    if below:
        lines.append(rest.line(meta, DIM))
    if entry.where:
        lines.append(rest.line(f"{entry.where}  {entry.source}".rstrip(), DIM))
    if entry.kind == CHILD and entry.target:
        lines.append(rest.line(entry.target, DIM, head="session "))
    for item in entry.inside:
        mark, colour = _LINE_MARKS.get(item.kind, ("·", ""))
        lines += [rest.line(line, colour, head=f"{mark} ") for line in lines_of(item.text) or [""]]
    if entry.last_failure:
        attempt = f"attempt {max(entry.attempts - 1, 1)} failed: "
        lines += wrapped(rest, attempt + entry.last_failure, YELLOW, "! ")
    if entry.error:
        lines += wrapped(rest, entry.error, RED, "✗ ")
    if entry.result is not None:
        lines.append(rest.line(entry.result, head="→ "))
    if entry.child is not None:
        lines += child_lines(entry.child, rest, now)
    return lines


def lines_of(text: str) -> list[str]:
    """The lines of a text; other characters than the line feed, at which Python splits, are shown in them."""
    return text.removesuffix("\n").split("\n") if text else []


def clock_line(paper: Paper, clock: str, line: str) -> str:
    """A line with its time before it."""
    return paper.margin + clock + line


def line_entry(entry: Entry, paper: Paper) -> list[str]:
    """What is no step: printed lines, warnings, what arrived."""
    mark, colour = _LINE_MARKS.get(entry.kind, ("·", ""))
    inner = Paper(paper.width - _TIME_WIDTH - len(paper.margin), paper.colours, "")
    where = f"  ({entry.where})" if entry.where and entry.kind in {"warning", "error", "call"} else ""
    word = "" if entry.kind in {"print", *_LINE_MARKS} else f"{entry.kind}: "
    texts = lines_of(word + entry.text) or [""]
    texts[0] += where
    if entry.kind in {"warning", "error"}:
        heads = [
            f"{'':>4} {mark} ",
            *[f"{'':>7}{text[: len(text) - len(text.lstrip())]}" for text in texts[1:]],
        ]
        return [
            line
            for text, head in zip(texts, heads, strict=True)
            for line in wrapped(inner, text, colour, head)
        ]
    return [inner.line(text, colour, head=f"{'':>4} {mark} ") for text in texts]


def wrapped(paper: Paper, text: str, colour: str, head: str) -> list[str]:
    """A text over a few lines."""
    room = max(paper.width - len(paper.margin) - len(head), 20)
    found = wrap(printable(text), room, _ERROR_LINES)
    return [
        paper.line(line, colour, head=head if number == 0 else " " * len(head))
        for number, line in enumerate(found)
    ]


def child_lines(child: Story, paper: Paper, now: dt.datetime) -> list[str]:
    """A child's steps inside its parent's."""
    inner = Paper(paper.width, paper.colours, paper.margin + "│ ")
    lines: list[str] = []
    for run in child.runs[-1:]:
        lines += [line for line in run_lines(run, inner, now, first=True, several=False) if line.strip(" │")]
    return lines + [line for line in end_lines(child, inner, now) if line.strip(" │")]


def mark_of(entry: Entry) -> tuple[str, str]:
    """The sign of a step's state, and its colour."""
    if entry.kind == WAIT and entry.state != OPEN:
        return ("✓", GREEN) if entry.outcome == CAME else ("✗", YELLOW)
    if entry.kind == CHILD:
        return {"running": ("…", CYAN), "completed": ("✓", GREEN)}.get(entry.outcome or "", ("✗", RED))
    if entry.state == FAILED:
        return "✗", RED
    if entry.state == CANCELED:
        return "-", YELLOW
    return ("…", CYAN) if entry.state == OPEN else ("✓", GREEN)


def meta_of(entry: Entry, now: dt.datetime) -> str:
    """Attempts, outcome and duration."""
    parts = []
    if entry.attempts > 1:
        parts.append(f"attempt {entry.attempts}" if entry.state == OPEN else f"{entry.attempts} attempts")
    if entry.outcome:
        parts.append(entry.outcome)
    if entry.state == CANCELED and entry.kind != WAIT:
        parts.append("canceled")
    if entry.next_attempt_at is not None and entry.next_attempt_at > now:
        parts.append(f"next in {length((entry.next_attempt_at - now).total_seconds())}")
    if entry.until is not None:
        parts.append(f"until {spoken(entry.until, now, left=False)}")
    if entry.seconds is not None:
        parts.append(length(entry.seconds))
    elif entry.state == OPEN and entry.until is None and entry.attempts <= 1:
        parts.append(f"for {length((now - entry.at).total_seconds())}")
    return ", ".join(parts)


def headline(error: dict[str, Any]) -> str:
    """What ended a session: the error, with the code under which the documentation explains it, then the remedy."""
    first, _, rest = f"{error['type']}: {error['message']}".strip(": ").partition("\n")
    code = error.get("code") or ""
    return "\n".join(filter(None, (first if first.startswith(code) else f"{first} [{code}]", rest)))


def end_lines(story: Story, paper: Paper, now: dt.datetime) -> list[str]:
    """How it ended, or what it waits for now."""
    facts = story.facts
    lines = [paper.margin.rstrip()]
    if facts["error"] is not None:
        error = facts["error"]
        for number, text in enumerate(lines_of(headline(error))[:_ERROR_LINES]):
            lines += wrapped(paper, text, f"{BOLD};{RED}", "error  " if number == 0 else " " * 7)
        lines += [paper.line(line, head="  ") for line in lines_of(error["traceback"])]
    elif facts["state"] == "completed" and facts.get("only_log"):
        lines.append(paper.line("completed; its result is not kept any more", DIM))
    elif facts["state"] == "completed":
        lines.append(paper.line(json.dumps(facts["result"], ensure_ascii=False), head="result  "))
    elif facts["state"] == "stopped":
        lines.append(paper.line("stopped", YELLOW))
    for number, wait in enumerate(story.waits_for):
        lines += wrapped(paper, wait.told(now), CYAN, "waits for  " if number == 0 else "       or  ")
    for number, text in enumerate(story.meanwhile):
        lines += wrapped(paper, text, YELLOW, "meanwhile  " if number == 0 else " " * 11)
    return lines
