"""What a build process is started with: its files, its interpreter, its environment, its configuration."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from worker import environment
from worker.config import Settings, inherited_environment
from worker.contracts import EAGER_CALLS, BootConfig
from worker.errors import DeployError
from worker.payload.signing import derive_keys
from worker.store import Store
from worker.store.filters import filter_key
from worker.store.records import Deployment
from worker.supervisor import credentials
from worker.usercode import archive

_HASH_SEED = "0"  # iteration over sets of strings must be the same after a restart


@dataclass(frozen=True)
class Launch:
    """Everything ``child.start`` needs."""

    boot: BootConfig
    python: str
    environment: dict[str, str]
    log_file: Path


def prepare(
    deployment: Deployment,
    store: Store,
    settings: Settings,
    base_url: str,
    temporal_address: str,
    tell: Callable[[str], None],
) -> Launch:
    """Extract the build and make its interpreter; may take minutes when requirements are installed.

    Raises:
        DeployError: the build is gone, or its requirements cannot be installed.
    """
    build = store.builds.get(deployment.build_id)
    if build is None:
        raise DeployError(
            f"build {deployment.build_id} is not in the store", hint="Deploy the project again."
        )
    renames = store.triggers.renames(deployment.project, applied=True)
    renames |= store.triggers.renames(deployment.project, applied=False)  # with this deployment, perhaps
    urls = webhook_urls(deployment, store.triggers.reserve_slug, base_url, renames)
    variables = process_environment(deployment, urls, base_url)
    launch = launch_of(deployment, build.content, variables, settings, temporal_address, tell)
    told = credentials.of_now(deployment, store)
    known = replace(launch.boot, connections=told.connections, connection_secrets=told.secrets)
    return replace(launch, boot=known)


def rehearse(
    deployment: Deployment,
    content: bytes,
    store: Store,
    settings: Settings,
    base_url: str,
    tell: Callable[[str], None],
) -> Launch:
    """The same for a deployment that is not in the store; nothing is written there.

    Raises:
        DeployError: its requirements cannot be installed.
    """

    def slug(project: str, trigger: str) -> str:
        known = store.triggers.get(project, trigger)
        return known.slug if known is not None else "not-deployed-yet"

    variables = process_environment(deployment, webhook_urls(deployment, slug, base_url), base_url)
    return launch_of(deployment, content, variables, settings, "", tell)


def launch_of(
    deployment: Deployment,
    content: bytes,
    variables: dict[str, str],
    settings: Settings,
    temporal_address: str,
    tell: Callable[[str], None],
) -> Launch:
    """Extract a build's content and make its interpreter."""
    directory = settings.home / "builds" / deployment.build_id
    archive.unpack(content, directory)
    os.utime(directory)  # it is in use, see worker.retention.files
    python = environment.interpreter(deployment.requirements, settings.cache_dir, directory, tell)
    keys = derive_keys(settings.installation_key(), deployment.project)
    triggers = deployment.desired["project"]["triggers"]
    boot = BootConfig(
        project=deployment.project,
        runtime_python=sys.executable,
        deployment=deployment.id,
        build=deployment.build_id,
        version=deployment.version,
        directory=str(directory),
        entrypoints=list(dict.fromkeys(trigger["call"] for trigger in triggers if trigger["call"])),
        temporal_address=temporal_address,
        temporal_namespace=settings.temporal_namespace,
        temporal_environment=settings.temporal_environment,
        database_url=settings.database_url,
        payload_keys={name: key.hex() for name, key in keys.items()},
        filter_key=filter_key(settings.installation_key(), deployment.project).hex(),
        secrets={
            name: deployment.environment[name]
            for name in deployment.secret_names
            if name in deployment.environment
        },
        max_cached_workflows=settings.max_cached_workflows,
        budget_seconds=settings.budget_seconds,
        idle_seconds=settings.idle_seconds,
        payload_limit=settings.payload_limit,
        log_level=settings.log_level.upper(),
        log_format=settings.log_format,
        history_warning=settings.history_warning,
        eager_calls=settings.eager_calls or EAGER_CALLS,
        tracing=settings.tracing,
    )
    return Launch(
        boot,
        python,
        variables,
        settings.home / "logs" / f"{deployment.project}-{deployment.id}.log",
    )


def process_environment(deployment: Deployment, urls: dict[str, str], base_url: str) -> dict[str, str]:
    """The environment of the process: ours without what is ours alone, and the deployment's variables on top.

    ``CONNECTION__connection_id`` is what events say of where they come from: the connection's name.
    """
    connections = deployment.desired["project"]["connections"]
    return (
        {f"{connection['name']}__connection_id": connection["name"] for connection in connections}
        | inherited_environment()
        | deployment.environment
        | urls
        | {"store_public_url": f"{base_url.rstrip('/')}/store/{deployment.project}"}
        | {"PYTHONHASHSEED": _HASH_SEED, "PYTHONUNBUFFERED": "1"}
    )


def webhook_urls(
    deployment: Deployment,
    slug: Callable[[str, str], str],
    base_url: str,
    renames: Mapping[str, str] | None = None,
) -> dict[str, str]:
    """``TRIGGER__webhook_url`` for each webhook trigger; relative when no address is known.

    Code may still say the name from before a rename (``renames``: old → new): it means the same trigger.
    """
    base = f"{base_url.rstrip('/')}/" if base_url else ""
    project, triggers = deployment.project, deployment.desired["project"]["triggers"]
    names = {trigger["name"] for trigger in triggers}
    webhooks = {trigger["name"] for trigger in triggers if trigger["kind"] == "webhook"}
    webhooks |= {old for old, new in (renames or {}).items() if new in webhooks and old not in names}
    return {f"{name}__webhook_url": f"{base}webhooks/{slug(project, name)}" for name in sorted(webhooks)}
