"""What each handler does durably, and the findings, as data and as text."""

from __future__ import annotations

import ast
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import autokitteh
from worker.lint import hazards, silence
from worker.lint.calls import DURABLE, EVENTS, Judge, is_inhibited
from worker.lint.code import Code
from worker.lint.findings import Hazard
from worker.lint.names import Call
from worker.lint.reader import Reader
from worker.lint.values import Function
from worker.usercode import extension
from worker.usercode.policy import Policy

_START_AND_END: Final = 5  # started, a first task in three events, completed
_SHOWN: Final = (*EVENTS, "unknown", "refuse")


@dataclass
class Estimate:
    """About how many events a run leaves: what stands outside of loops, and what each turn of a loop adds."""

    once: int = _START_AND_END
    per_turn: dict[str, int] = field(default_factory=dict)

    def add(self, cost: int, loop: str) -> None:
        """What a call costs, per turn of a loop where it is in one."""
        if loop:
            self.per_turn[loop] = self.per_turn.get(loop, 0) + cost
        else:
            self.once += cost

    def include(self, other: Estimate, times: int = 1, loop: str = "") -> None:
        """What another function costs, ``times`` as often, per turn of ``loop`` when it is called in one."""
        if other.once:
            self.add(other.once * times, loop)
        for place, cost in other.per_turn.items():
            self.add(cost * times, place)

    @property
    def total(self) -> int:
        """With one turn of each loop."""
        return self.once + sum(self.per_turn.values())


def lint(directory: Path, handlers: list[str]) -> dict[str, Any]:
    """Read a project.

    Args:
        directory: the project's.
        handlers: what its triggers call, ``main.py:on_event``.

    Raises:
        UserCodeError: a file does not parse, or the project's own rules are wrong.
    """
    code = Code(directory)
    judge = Judge(Policy(directory.resolve(), extension.read(directory)))
    reader = Reader(code, judge, autokitteh.Event)
    found = {name: reader.handler(name) for name in handlers}
    hazards_found = hazards.find(reader)
    told = silence.heard(code, hazards_found)
    return {
        "handlers": [_handler(reader, name, function) for name, function in found.items() if function],
        "hazards": [_hazard(code, item) for item in told],
        "ignored": len(hazards_found) - len(told),
    }


def _handler(reader: Reader, name: str, function: Function) -> dict[str, Any]:
    verdict = reader.judge.of(function, name)
    calls = reader.calls(function)
    estimate = Estimate()
    if verdict.kind == "activity":
        estimate.once += EVENTS["activity"]
        calls = []
    else:
        estimate.include(Costs(reader).of(function))
    return {
        "handler": name,
        "one_activity": verdict.kind == "activity",
        "events": {"about": estimate.once, "per_turn": estimate.per_turn},
        "calls": _distinct([_call(reader.code, owner, call) for owner, call in calls if _is_shown(call)]),
    }


def _is_shown(call: Call) -> bool:
    return call.verdict.user is None or call.verdict.kind in DURABLE


def _distinct(calls: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return list({(item["where"], item["name"], item["kind"]): item for item in calls}.values())


def _call(code: Code, owner: Function, call: Call) -> dict[str, Any]:
    return {
        "where": f"{owner.file}:{call.line}",
        "kind": call.verdict.kind,
        "name": call.verdict.name,
        "reason": call.verdict.reason,
        "source": code.sources[owner.module].line(call.line),
        "in_loop": bool(call.loops),
    }


class Costs:
    """What functions cost in all; each is added up once, however many ways lead to it."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self._known: dict[tuple[int, frozenset[int]], Estimate] = {}

    def of(self, function: Function, within: frozenset[int] = frozenset()) -> Estimate:
        """One call of a function, made by the functions ``within``, which are not counted again."""
        key = (id(function), within & self._reader.reached(function))
        if key not in self._known:
            self._known[key] = self._sum(function, within | {id(function.root)})
        return self._known[key]

    def _sum(self, function: Function, within: frozenset[int]) -> Estimate:
        estimate = Estimate(0)
        if is_inhibited(function):
            return estimate
        choices: dict[int, Estimate] = {}
        for call in self._reader.summary(function).calls:
            found = self._call(function, call, within)
            before = choices.get(call.choice)
            if not call.choice:
                estimate.include(found)
            elif before is None or found.total > before.total:
                choices[call.choice] = found
        for found in choices.values():
            estimate.include(found)
        return estimate

    def _call(self, function: Function, call: Call, within: frozenset[int]) -> Estimate:
        turns, loop = 1, ""
        for item in call.loops:
            if item.turns is None:
                loop = f"{function.file}:{item.line}"
            else:
                turns *= item.turns
        found = Estimate(0)
        if call.verdict.kind in EVENTS:
            found.add(call.verdict.events * turns, loop)
        user = call.verdict.user
        if user is not None and call.verdict.kind == "inline" and id(user.root) not in within:
            node = user.node
            again = not isinstance(node, ast.Module) and self._reader.calls_itself(user)
            place = f"{user.file}:{getattr(node, 'lineno', 0)}" if again else ""
            found.include(self.of(user, within), turns, loop or place)
        return found


def _hazard(code: Code, item: Hazard) -> dict[str, Any]:
    source = code.by_file(item.file)
    return {
        "where": f"{item.file}:{item.line}",
        "code": item.code,
        "severity": item.severity,
        "message": item.message,
        "remedy": item.remedy,
        "link": item.link,
        "source": source.line(item.line) if source is not None else "",
    }


def as_text(found: dict[str, Any], *, inline: bool = False) -> str:
    """The report as a person reads it; ``inline`` shows also the calls that cost nothing."""
    blocks = [_handler_text(item, inline=inline) for item in found["handlers"]]
    if found["hazards"]:
        lines = []
        for item in found["hazards"]:
            lines.append(f"{item['where']}: {item['severity']}: {item['message']}  [{item['code']}]")
            lines.append(f"    {item['source']}")
            lines.append(f"    → {item['remedy']}  ({item['link']})")
        blocks.append("\n".join(lines))
    else:
        blocks.append("no hazards found")
    if found["ignored"]:
        blocks.append(f"{found['ignored']} ignored, as comments or pyproject.toml say")
    return "\n\n".join(blocks)


def _handler_text(item: dict[str, Any], *, inline: bool) -> str:
    events = item["events"]
    per_turn = "".join(f", {count} more per turn of {place}" for place, count in events["per_turn"].items())
    lines = [f"{item['handler']}   about {events['about']} events in its history{per_turn}"]
    if item["one_activity"]:
        return f"{lines[0]}\n  runs as one activity"
    shown = [call for call in item["calls"] if inline or call["kind"] in _SHOWN]
    where = max((len(call["where"]) for call in shown), default=0)
    for call in shown:
        lines.append(f"  {call['where']:<{where}}  {call['kind']:<8}  {call['name']}: {call['reason']}")
        lines.append(f"  {'':<{where}}            {call['source']}")
    if not shown:
        lines.append("  no steps: everything runs where it stands")
    hidden = sum(call["kind"] == "inline" for call in item["calls"])
    if hidden and not inline:
        lines.append(f"  {hidden} other calls run where they stand (--all shows them)")
    return "\n".join(lines)
