"""Links into the Temporal UI, and the webhooks' URLs."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import quote

from worker import ids
from worker.config import Settings

if TYPE_CHECKING:
    from worker.store import Store


def start_form(ui: str, namespace: str, project: str, handler: str) -> str:
    """The UI's *Start Workflow* form, filled in for a handler; a fresh workflow id gives an empty input."""
    return (
        f"{ui}/namespaces/{quote(namespace)}/workflows/start-workflow?taskQueue={quote(project)}"
        f"&workflowType={quote(handler, safe='')}&workflowId={ids.new('ses')}"
    )


def session(ui: str, namespace: str, workflow_id: str) -> str:
    """A session in the UI."""
    return f"{ui}/namespaces/{quote(namespace)}/workflows/{quote(workflow_id, safe='')}"


def of(found: Settings, workflow_id: str) -> str:
    """A session in the UI that belongs to these settings."""
    from worker.cli import context

    return session(context.ui_url(found), found.temporal_namespace, workflow_id)


def schedule(ui: str, namespace: str, project: str, trigger: str) -> str:
    """A schedule in the UI."""
    identifier = quote(ids.schedule(project, trigger), safe="")
    return f"{ui}/namespaces/{quote(namespace)}/schedules/{identifier}"


def webhooks(store: Store, project: str, triggers: list[dict[str, object]], base: str) -> dict[str, str]:
    """Each webhook trigger's URL."""
    return {
        str(
            trigger["name"]
        ): f"{base.rstrip('/')}/webhooks/{store.triggers.reserve_slug(project, str(trigger['name']))}"
        for trigger in triggers
        if trigger["kind"] == "webhook"
    }
