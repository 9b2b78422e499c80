"""What a schedule starts: a workflow of ours that records the event, and waits for its sessions when it is asked to.

The event takes the same path as a webhook's, so that filters and subscriptions see it. With ``overlap`` in the trigger
the tick lasts as long as the sessions it started: Temporal's overlap policies then decide about sessions. The worker for
all projects lives in the gateway; any number of gateways may run one.
"""

from __future__ import annotations

import asyncio
import contextlib
import datetime as dt
from collections.abc import Callable
from typing import Any, Final

from temporalio import activity, workflow
from temporalio.api.enums.v1 import EventType
from temporalio.client import Client, WorkflowFailureError, WorkflowHistoryEventFilterType
from temporalio.common import RetryPolicy
from temporalio.exceptions import ActivityError
from temporalio.service import RPCError

from worker import ids
from worker.contracts import WAIT_FOR_CHILD
from worker.dispatch import match
from worker.dispatch.deliver import of_trigger
from worker.dispatch.dispatcher import Dispatcher
from worker.dispatch.schedules import TICK, delete
from worker.rpc import is_gone
from worker.store import Store
from worker.store.records import Event

RECORD: Final = "autokitteh.record_tick"
WAIT: Final = "autokitteh.wait_for_session"
END: Final = "autokitteh.end_session"
EVENT_TYPE: Final = "tick"
_STEP: Final = dt.timedelta(seconds=30)
_HEARTBEAT: Final = dt.timedelta(seconds=30)
_FOREVER: Final = dt.timedelta(days=3650)
_RETRY: Final = RetryPolicy(maximum_interval=dt.timedelta(seconds=30))
_BEAT_SECONDS: Final = 5.0
_NOT_YET_SECONDS: Final = 0.5


@workflow.defn(name=TICK)
class Tick:
    """One tick of a schedule."""

    @workflow.run
    async def run(self, given: dict[str, Any]) -> dict[str, Any]:
        """Record the event; returns its id and the sessions it starts."""
        recorded: dict[str, Any] = await workflow.execute_activity(
            RECORD, given, start_to_close_timeout=_STEP, retry_policy=_RETRY
        )
        if given.get("overlap"):
            await asyncio.gather(
                *(self._wait(given, recorded["event"], item) for item in recorded["sessions"])
            )
        return recorded

    async def _wait(self, given: dict[str, Any], event: str, session: str) -> None:
        try:
            await workflow.execute_activity(
                WAIT,
                args=[event, session],
                start_to_close_timeout=_FOREVER,
                heartbeat_timeout=_HEARTBEAT,
                retry_policy=_RETRY,
            )
        except (
            asyncio.CancelledError,
            ActivityError,
        ):  # the next tick has come, or a person cancelled this one
            await workflow.execute_activity(
                END,
                args=[session, given["overlap"] == "terminate_other"],
                start_to_close_timeout=_STEP,
                retry_policy=_RETRY,
            )
            raise


class Ticks:
    """The activities of ticks."""

    def __init__(
        self, store: Store, client: Client, dispatcher: Dispatcher, wake: Callable[[], None]
    ) -> None:
        self._store = store
        self._client = client
        self._dispatcher = dispatcher
        self._wake = wake

    @activity.defn(name=RECORD)
    async def record(self, given: dict[str, Any]) -> dict[str, Any]:
        """Record the event, once; a tick whose trigger is gone deletes its schedule."""
        project, name, info = given["project"], given["trigger"], activity.info()
        trigger = await asyncio.to_thread(self._store.triggers.get, project, name)
        if trigger is None or trigger.kind != "schedule":
            await delete(self._client, ids.schedule(project, name))
            return {"event": None, "sessions": [], "reason": "there is no such trigger any more"}
        assert info.workflow_id is not None
        assert info.workflow_run_id is not None
        event = Event(
            id=ids.derived("evt", info.workflow_id, info.workflow_run_id),
            project=project,
            source_kind="trigger",
            source=name,
            event_type=EVENT_TYPE,
            data={},
            memo=of_trigger(trigger),
            created_at=info.scheduled_time,
        )
        await self._dispatcher.receive(event)
        self._wake()
        deliveries = await asyncio.to_thread(self._store.events.deliveries, event.id)
        started = [item for item in deliveries if item.kind == match.START]
        return {
            "event": event.id,
            "sessions": [item.session_id for item in started if item.state in {match.PENDING, match.DONE}],
            "reason": "; ".join(item.reason for item in started if item.reason),
        }

    @activity.defn(name=WAIT_FOR_CHILD)
    async def wait_for_child(self, session: str) -> dict[str, Any]:
        """How a session ended, for a parent that restarted since it started it."""
        ended = asyncio.create_task(self._client.get_workflow_handle(session).result())
        try:
            while not ended.done():
                activity.heartbeat()
                await asyncio.wait({ended}, timeout=_BEAT_SECONDS)
            return {"completed": True, "value": ended.result()}
        except WorkflowFailureError:
            return {"completed": False}
        except RPCError as error:
            if not is_gone(error):
                raise
            return {"completed": False}
        finally:
            ended.cancel()

    @activity.defn(name=WAIT)
    async def wait(self, event: str, session: str) -> None:
        """Return when a session has ended, or will never be."""
        ended = asyncio.create_task(self._ended(event, session))
        try:
            while not ended.done():
                activity.heartbeat()
                await asyncio.wait({ended}, timeout=_BEAT_SECONDS)
            ended.result()
        finally:
            ended.cancel()

    async def _ended(self, event: str, session: str) -> None:
        handle = self._client.get_workflow_handle(session)
        while True:
            try:
                closing = handle.fetch_history_events(
                    wait_new_event=True, event_filter_type=WorkflowHistoryEventFilterType.CLOSE_EVENT
                )
                async for event_of_end in closing:
                    if event_of_end.event_type != EventType.EVENT_TYPE_WORKFLOW_EXECUTION_CONTINUED_AS_NEW:
                        return
            except RPCError as error:
                if not is_gone(error):
                    raise
                deliveries = await asyncio.to_thread(self._store.events.deliveries, event)
                states = {item.state for item in deliveries if item.session_id == session}
                if states != {match.PENDING}:
                    return
                await asyncio.sleep(_NOT_YET_SECONDS)

    @activity.defn(name=END)
    async def end(self, session: str, terminate: bool) -> None:
        """Stop a session whose schedule's next tick has come; one that has ended is fine."""
        handle = self._client.get_workflow_handle(session)
        with contextlib.suppress(RPCError):
            if terminate:
                await handle.terminate("the schedule's next tick has come")
            else:
                await handle.cancel()
