"""What a project directory would become: everything checked and computed before anything is written.

``prepare`` reads the directory and the store and raises ``DeployError`` with the user's file and line; ``request``
writes the build and the deployment record. The supervisor makes it real.
"""

from __future__ import annotations

import ast
import base64
import functools
import hashlib
import json
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import manifest
from manifest import render
from worker import environment
from worker.errors import DeployError, UserCodeError
from worker.store import Store
from worker.store.records import Deployment
from worker.usercode import archive, hints

MANIFEST_NAME = "autokitteh.yaml"
REQUIREMENTS_NAME = "requirements.txt"


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
    directory = directory.resolve()
    desired, warnings = read_manifest(directory)
    packed = archive.pack(directory)
    for name in packed.files:
        if name.endswith(".py"):
            check_syntax(directory / name, name)
    requirements_file = directory / REQUIREMENTS_NAME
    requirements = requirements_file.read_text() if requirements_file.is_file() else ""
    project = desired["project"]["name"]
    values, secret_names = configuration(desired, store)
    version = version_of(packed.build_id, values, requirements)
    active = store.deployments.active(project)
    changed = active is None or active.version != version or active.desired != desired
    return Prepared(
        project=project,
        directory=directory,
        packed=packed,
        desired=desired,
        environment=values,
        secret_names=secret_names,
        requirements=requirements,
        version=version,
        changed=changed,
        warnings=[*warnings, *unkeepable(directory, packed.files, desired)],
    )


def read_manifest(directory: Path) -> tuple[dict[str, Any], list[str]]:
    """The checked manifest as JSON, and its warnings as text."""
    path = directory / MANIFEST_NAME
    if not path.is_file():
        raise DeployError(
            f"there is no {MANIFEST_NAME} in {directory}", hint="Create one, or name the project's directory."
        )
    result = manifest.load(path, directory=directory)
    problems = render.text(result.problems, path.read_text(errors="replace"))
    if result.manifest is None or any(problem.severity == "error" for problem in result.problems):
        raise DeployError(f"{MANIFEST_NAME} has problems; nothing was deployed\n{problems}")
    if result.manifest.project is None:
        raise DeployError(
            f"{MANIFEST_NAME} names no project", where=f"{MANIFEST_NAME}:1", hint="Add `project: {name: …}`."
        )
    return result.manifest.to_json(), [problems] if result.problems else []


def check_syntax(path: Path, name: str) -> None:
    """Every Python file must at least parse: a broken one would only show at its first import."""
    try:
        ast.parse(path.read_bytes(), filename=name)
    except SyntaxError as error:
        shown = f"\n    {error.text.rstrip()}" if error.text else ""
        raise UserCodeError(f"{error.msg}{shown}", where=f"{name}:{error.lineno}") from None
    except ValueError as error:
        raise UserCodeError(str(error), where=f"{name}:1") from None


def unkeepable(directory: Path, files: list[str], desired: dict[str, Any]) -> list[str]:
    """Where a durable handler would make an object that cannot be kept; nothing when no handler is durable."""
    if not any(item["call"] and item["is_durable"] for item in desired["project"]["triggers"]):
        return []
    return [
        f"{where}: {name} gives an object that cannot be kept; use it in a function marked @autokitteh.activity, "
        "or say is_durable: false"
        for file in files
        if file.endswith(".py")
        for where, name in hints.hints((directory / file).read_text(errors="replace"), file)
    ]


def configuration(desired: dict[str, Any], store: Store) -> tuple[dict[str, str], list[str]]:
    """The variables a deployment's process sees, and which of them are secret.

    A value set by hand is kept unless the manifest's own value changed since it was last applied.
    """
    project = desired["project"]
    stored = {(item.connection, item.name): item for item in store.vars.list(project["name"])}
    wanted = {("", item["name"]): item for item in project["vars"]}
    for connection in project["connections"]:
        wanted |= {(connection["name"], item["name"]): item for item in connection["vars"]}
    values: dict[str, str] = {}
    secret_names: list[str] = []
    for scope, item in wanted.items():
        known = stored.get(scope)
        keep = known is not None and known.manifest_value == item["value"]
        names = "__".join(part for part in scope if part)
        values[names] = known.value if keep and known is not None else item["value"]
        if item["secret"] or (known is not None and known.secret):
            secret_names.append(names)
    connections = {connection["name"] for connection in project["connections"]}
    for scope, known in stored.items():
        by_hand = known.manifest_value is None
        if scope not in wanted and by_hand and (not scope[0] or scope[0] in connections):
            names = "__".join(part for part in scope if part)
            values[names] = known.value
            if known.secret:
                secret_names.append(names)
    return values, sorted(secret_names)


def version_of(build_id: str, values: dict[str, str], requirements: str) -> str:
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
    desired = with_stored_values(active.desired, store)
    values, secret_names = configuration(desired, store)
    version = version_of(active.build_id, values, active.requirements)
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
