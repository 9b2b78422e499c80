"""Problems as text, with the line they stand in and a caret, or as JSON; plans as both."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

from manifest.changes import HIDDEN, Change, Create, Rename, Update
from manifest.errors import Problem
from manifest.plan import Plan

_SIGNS = {"create": "+", "update": "~", "delete": "-", "rename": ">"}
_LONGEST_SHOWN = 60
_MOST_FILES = 8


def text(problems: Sequence[Problem], source: str = "") -> str:
    """All problems, each with its line of the source."""
    lines = source.splitlines()
    blocks = []
    for problem in problems:
        kind = "" if problem.severity == "error" else f"{problem.severity}: "
        block = f"{problem.path}:{problem.line}:{problem.column}: {kind}{problem.message} [{problem.code}]"
        in_yaml = problem.path.endswith((".yaml", ".yml"))
        if in_yaml and 0 < problem.line <= len(lines) and lines[problem.line - 1].strip():
            shown = lines[problem.line - 1].replace("\t", " ")
            block += f"\n    {shown}\n    {' ' * (problem.column - 1)}^"
        if problem.hint:
            block += f"\n    {problem.hint}"
        blocks.append(block)
    return "\n".join(blocks)


def as_json(problems: Sequence[Problem]) -> list[dict[str, Any]]:
    """All problems, machine-readable."""
    return [
        {
            "path": problem.path,
            "line": problem.line,
            "column": problem.column,
            "code": problem.code,
            "message": problem.message,
            "severity": problem.severity,
            "hint": problem.hint,
        }
        for problem in problems
    ]


def plan_json(made: Plan) -> dict[str, Any]:
    """A plan, machine-readable: nothing changes when there are no actions."""
    return {
        "project": made.project,
        "actions": [change.as_json() for change in in_order_of_reading(made.changes)],
        "kept": [item.as_json() for item in made.kept],
    }


def plan_text(made: Plan) -> str:
    """A plan as a person reads it: one line for each part, more when several fields of it change."""
    rows: list[tuple[str, str, str, list[str]]] = [
        (_SIGNS[change.action], change.place.kind, change.place.label, list(_facts(change)))
        for change in in_order_of_reading(made.changes)
        if change.place.kind != "file"
    ]
    rows += [("=", item.place.kind, item.place.label, [item.note]) for item in made.kept]
    files = [change for change in made.changes if change.place.kind == "file"]
    if files:
        rows.append(_row_of_files(files))
    kinds = max((len(row[1]) for row in rows), default=0)
    names = max((len(row[2]) for row in rows), default=0)
    lines = [f"plan for {made.project}:" if made.changes else f"nothing changes in {made.project}"]
    for sign, kind, name, facts in rows:
        first, *rest = facts or [""]
        begin = f"  {sign} {kind:<{kinds}}  {name:<{names}}  "
        lines.append(f"{begin}{first}".rstrip())
        lines += [f"{' ' * len(begin)}{fact}" for fact in rest]
    return "\n".join(lines)


def in_order_of_reading(changes: Sequence[Change]) -> list[Change]:
    """By kind and name, not in the order in which they are made."""
    return sorted(changes, key=lambda change: (change.place.rank, change.order))


def _facts(change: Change) -> Iterator[str]:
    match change:
        case Create():
            yield _summary(change)
        case Update():
            for name, (old, new) in change.shown.items():
                if HIDDEN in (old, new):
                    yield f"{_words(name)}: another one ({HIDDEN})"
                else:
                    yield f"{_words(name)}: {_said(old)} → {_said(new)}"
            if change.note:
                yield change.note
        case Rename():
            yield f"renamed to {change.to}" + (
                "; its webhook's URL stays" if change.place.kind == "trigger" else ""
            )


def _summary(change: Create) -> str:
    fields = change.fields
    match change.place.kind:
        case "connection":
            return str(fields["integration"])
        case "variable":
            return HIDDEN if fields["secret"] else _said(fields["value"])
        case "trigger":
            source = fields["connection"] or fields["kind"]
            return f"{source} → {fields['call'] or 'subscriptions only'}"
        case "schedule":
            return f"{fields['schedule']} → {fields['call'] or 'subscriptions only'}"
    return ""


def _row_of_files(files: Sequence[Change]) -> tuple[str, str, str, list[str]]:
    """Files in one line: how many, and which when they are few."""
    if all(isinstance(change, Create) for change in files):
        return "+", "files", str(len(files)), []
    words = {"create": " (new)", "delete": " (gone)"}
    names = [f"{change.place.name}{words.get(change.action, '')}" for change in sorted(files)]
    names.sort()
    more = [f"and {len(names) - _MOST_FILES} more"] if len(names) > _MOST_FILES else []
    return "~", "files", str(len(files)), [", ".join([*names[:_MOST_FILES], *more])]


def _words(name: str) -> str:
    return {"manifest_value": "value in the manifest"}.get(name, name.replace("_", " "))


def _said(value: Any) -> str:
    """A field's value in one line."""
    if value is None or value == "":
        return "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    text = str(value)
    if "\n" in text or text != text.strip():
        text = json.dumps(text, ensure_ascii=False)
    return text if len(text) <= _LONGEST_SHOWN else f"{text[: _LONGEST_SHOWN - 1]}…"
