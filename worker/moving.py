"""Which version a session runs on, and moving it to another: Temporal's versioning override.

A moved session is pinned to the version it was moved to: its next task, and all after it, run there, from the history
alone. Children it starts from then on and runs that continue it stay on that version too.
"""

from __future__ import annotations

from temporalio.api.enums.v1 import EventType
from temporalio.api.history.v1 import HistoryEvent
from temporalio.api.workflow.v1 import VersioningOverride
from temporalio.api.workflowservice.v1 import UpdateWorkflowExecutionOptionsRequest
from temporalio.client import Client, WorkflowExecution
from temporalio.service import RPCError

from worker.rpc import is_gone, patiently, refused

_VERSION_ATTRIBUTE = "TemporalWorkerDeploymentVersion"
_PINNED = VersioningOverride.PinnedOverrideBehavior.PINNED_OVERRIDE_BEHAVIOR_PINNED


async def move(client: Client, project: str, workflow_id: str, run_id: str, build_id: str) -> bool:
    """Send a session's tasks to this version from now on; False when the run has ended meanwhile.

    Raises:
        TemporalError: Temporal refuses.
    """
    request = UpdateWorkflowExecutionOptionsRequest(namespace=client.namespace)
    request.workflow_execution.workflow_id = workflow_id
    request.workflow_execution.run_id = run_id
    pinned = request.workflow_execution_options.versioning_override.pinned
    pinned.behavior = _PINNED
    pinned.version.deployment_name = project
    pinned.version.build_id = build_id
    request.update_mask.paths.append("versioning_override")
    try:
        await patiently(client.workflow_service.update_workflow_execution_options, request)
    except RPCError as error:
        if is_gone(error):
            return False
        raise refused(f"{workflow_id} could not be moved", error) from None
    return True


def version_of(execution: WorkflowExecution) -> str:
    """The build id a session's next task runs on; empty while it has not begun."""
    info = execution.raw_info.versioning_info
    override = info.versioning_override.pinned.version.build_id
    if override:
        return str(override)
    # Lists of sessions carry no override, but the attribute that follows it.
    for value in execution.search_attributes.get(_VERSION_ATTRIBUTE, []):
        return str(value).rpartition(":")[2]
    if info.HasField("deployment_version"):
        return str(info.deployment_version.build_id)
    return str(info.version.rpartition(".")[2])


def recorded_version(events: list[HistoryEvent]) -> str:
    """The build id that completed a session's last task; empty when none did, or it is not known."""
    for event in reversed(events):
        if event.event_type == EventType.EVENT_TYPE_WORKFLOW_TASK_COMPLETED:
            return completing_version(event)
    return ""


def completing_version(event: HistoryEvent) -> str:
    """The build id that completed a task; empty when it is not known."""
    attributes = event.workflow_task_completed_event_attributes
    return str(
        attributes.deployment_version.build_id or attributes.worker_deployment_version.rpartition(".")[2]
    )
