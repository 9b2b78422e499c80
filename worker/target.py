"""What a project directory would become: everything checked and computed before anything is written.

``prepare`` reads the directory and the store and raises ``DeployError`` with the user's file and line; ``request``
writes the build and the deployment record. The supervisor makes it real.
"""

from __future__ import annotations

import ast
import base64
import contextlib
import datetime as dt
import functools
import hashlib
import json
import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import manifest
from manifest import Manifest, Plan, Project, State, Usage, render
from manifest.plan import variable_fields
from worker import clock, config, environment, planning
from worker.errors import DeployError, UserCodeError
from worker.store import Store
from worker.store.records import Deployment
from worker.usercode import archive, hints

MANIFEST_NAME = "autokitteh.yaml"
REQUIREMENTS_NAME = archive.REQUIREMENTS
_RECENT = dt.timedelta(days=1)  # a trigger that had an event since then is in use


@dataclass(frozen=True)
class Prepared:
    """A checked project, ready to be deployed."""

    project: str
    directory: Path
    packed: archive.Archive
    desired: dict[str, Any]
    environment: dict[str, str]
    secret_names: list[str]
    requirements: str
    version: str
    changed: bool
    plan: Plan
    warnings: list[str] = field(default_factory=list)

    @property
    def triggers(self) -> list[dict[str, Any]]:
        """The manifest's triggers."""
        triggers: list[dict[str, Any]] = self.desired["project"]["triggers"]
        return triggers

    @property
    def handlers(self) -> list[str]:
        """The handlers that triggers name, each once, in the manifest's order."""
        return list(dict.fromkeys(trigger["call"] for trigger in self.triggers if trigger["call"]))


def prepare(directory: Path, store: Store) -> Prepared:
    """Check a project directory and compute its deployment; writes nothing.

    Args:
        directory: holds ``autokitteh.yaml`` and the code.
        store: what is deployed now.

    Raises:
        DeployError: with every problem of the manifest, or the first of the code.
    """
    directory = place_of(directory)
    desired, warnings = read_manifest(directory)
    packed = archive.pack(directory, without=config.home_directory())
    sources = {name: text for name, text in packed.texts.items() if name.endswith(".py")}
    for name, source in sources.items():
        check_syntax(source, name)
    requirements = packed.texts.get(REQUIREMENTS_NAME, b"").decode(errors="replace")
    wanted = Manifest.from_json(desired).project
    assert wanted is not None
    current = store.deployments.state(wanted.name)
    made = manifest.plan(wanted, current)
    values, secret_names = configuration(wanted, current)
    version = version_of(packed.build_id, decisive(values, wanted, packed.content), requirements)
    active = store.deployments.active(wanted.name)
    changed = active is None or active.version != version or active.desired != desired or bool(made.changes)
    if changed:
        made = planning.whole(made, current, active, packed, values, requirements, store)
    return Prepared(
        project=wanted.name,
        directory=directory,
        packed=packed,
        desired=desired,
        environment=values,
        secret_names=secret_names,
        requirements=requirements,
        version=version,
        changed=changed,
        plan=made,
        warnings=[*warnings, *unkeepable(sources, desired)],
    )


def usage(project: str, store: Store) -> Usage:
    """What of a project is in use: a change that takes it away should not come as a surprise."""
    return Usage(store.events.used_since(project, clock.now() - _RECENT), store.mailbox.waiting(project))


def place_of(directory: Path) -> Path:
    """A project's directory, without links.

    Raises:
        DeployError: links lead round in a circle, or it is a file.
    """
    try:
        reason = "links lead round in a circle" if archive.leads_round(directory) else ""
        found = directory if reason else directory.resolve()
    except OSError as error:
        reason, found = str(error.strerror), directory
    if reason:
        raise DeployError(f"{directory} is no directory: {reason}", hint="Name the project's directory.")
    if found.is_file():
        raise DeployError(f"{directory} is a file", hint="Name the project's directory.")
    return found


