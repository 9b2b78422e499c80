"""Nodes + schema → model, or all the problems at once, each with file, line and column.

What the original system accepts silently and its users do write (an unknown key without meaning) is a warning; what
cannot work is an error.
"""

from __future__ import annotations

import difflib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from manifest import entrypoint, filters, schedules, source
from manifest.errors import Problem
from manifest.model import Connection, Manifest, Project, Trigger, Var
from manifest.schema import INTEGRATIONS, TRIGGER_KINDS, Key, is_name, keys_of
from manifest.source import Mapping, Node, Scalar, Sequence

_TRUE = frozenset({"true", "True", "TRUE"})
_FALSE = frozenset({"false", "False", "FALSE", ""})


@dataclass(frozen=True)
class LoadResult:
    """What came of a manifest: the model when there is no error, and every problem."""

    manifest: Manifest | None
    problems: list[Problem] = field(default_factory=list)


def load(path: Path | str, *, directory: Path | None = None) -> LoadResult:
    """Load a manifest file; with a directory, handlers are looked up there as well."""
    file = Path(path)
    try:
        text = file.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        return LoadResult(None, [Problem(file.name, 1, 1, f"this is not UTF-8: {error.reason}", "AK2001")])
    except OSError as error:
        return LoadResult(None, [Problem(file.name, 1, 1, f"it cannot be read: {error.strerror}", "AK2001")])
    return load_text(text, file.name, directory=directory)


def load_text(text: str, path: str = "autokitteh.yaml", *, directory: Path | None = None) -> LoadResult:
    """Load a manifest from its text."""
    root, problems = source.parse(text, path)
    if root is None:
        return LoadResult(None, problems)
    found = _Loader(path, directory).load(root)
    ordered = sorted(found.problems, key=lambda problem: (problem.line, problem.column, problem.code))
    failed = any(problem.severity == "error" for problem in ordered)
    return LoadResult(None if failed else found.manifest, ordered)


