"""Temporal Worker Versioning: which version is current, which still have sessions, and how many there are.

Deployment name = project, build id = the deployment's version. All of it is asked from Temporal; nothing is counted here.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from temporalio.api.enums.v1 import DescribeTaskQueueMode, TaskQueueKind, TaskQueueType, VersionDrainageStatus
from temporalio.api.workflowservice.v1 import (
    DescribeTaskQueueRequest,
    DescribeWorkerDeploymentRequest,
    DescribeWorkerDeploymentResponse,
    DescribeWorkerDeploymentVersionRequest,
    SetWorkerDeploymentCurrentVersionRequest,
)
from temporalio.client import Client
from temporalio.service import RPCError, RPCStatusCode

from worker import clock
from worker.errors import DeployError
from worker.rpc import is_gone, patiently, refused

_POLL_SECONDS = 0.05
_HOPELESS = (RPCStatusCode.INVALID_ARGUMENT, RPCStatusCode.PERMISSION_DENIED, RPCStatusCode.UNAUTHENTICATED)
_AT_ONCE = 20  # versions asked about in one call
_ROOM = 5  # versions kept free below the limit


@dataclass(frozen=True)
class Version:
    """One version of a project as Temporal knows it. A drained one is replaced when there is no room for a new one."""

    build_id: str
    current: bool
    drained: bool = False


async def describe(client: Client, project: str) -> list[Version]:
    """The versions of a project; empty when Temporal never heard of it."""
    info = await _describe(client, project)
    if info is None:
        return []
    current = info.worker_deployment_info.routing_config.current_deployment_version.build_id
    return [
        Version(
            summary.deployment_version.build_id,
            summary.deployment_version.build_id == current,
            summary.drainage_status == VersionDrainageStatus.VERSION_DRAINAGE_STATUS_DRAINED,
        )
        for summary in info.worker_deployment_info.version_summaries
    ]


async def tasks_pending(client: Client, project: str, known: Sequence[Version]) -> dict[str, int]:
    """How many tasks wait for a worker, by kind, in all versions that may still have some."""
    found = {"workflow": 0, "activity": 0}
    kinds = {
        TaskQueueType.TASK_QUEUE_TYPE_WORKFLOW: "workflow",
        TaskQueueType.TASK_QUEUE_TYPE_ACTIVITY: "activity",
    }
    for version in known:
        if version.drained:
            continue
        request = DescribeWorkerDeploymentVersionRequest(
            namespace=client.namespace, report_task_queue_stats=True
        )
        request.deployment_version.deployment_name = project
        request.deployment_version.build_id = version.build_id
        try:
            answer = await patiently(client.workflow_service.describe_worker_deployment_version, request)
        except RPCError as error:
            if is_gone(error):
                continue
            raise refused(f"Temporal does not describe the versions of {project}", error) from None
        for queue in answer.version_task_queues:
            if queue.name == project and queue.type in kinds:
                found[kinds[queue.type]] += queue.stats.approximate_backlog_count
    return found


async def _describe(client: Client, project: str) -> DescribeWorkerDeploymentResponse | None:
    try:
        return await patiently(
            client.workflow_service.describe_worker_deployment,
            DescribeWorkerDeploymentRequest(namespace=client.namespace, deployment_name=project),
        )
    except RPCError as error:
        if is_gone(error):
            return None
        raise refused(f"Temporal does not describe the versions of {project}", error) from None


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
            if error.status in _HOPELESS or clock.monotonic() > end:
                raise refused(f"Temporal did not register version {build_id} of {project}", error) from None
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
            if clock.monotonic() > end or error.status in _HOPELESS:
                raise refused(
                    f"Temporal did not make version {build_id} of {project} current", error
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
        raise refused(f"Temporal does not count the sessions of {project}", error) from None


async def unserved(client: Client, project: str, served: Iterable[str]) -> list[str]:
    """The versions of a project that have open sessions, other than those that are served."""
    query = f'TemporalWorkerDeployment="{project}" AND ExecutionStatus="Running"'
    query += "".join(f' AND TemporalWorkerDeploymentVersion!="{project}:{build_id}"' for build_id in served)
    found: set[str] = set()
    try:
        if (await client.count_workflows(query)).count:
            async for execution in client.list_workflows(query, page_size=100, limit=1000):
                for name in execution.search_attributes.get("TemporalWorkerDeploymentVersion") or ():
                    found.add(str(name).removeprefix(f"{project}:"))
    except RPCError as error:
        raise refused(f"Temporal does not list the sessions of {project}", error) from None
    return sorted(found)


async def backlogs(client: Client, project: str, build_ids: Sequence[str]) -> set[str]:
    """Those of the versions for which Temporal has tasks that nobody takes. What it says is up to five seconds old."""
    found: set[str] = set()
    for start in range(0, len(build_ids), _AT_ONCE):
        names = {f"{project}:{build_id}": build_id for build_id in build_ids[start : start + _AT_ONCE]}
        request = DescribeTaskQueueRequest(
            namespace=client.namespace,
            api_mode=DescribeTaskQueueMode.DESCRIBE_TASK_QUEUE_MODE_ENHANCED,
            task_queue_types=[
                TaskQueueType.TASK_QUEUE_TYPE_WORKFLOW,
                TaskQueueType.TASK_QUEUE_TYPE_ACTIVITY,
            ],
            report_stats=True,
        )
        request.task_queue.name = project
        request.task_queue.kind = TaskQueueKind.TASK_QUEUE_KIND_NORMAL
        request.versions.build_ids.extend(names)
        try:
            answer = await patiently(client.workflow_service.describe_task_queue, request)
        except RPCError as error:
            raise refused(f"Temporal does not describe the task queue {project}", error) from None
        for name, info in answer.versions_info.items():
            if any(kind.stats.approximate_backlog_count for kind in info.types_info.values()):
                found.add(names[name])
    return found


async def check_room(client: Client, project: str, build_id: str, limit: int) -> None:
    """Refuse a new version before Temporal's limit is reached: past it the new process could not register at all."""
    versions = await describe(client, project)
    held = [version for version in versions if not version.drained]
    if any(version.build_id == build_id for version in versions) or len(held) < limit - _ROOM:
        return  # drained versions are replaced by Temporal itself
    counts = {version.build_id: await open_sessions(client, project, version.build_id) for version in held}
    holding = sum(1 for count in counts.values() if count)
    raise DeployError(
        f"{project} has {len(versions)} versions in Temporal, {len(held)} of them not drained, {holding} with open"
        f" sessions; the limit is {limit}",
        hint="Wait for old sessions or stop them: `ak session list --state running`. Without sessions a version counts"
        " for some minutes more.",
    )


async def terminate(client: Client, workflow_id: str, run_id: str, reason: str) -> None:
    """Terminate one run; a run that ended meanwhile is no error."""
    with contextlib.suppress(RPCError):
        await client.get_workflow_handle(workflow_id, run_id=run_id).terminate(reason=reason)