def read_manifest(
    directory: Path, consequence: str = "nothing was deployed"
) -> tuple[dict[str, Any], list[str]]:
    """The checked manifest as JSON, and its warnings as text; ``consequence`` is said where there are problems."""
    path = directory / MANIFEST_NAME
    if not path.is_file():
        raise DeployError(
            f"there is no {MANIFEST_NAME} in {directory}", hint="Create one, or name the project's directory."
        )
    result = manifest.load(path, directory=directory)
    text = ""
    with contextlib.suppress(OSError):  # which is one of the problems then
        text = path.read_text(errors="replace")
    problems = render.text(result.problems, text)
    if result.manifest is None or any(problem.severity == "error" for problem in result.problems):
        files = list(
            dict.fromkeys(problem.path for problem in result.problems if problem.severity == "error")
        )
        has = "has" if len(files) == 1 else "have"
        raise DeployError(f"{' and '.join(files)} {has} problems; {consequence}\n{problems}")
    if result.manifest.project is None:
        raise DeployError(
            f"{MANIFEST_NAME} names no project", where=f"{MANIFEST_NAME}:1", hint="Add `project: {name: …}`."
        )
    return result.manifest.to_json(), [problems] if result.problems else []


def check_syntax(source: bytes, name: str) -> None:
    """Every Python file must at least parse: a broken one would only show at its first import."""
    try:
        ast.parse(source, filename=name)
    except (SyntaxError, ValueError) as error:
        if isinstance(error, SyntaxError) and error.lineno:  # without a line: there are zeros in it
            shown = f"\n    {error.text.rstrip()}" if error.text else ""
            where = f"{name}:{error.lineno}"
            hint = "Correct it; nothing was changed."
            raise UserCodeError(f"{error.msg}{shown}", where=where, hint=hint) from None
        hint = "Save it again as text; nothing was changed."
        raise UserCodeError(f"the file is not Python: {error}", where=f"{name}:1", hint=hint) from None
    except (RecursionError, MemoryError):
        hint = "Break the expression up; nothing was changed."
        raise UserCodeError(
            "the code is nested too deeply to be compiled", where=f"{name}:1", hint=hint
        ) from None


def unkeepable(sources: Mapping[str, bytes], desired: dict[str, Any]) -> list[str]:
    """Where a durable handler would make an object that cannot be kept; nothing when no handler is durable."""
    if not any(item["call"] and item["is_durable"] for item in desired["project"]["triggers"]):
        return []
    return [
        f"{where}: {name} gives an object that cannot be kept; use it in a function marked @autokitteh.activity, "
        "or say is_durable: false"
        for file, source in sources.items()
        for where, name in hints.hints(source.decode(errors="replace"), file)
    ]


def configuration(desired: Project, current: State) -> tuple[dict[str, str], list[str]]:
    """The variables a deployment's process sees, and which of them are secret.

    They are those that will be there when the plan is carried out; see the rules of ``manifest.plan``.
    """
    stored = {(item.connection, item.name): item for item in current.variables}
    wanted = {("", item.name): item for item in desired.vars}
    for connection in desired.connections:
        wanted |= {(connection.name, item.name): item for item in connection.vars}
    connections = {"", *(connection.name for connection in desired.connections)}
    found = [(scope, variable_fields(item, stored.get(scope))) for scope, item in wanted.items()]
    found += [
        (scope, {"value": item.value, "secret": item.secret})
        for scope, item in stored.items()
        if scope not in wanted and item.manifest_value is None and scope[0] in connections
    ]
    values = {planning.variable_name(*scope): str(fields["value"]) for scope, fields in found}
    return values, sorted(planning.variable_name(*scope) for scope, fields in found if fields["secret"])


def decisive(values: dict[str, str], desired: Project, content: bytes) -> dict[str, str | None]:
    """The variables as far as they decide behaviour: of a connection's, that they are set, not what they are.

    Clients of connections see the values of now wherever they make a call, so another token is no other version.
    Where the project's own code may read a connection's variable from the environment, its value decides as well.
    """
    connections = [connection.name for connection in desired.connections]
    names = [name for name in values if name.startswith(tuple(f"{name}__" for name in connections))]
    plain = archive.mentions(content, reading(connections, names)) if names and content else True
    return {**values, **({} if plain else dict.fromkeys(names))}