class _Loader:
    """Walks the nodes and collects."""

    def __init__(self, path: str, directory: Path | None) -> None:
        self.problems: list[Problem] = []
        self.manifest: Manifest | None = None
        self._path = path
        self._directory = directory
        self._broken_files: set[str] = set()

    def load(self, root: Node) -> _Loader:
        fields = self._object(root, "manifest", "the manifest")
        version = self._text(fields, "version")
        if "version" in fields and version not in ("v1", "v2"):
            hint = "v2 is the current one"
            self._report(fields["version"], f"version {version!r} is not v1 or v2", "AK2008", hint=hint)
        project = self._project(fields["project"]) if "project" in fields else None
        self.manifest = Manifest(version, project)
        return self

    def _project(self, node: Node) -> Project | None:
        if isinstance(node, Scalar) and node.is_null:
            return None
        fields = self._object(node, "project", "the project")
        connections = tuple(self._connection(item) for item in self._items(fields, "connections"))
        self._unique(fields, "connections", "connection")
        self._unique(fields, "vars", "variable")
        self._unique(fields, "triggers", "trigger")
        declared = {connection.name for connection in connections}
        return Project(
            self._name(fields, "project"),
            self._text(fields, "display_name"),
            connections,
            self._vars(fields),
            tuple(self._trigger(item, declared) for item in self._items(fields, "triggers")),
        )

    def _connection(self, node: Node) -> Connection:
        fields = self._object(node, "connection", "a connection")
        integration = self._text(fields, "integration")
        if "integration" in fields and integration not in INTEGRATIONS:
            hint = _close(integration, INTEGRATIONS)
            self._report(
                fields["integration"], f"there is no integration {integration!r}", "AK2014", hint=hint
            )
        self._unique(fields, "vars", "variable")
        return Connection(self._name(fields, "connection"), integration, self._vars(fields))

    def _vars(self, fields: dict[str, Node]) -> tuple[Var, ...]:
        found = []
        for node in self._items(fields, "vars"):
            item = self._object(node, "var", "a variable")
            found.append(
                Var(
                    self._name(item, "variable"),
                    self._text(item, "value"),
                    self._text(item, "description"),
                    self._bool(item, "secret", default=False),
                )
            )
        return tuple(found)

    def _trigger(self, node: Node, declared: set[str]) -> Trigger:
        fields = self._object(node, "trigger", "a trigger")
        name = self._name(fields, "trigger")
        kind = self._kind(node, fields, name)
        connection, schedule = self._text(fields, "connection"), self._text(fields, "schedule")
        if kind == "connection" and connection and connection not in declared:
            hint = _close(connection, declared) or "declare it under connections"
            self._report(
                fields["connection"], f"connection {connection!r} is not declared", "AK2015", hint=hint
            )
        if kind:
            self._check_schedule(fields, schedule if kind == "schedule" else "", kind)
        event_type = self._text(fields, "event_type")
        is_sync = self._bool(fields, "is_sync", default=False)
        if is_sync and kind not in {"webhook", ""}:
            # A warning, since AutoKitteh takes it and what it asks for changes nothing.
            self._report(
                fields["is_sync"],
                f"is_sync means nothing to a {kind}: only the caller of a webhook waits for an answer",
                "AK2002",
                severity="warning",
                hint="remove it",
            )
        return Trigger(
            name,
            kind,
            self._call(fields),
            "" if event_type == "*" else event_type,
            self._filter(fields),
            self._bool(fields, "is_durable", default=True),
            is_sync,
            connection,
            schedule,
            *(self._text(fields, key) for key in schedules.OPTIONS),
        )

    def _check_schedule(self, fields: dict[str, Node], schedule: str, kind: str) -> None:
        found = schedules.find_problem(schedule) if schedule else None
        if found is not None:
            node, (offset, message) = fields["schedule"], found
            assert isinstance(node, Scalar)
            line, column = node.place(1, offset + 1)
            hint = 'examples: "0 9 * * 1-5", @daily, @every 90s'
            self.problems.append(Problem(self._path, line, column, message, "AK2010", hint=hint))
        for key in schedules.OPTIONS:
            value = self._text(fields, key)
            if not value:
                continue
            if kind != "schedule":
                self._report(fields[key], f"{key} means nothing to a {kind}", "AK2010")
                continue
            wrong = _option_problem(key, value, schedule)
            if wrong is not None:
                self._report(fields[key], wrong, "AK2010")

    def _kind(self, node: Node, fields: dict[str, Node], name: str) -> str:
        """The trigger's kind: said by ``type``, by the key of that name, or by both alike."""
        named = [kind for kind in TRIGGER_KINDS if kind in fields and not self._is_null(fields[kind], kind)]
        said = self._text(fields, "type")
        label = f"trigger {name!r}" if name else "this trigger"
        if said and said not in TRIGGER_KINDS:
            self._report(
                fields["type"],
                f"{said!r} is not a type of trigger",
                "AK2009",
                hint=_close(said, TRIGGER_KINDS),
            )
            return named[0] if named else ""
        if len(named) > 1:
            self._report(
                fields[named[1]],
                f"{label} is both {' and '.join(named)}",
                "AK2009",
                hint="make it two triggers",
            )
        elif not named and not said:
            self._report(
                node,
                f"{label} does not say what it is",
                "AK2009",
                hint="add `type: webhook`, a schedule or a connection",
            )
        elif said and named and said != named[0]:
            self._report(fields["type"], f"{label} says type {said!r} and has a {named[0]}", "AK2009")
        elif said and not named and said != "webhook":
            self._report(fields["type"], f"{label} has type {said!r} but no `{said}:`", "AK2007")
        return said or (named[0] if named else "")

    def _is_null(self, node: Node, kind: str) -> bool:
        """``webhook:`` with nothing after it counts as there; an empty schedule or connection does not."""
        return kind != "webhook" and isinstance(node, Scalar) and not node.text

    def _call(self, fields: dict[str, Node]) -> str:
        text = self._text(fields, "call")
        if not text:
            return ""
        node = fields["call"]
        entry = entrypoint.parse(text)
        if entry is None:
            self._report(
                node, f"{text!r} is not file.py:function", "AK2011", hint="example: main.py:on_event"
            )
            return text
        if self._directory is not None:
            missing = entrypoint.find(entry, self._directory)
            if missing is not None and missing.line:
                if entry.path not in self._broken_files:
                    self._broken_files.add(entry.path)
                    self.problems.append(
                        Problem(entry.path, missing.line, missing.column, missing.message, "AK2016")
                    )
            elif missing is not None:
                self._report(node, missing.message, "AK2012", hint=missing.hint)
        return str(entry)

    def _filter(self, fields: dict[str, Node]) -> str:
        text = self._text(fields, "filter")
        if text.strip() in {"", "."}:
            return ""
        node = fields["filter"]
        assert isinstance(node, Scalar)
        for line, column, message in filters.check(text):
            at_line, at_column = node.place(line, column)
            self.problems.append(Problem(self._path, at_line, at_column, f"filter: {message}", "AK2013"))
        return text

    def _object(self, node: Node, name: str, label: str) -> dict[str, Node]:
        """The fields of an object; what is unknown, doubled, mistyped or missing is reported."""
        if not isinstance(node, Mapping):
            self._report(node, f"{label} is not a mapping of keys to values", "AK2004")
            return {}
        keys = keys_of(name)
        fields: dict[str, Node] = {}
        for key, value in node.pairs:
            if key.text in fields:
                self._report(key, f"{key.text!r} is given twice", "AK2003")
            elif key.text in keys:
                if keys[key.text].ignored:
                    self._report(key, f"{key.text!r} has no meaning in {label}", "AK2002", severity="warning")
                elif self._fits(keys[key.text], value, key):
                    fields[key.text] = value
            elif not key.text.startswith("x-"):
                hint = _close(key.text, [k.name for k in keys.values() if not k.ignored])
                self._report(key, f"{label} has no key {key.text!r}", "AK2002", hint=hint)
        present = {key.text for key, _ in node.pairs}
        for wanted in keys.values():
            if wanted.required and wanted.name not in present:
                self._report(node, f"{label} has no {wanted.name}", "AK2007")
        return fields

    def _fits(self, key: Key, value: Node, name: Scalar) -> bool:
        wanted = {"text": Scalar, "bool": Scalar, "map": Mapping}.get(key.type, Mapping)
        if key.type.startswith("list of "):
            wanted = Sequence
        empty = isinstance(value, Scalar) and value.is_null
        if isinstance(value, wanted) or (empty and not key.required):
            return True
        words = {Scalar: "one value", Mapping: "a mapping", Sequence: "a list"}
        self._report(value, f"{name.text!r} takes {words[wanted]}", "AK2004")
        return False

    def _items(self, fields: dict[str, Node], key: str) -> tuple[Node, ...]:
        node = fields.get(key)
        return node.items if isinstance(node, Sequence) else ()

    def _unique(self, fields: dict[str, Node], key: str, label: str) -> None:
        seen: dict[str, Node] = {}
        for item in self._items(fields, key):
            name = item.get("name") if isinstance(item, Mapping) else None
            if isinstance(name, Scalar) and name.text:
                if name.text in seen:
                    self._report(
                        name,
                        f"there are two {label}s {name.text!r} (the first in line {seen[name.text].line})",
                        "AK2006",
                    )
                seen.setdefault(name.text, name)

    def _text(self, fields: dict[str, Node], key: str) -> str:
        node = fields.get(key)
        return node.text if isinstance(node, Scalar) else ""

    def _name(self, fields: dict[str, Node], label: str) -> str:
        text = self._text(fields, "name")
        if "name" in fields and not is_name(text):
            self._report(
                fields["name"],
                f"{text!r} is not a {label}'s name",
                "AK2005",
                hint="letters, digits and _, no digit first",
            )
        return text

    def _bool(self, fields: dict[str, Node], key: str, *, default: bool) -> bool:
        node = fields.get(key)
        if not isinstance(node, Scalar) or node.is_null:
            return default
        if node.text in _TRUE:
            return True
        if node.text not in _FALSE:
            self._report(node, f"{key!r} is true or false, not {node.text!r}", "AK2004")
        return False

    def _report(
        self, node: Node, message: str, code: str, *, hint: str = "", severity: str = "error"
    ) -> None:
        self.problems.append(Problem(self._path, node.line, node.column, message, code, severity, hint))


def _close(name: str, known: Any) -> str:
    found = difflib.get_close_matches(name, sorted(known), 1)
    return f"did you mean {found[0]}?" if found else ""


def _option_problem(key: str, value: str, schedule: str) -> str | None:
    if key == "timezone":
        if schedules.zone_of(schedule):
            return "the schedule names its time zone already"
        if "@every" in schedule:
            return "an interval has no time zone"
        return schedules.zone_problem(value)
    if key == "overlap":
        known = ", ".join(schedules.OVERLAPS)
        return None if value in schedules.OVERLAPS else f"{value!r} is none of {known}"
    if schedules.seconds_of(value) is None:
        return f"{key} is a duration of whole seconds, such as 30s, 10m or 1d"
    return None
