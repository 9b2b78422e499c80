"""Delete a project from Temporal and from the store.

1. Nothing new begins: no deployment is active, no trigger is there.
2. Its sessions are stopped: cancelled, so that ``finally`` blocks run; after a grace terminated. Where no worker runs
   they are terminated at once, for nobody would carry out the cancellation.
3. Its schedules are deleted, the supervisors stop its processes, its histories, versions and files are deleted.
4. Its rows are deleted, its name with them: as long as anything is left, there is a project to delete again.

Each step can be repeated: a deletion that was cut short is finished by the next one.
"""

from __future__ import annotations

import asyncio
import contextlib
import shutil
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from pathlib import Path

from temporalio.api.common.v1 import WorkflowExecution as Execution
from temporalio.api.workflowservice.v1 import (
    DeleteWorkerDeploymentRequest,
    DeleteWorkerDeploymentVersionRequest,
    DeleteWorkflowExecutionRequest,
    SetWorkerDeploymentCurrentVersionRequest,
)
from temporalio.client import Client, WorkflowExecution
from temporalio.service import RPCError

from worker import clock, versions
from worker.dispatch import schedules
from worker.errors import InUseError, TemporalError
from worker.rpc import is_gone, patiently, refused
from worker.store import Store

_POLL_SECONDS = 0.2
_GRACE_SECONDS = 10.0
_LONGEST_SECONDS = 90.0
_ALIVE_SECONDS = 15.0
_NAMED = 3
_AT_ONCE = 20
_REASON = "the project is deleted"

Tell = Callable[[str], None]


@dataclass
class Removed:
    """What is gone, and what could not be deleted because Temporal still uses it."""

    sessions_stopped: int = 0
    histories: int = 0
    schedules: int = 0
    builds: list[str] = field(default_factory=list)
    versions_left: int = 0


async def open_sessions(client: Client, project: str) -> list[str]:
    """The ids of the sessions that run."""
    return [
        item.id async for item in _workflows(client, f'TaskQueue="{project}" AND ExecutionStatus="Running"')
    ]


async def remove(
    client: Client, store: Store, project: str, home: Path, *, force: bool, tell: Tell
) -> Removed:
    """Delete a project.

    Args:
        client: of the namespace.
        store: of the installation.
        project: its name.
        home: where this machine keeps extracted builds and logs.
        force: stop its sessions.
        tell: called with progress.

    Raises:
        InUseError: sessions run, and ``force`` was not given; nothing was changed.
        TemporalError: Temporal cannot be reached; run it again to go on.
    """
    running = await open_sessions(client, project)
    if running and not force:
        names = ", ".join(running[:_NAMED]) + (", …" if len(running) > _NAMED else "")
        raise InUseError(
            f"{project} has {_sessions(len(running))} open: {names}; nothing was changed",
            hint="Wait for them or stop them (`ak session stop`), or let `--force` stop them.",
        )
    done = Removed()
    # Counted first: once its triggers are gone, a supervisor deletes schedules, too.
    scheduled = await _schedules(client, project)
    await asyncio.to_thread(store.removing.quiet, project)
    done.sessions_stopped = await _stop(client, store, project, tell)
    scheduled |= await _delete_schedules(client, project)
    await _wait_for_supervisors(store, project, tell)
    done.histories = await _delete_histories(client, project)
    done.versions_left = await _delete_versions(client, project)
    # A supervisor that was writing schedules when we began has noticed by now.
    scheduled |= await _delete_schedules(client, project)
    done.schedules = len(scheduled)
    own = await asyncio.to_thread(store.removing.builds, project)
    await asyncio.to_thread(_delete_files, home, project, own)
    done.builds = await asyncio.to_thread(store.removing.erase, project)
    return done


