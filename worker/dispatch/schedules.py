"""A project's schedule triggers as Temporal Schedules, named ``project:trigger``.

``sync`` brings Temporal in line with the triggers: creates, updates, deletes. What a person did by hand in Temporal's UI,
pausing for example, is kept. The action of a schedule is a tick (``worker.dispatch.ticks``), which carries what the
schedule was made from: comparing that tells whether an update is needed, for Temporal rewrites cron expressions.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterable, Mapping
from typing import Any, Final

from temporalio.client import (
    Client,
    Schedule,
    ScheduleActionStartWorkflow,
    ScheduleAlreadyRunningError,
    ScheduleDescription,
    ScheduleOverlapPolicy,
    SchedulePolicy,
    ScheduleSpec,
    ScheduleState,
    ScheduleUpdate,
)
from temporalio.service import RPCError

from manifest import schedules
from worker import ids
from worker.contracts import SYSTEM_QUEUE
from worker.rpc import is_gone, refused

TICK: Final = "autokitteh.tick"
OUR_NOTE: Final = ", from autokitteh.yaml"  # the end of a note that nobody has changed
_CATCHUP_SECONDS: Final = 60
_SPEC_KEYS: Final = ("schedule", *schedules.OPTIONS)
# Without a wish about overlapping sessions a tick only records its event, and a late one must not be lost.
_OVERLAPS: Final = {
    "": ScheduleOverlapPolicy.BUFFER_ONE,
    "skip": ScheduleOverlapPolicy.SKIP,
    "buffer_one": ScheduleOverlapPolicy.BUFFER_ONE,
    "buffer_all": ScheduleOverlapPolicy.BUFFER_ALL,
    "cancel_other": ScheduleOverlapPolicy.CANCEL_OTHER,
    "terminate_other": ScheduleOverlapPolicy.CANCEL_OTHER,  # the tick, cancelled, terminates its sessions
    "allow_all": ScheduleOverlapPolicy.ALLOW_ALL,
}


async def sync(
    client: Client,
    project: str,
    triggers: Iterable[dict[str, Any]],
    former: Mapping[str, str] | None = None,
) -> None:
    """Make Temporal's schedules of a project those of its triggers.

    Args:
        client: of the namespace.
        project: the project's name.
        triggers: all its triggers, as its deployment has them.
        former: old names of triggers that were renamed → new ones; a pause made by hand goes along.

    Raises:
        TemporalError: Temporal cannot be reached, or refuses a schedule.
    """
    wanted = {ids.schedule(project, item["name"]): item for item in triggers if item["kind"] == "schedule"}
    try:
        for identifier, trigger in wanted.items():
            old_names = [old for old, new in (former or {}).items() if new == trigger["name"]]
            await _put(
                client, identifier, project, trigger, [ids.schedule(project, old) for old in old_names]
            )
        async for entry in await client.list_schedules():
            if entry.id.startswith(f"{project}:") and entry.id not in wanted:
                await delete(client, entry.id)
    except RPCError as error:
        raise refused(f"the schedules of {project} could not be written", error) from None


async def delete(client: Client, identifier: str) -> None:
    """Delete a schedule; one that is gone is fine."""
    try:
        await client.get_schedule_handle(identifier).delete()
    except RPCError as error:
        if not is_gone(error):
            raise


async def _put(
    client: Client, identifier: str, project: str, trigger: dict[str, Any], former: list[str]
) -> None:
    given = tick_of(project, trigger)
    handle = client.get_schedule_handle(identifier)
    try:
        if _made_from(await handle.describe()) == given:
            return
        await handle.update(
            lambda found: ScheduleUpdate(
                _schedule(identifier, trigger, given, found.description.schedule.state)
            )
        )
    except RPCError as error:
        if not is_gone(error):
            raise
        state = await _state_of(client, former) or ScheduleState(
            note=f"{trigger['call'] or 'subscriptions only'}{OUR_NOTE}"
        )
        try:
            await client.create_schedule(identifier, _schedule(identifier, trigger, given, state))
        except ScheduleAlreadyRunningError:
            await _put(client, identifier, project, trigger, former)


async def _state_of(client: Client, identifiers: list[str]) -> ScheduleState | None:
    """The state of the first of these schedules that exists."""
    for identifier in identifiers:
        try:
            return (await client.get_schedule_handle(identifier).describe()).schedule.state
        except RPCError as error:
            if not is_gone(error):
                raise
    return None


def tick_of(project: str, trigger: dict[str, Any]) -> dict[str, str]:
    """What a tick is given: where it belongs, and what its schedule was made from."""
    spec = {key: trigger[key] for key in _SPEC_KEYS if trigger.get(key)}
    return {"project": project, "trigger": trigger["name"], **spec}


def _made_from(description: ScheduleDescription) -> Any:
    action = description.schedule.action
    if not isinstance(action, ScheduleActionStartWorkflow) or not action.args:
        return None
    payload: Any = action.args[0]
    try:
        return json.loads(payload.data)
    except ValueError:
        return None


def _schedule(
    identifier: str, trigger: dict[str, Any], given: dict[str, str], state: ScheduleState
) -> Schedule:
    text, zone = trigger["schedule"].strip(), trigger.get("timezone")
    catchup = schedules.seconds_of(trigger.get("catchup", ""))
    jitter = schedules.seconds_of(trigger.get("jitter", ""))
    return Schedule(
        action=ScheduleActionStartWorkflow(
            TICK,
            given,
            id=f"tick_{identifier}",
            task_queue=SYSTEM_QUEUE,
            static_summary=trigger["call"] or None,
        ),
        spec=ScheduleSpec(
            cron_expressions=[f"CRON_TZ={zone} {text}" if zone else text],
            jitter=dt.timedelta(seconds=jitter) if jitter else None,
        ),
        policy=SchedulePolicy(
            overlap=_OVERLAPS[trigger.get("overlap", "")],
            catchup_window=dt.timedelta(seconds=max(10, _CATCHUP_SECONDS if catchup is None else catchup)),
        ),
        state=state,
    )