def reading(connections: list[str], names: list[str]) -> re.Pattern[str]:
    """What source code holds that reads variables of connections from the environment.

    A name such as ``slack__``, an end such as ``__BotToken``, or a name that is put together: ``f"{name}__{key}"``.
    """
    ends = {name.partition("__")[2] for name in names}
    written = [rf"\b{re.escape(name)}__" for name in connections] + [rf"__{re.escape(end)}\b" for end in ends]
    return re.compile("|".join([*written, r"""[}"']__[{"']"""]))


def version_of(build_id: str, values: Mapping[str, str | None], requirements: str) -> str:
    """The build id in Temporal: a hash of all that decides behaviour."""
    parts = json.dumps(
        [build_id, sorted(values.items()), environment.requirement_lines(requirements), runtime_fingerprint()]
    )
    digest = hashlib.sha256(parts.encode()).digest()
    return base64.b32encode(digest[:10]).decode().lower()


@functools.cache
def runtime_fingerprint() -> str:
    """A hash of our own code and of Python's version: another runtime is another version."""
    digest = hashlib.sha256(f"{sys.version_info[:2]}".encode())
    for package in ("autokitteh", "worker"):
        root = environment.package_root() / package
        for path in sorted(root.rglob("*.py")):
            digest.update(str(path.relative_to(root)).encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()


def request(prepared: Prepared, store: Store) -> Deployment:
    """Write the build and ask for its deployment; the supervisor does the rest."""
    store.projects.ensure(prepared.project, prepared.desired["project"].get("display_name", ""))
    if not store.builds.exists(prepared.packed.build_id):
        store.builds.put(
            prepared.project, prepared.packed.build_id, prepared.packed.content, prepared.packed.files
        )
    return store.deployments.request(
        prepared.project,
        prepared.packed.build_id,
        prepared.version,
        prepared.desired,
        prepared.environment,
        prepared.secret_names,
        prepared.requirements,
    )


def reconfigure(project: str, store: Store) -> Deployment | None:
    """Deploy the active build again with the variables as they are now; None when nothing is active or changed."""
    active = store.deployments.active(project)
    if active is None:
        return None
    wanted = Manifest.from_json(with_stored_values(active.desired, store)).project
    assert wanted is not None
    values, secret_names = configuration(wanted, store.deployments.state(project))
    build = store.builds.get(active.build_id) if wanted.connections else None
    content = build.content if build is not None else b""
    version = version_of(active.build_id, decisive(values, wanted, content), active.requirements)
    if version == active.version:
        return None
    return store.deployments.request(
        project,
        active.build_id,
        version,
        active.desired,
        values,
        secret_names,
        active.requirements,
    )


def with_stored_values(desired: dict[str, Any], store: Store) -> dict[str, Any]:
    """The manifest as it was applied: a variable it names keeps what the store remembers of the manifest's value."""
    known = {(item.connection, item.name): item for item in store.vars.list(desired["project"]["name"])}

    def applied(connection: str, items: list[dict[str, Any]]) -> list[dict[str, Any]]:
        return [
            item | {"value": known[connection, item["name"]].manifest_value}
            for item in items
            if (connection, item["name"]) in known
            and known[connection, item["name"]].manifest_value is not None
        ]

    project = desired["project"]
    connections = [c | {"vars": applied(c["name"], c["vars"])} for c in project["connections"]]
    return desired | {"project": project | {"vars": applied("", project["vars"]), "connections": connections}}


def as_json(deployment: Deployment, prepared: Prepared, links: dict[str, dict[str, str]]) -> dict[str, Any]:
    """What ``ak deploy --json`` prints."""
    return {
        "project": deployment.project,
        "deployment": deployment.id,
        "build": deployment.build_id,
        "changed": prepared.changed,
        "webhooks": links["webhooks"],
        "start": links["start"],
    }