async def _stop(client: Client, store: Store, project: str, tell: Tell) -> int:
    """Stop all that runs; returns how many sessions there were."""
    began, asked = clock.monotonic(), set[str]()
    queries = (f'TaskQueue="{project}"', f'WorkflowId STARTS_WITH "tick_{project}:"')
    while True:
        running = [
            item
            for query in queries
            async for item in _workflows(client, f'{query} AND ExecutionStatus="Running"')
        ]
        if not running:
            return len([name for name in asked if not name.startswith("tick_")])
        took = clock.monotonic() - began
        if took > _LONGEST_SECONDS:
            raise TemporalError(
                f"{_sessions(len(running))} of {project} {'does' if len(running) == 1 else 'do'} not end",
                hint="Run it again to go on.",
            )
        served = bool(await asyncio.to_thread(store.services.alive, "supervisor", _ALIVE_SECONDS))
        for item in running:
            handle = client.get_workflow_handle(item.id, run_id=item.run_id)
            with contextlib.suppress(RPCError):  # it ended meanwhile
                if took > _GRACE_SECONDS or not served:
                    await handle.terminate(_REASON)
                elif item.id not in asked:
                    await handle.cancel(reason=_REASON)
            asked.add(item.id)
        if took > 1:
            tell(f"{project}: {_sessions(len(running))} still to stop …")
        await asyncio.sleep(_POLL_SECONDS)


async def _schedules(client: Client, project: str) -> set[str]:
    return {item.id async for item in await client.list_schedules() if item.id.startswith(f"{project}:")}


async def _delete_schedules(client: Client, project: str) -> set[str]:
    names = await _schedules(client, project)
    for name in names:
        await schedules.delete(client, name)
    return names


async def _wait_for_supervisors(store: Store, project: str, tell: Tell) -> None:
    """Return when no deployment is served any more; at once where nobody serves any."""
    began, told = clock.monotonic(), False
    while await asyncio.to_thread(store.removing.served, project):
        alive = await asyncio.to_thread(store.services.alive, "supervisor", _ALIVE_SECONDS)
        if not alive or clock.monotonic() - began > _LONGEST_SECONDS:
            return
        if clock.monotonic() - began > 1 and not told:
            tell(f"{project}: its processes are stopping …")
            told = True
        await asyncio.sleep(_POLL_SECONDS)


async def _delete_histories(client: Client, project: str) -> int:
    """Delete what Temporal remembers of the project's sessions and ticks."""
    limit = asyncio.Semaphore(_AT_ONCE)

    async def delete(item: WorkflowExecution) -> None:
        execution = Execution(workflow_id=item.id, run_id=item.run_id)
        request = DeleteWorkflowExecutionRequest(namespace=client.namespace, workflow_execution=execution)
        async with limit:
            try:
                await patiently(client.workflow_service.delete_workflow_execution, request)
            except RPCError as error:
                if not is_gone(error):
                    raise refused(f"the history of {item.id} is not deleted", error) from None

    found = [item async for item in _workflows(client, f'TaskQueue="{project}"')]
    found += [item async for item in _workflows(client, f'WorkflowId STARTS_WITH "tick_{project}:"')]
    await asyncio.gather(*(delete(item) for item in found))
    return len(found)


async def _delete_versions(client: Client, project: str) -> int:
    """Delete the versions of the project; those whose processes polled a moment ago stay until Temporal forgets them."""
    known = await versions.describe(client, project)
    if not known:
        return 0
    service, namespace = client.workflow_service, client.namespace
    with contextlib.suppress(RPCError):
        await patiently(
            service.set_worker_deployment_current_version,
            SetWorkerDeploymentCurrentVersionRequest(
                namespace=namespace, deployment_name=project, build_id="", ignore_missing_task_queues=True
            ),
        )
    left = 0
    for version in known:
        request = DeleteWorkerDeploymentVersionRequest(namespace=namespace, skip_drainage=True)
        request.deployment_version.deployment_name = project
        request.deployment_version.build_id = version.build_id
        try:
            await patiently(service.delete_worker_deployment_version, request)
        except RPCError:
            left += 1
    if not left:
        with contextlib.suppress(RPCError):
            await patiently(
                service.delete_worker_deployment,
                DeleteWorkerDeploymentRequest(namespace=namespace, deployment_name=project),
            )
    return left


def _delete_files(home: Path, project: str, builds: list[str]) -> None:
    """Extracted builds and logs on this machine."""
    for build in builds:
        shutil.rmtree(home / "builds" / build, ignore_errors=True)
    for path in (home / "logs").glob(f"{project}-dep_*.log"):
        path.unlink(missing_ok=True)


def _sessions(count: int) -> str:
    return f"{count} session{'' if count == 1 else 's'}"


async def _workflows(client: Client, query: str) -> AsyncIterator[WorkflowExecution]:
    try:
        async for item in client.list_workflows(query):
            yield item
    except RPCError as error:
        raise refused("Temporal does not list sessions", error) from None
