"""Temporal Worker Versioning: which version is current, which still have sessions, and how many there are.

Deployment name = project, build id = the deployment's version. All of it is asked from Temporal; nothing is counted here.
"""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass

from temporalio.api.workflowservice.v1 import (
    DescribeWorkerDeploymentRequest,
    DescribeWorkerDeploymentResponse,
    DescribeWorkerDeploymentVersionRequest,
    SetWorkerDeploymentCurrentVersionRequest,
)
from temporalio.client import Client
from temporalio.service import RPCError, RPCStatusCode

from worker import clock
from worker.errors import DeployError, TemporalError
from worker.rpc import is_gone

_POLL_SECONDS = 0.1
_NOT_YET = (RPCStatusCode.NOT_FOUND, RPCStatusCode.FAILED_PRECONDITION, RPCStatusCode.UNAVAILABLE)
VERSIONS_LIMIT = 100  # Temporal's default limit of versions in one deployment
_ROOM = 5  # versions kept free below the limit


@dataclass(frozen=True)
class Version:
    """One version of a project as Temporal knows it."""

    build_id: str
    current: bool


async def describe(client: Client, project: str) -> list[Version]:
    """The versions of a project; empty when Temporal never heard of it."""
    info = await _describe(client, project)
    if info is None:
        return []
    current = info.worker_deployment_info.routing_config.current_deployment_version.build_id
    return [
        Version(summary.deployment_version.build_id, summary.deployment_version.build_id == current)
        for summary in info.worker_deployment_info.version_summaries
    ]


async def _describe(client: Client, project: str) -> DescribeWorkerDeploymentResponse | None:
    try:
        return await client.workflow_service.describe_worker_deployment(
            DescribeWorkerDeploymentRequest(namespace=client.namespace, deployment_name=project)
        )
    except RPCError as error:
        if is_gone(error):
            return None
        raise TemporalError(
            f"Temporal does not describe the versions of {project}: {error.message}"
        ) from None


async def wait_registered(client: Client, project: str, build_id: str, timeout_seconds: float = 60.0) -> None:
    """Return once Temporal knows the version, which happens when its process polls for the first time."""
    request = DescribeWorkerDeploymentVersionRequest(namespace=client.namespace)
    request.deployment_version.deployment_name = project
    request.deployment_version.build_id = build_id
    end = clock.monotonic() + timeout_seconds
    while True:
        try:
            await client.workflow_service.describe_worker_deployment_version(request)
        except RPCError as error:
            if error.status not in _NOT_YET or clock.monotonic() > end:
                raise TemporalError(
                    f"Temporal did not register version {build_id} of {project}: {error.message}"
                ) from None
        else:
            return
        await asyncio.sleep(_POLL_SECONDS)


async def make_current(client: Client, project: str, build_id: str, timeout_seconds: float = 60.0) -> None:
    """Send new sessions to this version; safe to repeat."""
    request = SetWorkerDeploymentCurrentVersionRequest(
        namespace=client.namespace,
        deployment_name=project,
        build_id=build_id,
        ignore_missing_task_queues=True,
    )
    end = clock.monotonic() + timeout_seconds
    while True:
        try:
            await client.workflow_service.set_worker_deployment_current_version(request)
        except RPCError as error:
            if clock.monotonic() > end or error.status in {
                RPCStatusCode.INVALID_ARGUMENT,
                RPCStatusCode.PERMISSION_DENIED,
            }:
                raise TemporalError(
                    f"Temporal did not make version {build_id} of {project} current: {error.message}"
                ) from None
            await asyncio.sleep(_POLL_SECONDS)
        else:
            return


async def open_sessions(client: Client, project: str, build_id: str) -> int:
    """How many sessions run on the version."""
    query = f'TemporalWorkerDeploymentVersion="{project}:{build_id}" AND ExecutionStatus="Running"'
    try:
        return (await client.count_workflows(query)).count
    except RPCError as error:
        raise TemporalError(f"Temporal does not count the sessions of {project}: {error.message}") from None


async def check_room(client: Client, project: str, build_id: str, limit: int = VERSIONS_LIMIT) -> None:
    """Refuse a new version before Temporal's limit is reached: past it the new process could not register at all."""
    versions = [version.build_id for version in await describe(client, project)]
    if build_id in versions or len(versions) < limit - _ROOM:
        return
    holding = [name for name in versions if await open_sessions(client, project, name)]
    if len(holding) < limit - _ROOM:
        return  # drained versions are replaced by Temporal itself
    raise DeployError(
        f"{project} has {len(versions)} versions in Temporal, {len(holding)} of them with open sessions; the limit is {limit}",
        hint="Wait for old sessions or stop them: ak session list --state running",
    )


async def terminate(client: Client, workflow_id: str, run_id: str, reason: str) -> None:
    """Terminate one run; a run that ended meanwhile is no error."""
    with contextlib.suppress(RPCError):
        await client.get_workflow_handle(workflow_id, run_id=run_id).terminate(reason=reason)
