"""What is a schedule: our verdict, given before anything is deployed, is that of Temporal's server."""

from __future__ import annotations

import uuid

from temporalio.client import Client, Schedule, ScheduleActionStartWorkflow, ScheduleSpec, ScheduleState
from temporalio.service import RPCError, RPCStatusCode

from manifest import schedules

TEXTS = [
    "* * *",
    "0 9 * * 1-5",
    "*/5 * * * *",
    "0 0 1 1 * 2030",
    "*/1 * * * * * *",
    "@daily",
    "@yearly",
    "@annually",
    "@monthly",
    "@weekly",
    "@midnight",
    "@hourly",
    "@every 90s",
    "@every 0s",
    "@every 1h30m",
    "@every 1d",
    "@every 1d2h",
    "@every 1h 30m",
    "@every 1h/10m",
    "@every -5m",
    "TZ=UTC @every 5m",
    "CRON_TZ=Europe/Berlin 0 9 * * *",
    "CRON_TZ=Europe/Berlin @daily",
    "CRON_TZ=Nowhere/X @daily",
    "TZ=UTC 0 9 * * *",
    "0 9 ? * MON",
    "0 9 * * MON-FRI",
    "0 9 * jan,feb *",
    "0 9 * january Monday",
    "0 9 L * *",
    "0 9 * * 5L",
    "R * * * *",
    "0 9 * * 7",
    "0 9 * * 0",
    "0 9 * * 8",
    "0 9 15W * *",
    "60 * * * *",
    "*/0 * * * *",
    "5/10 * * * *",
    "5-10/2 * * * *",
    "10-5 * * * *",
    "1,2,,3 * * * *",
    "* * * * * 1999",
    "* * * * * 2300",
    "* * * * * 2026-2028",
    "* * * * * */2",
    "61 * * * * * *",
    "0 24 * * *",
    "0 0 0 * *",
    "0 0 * 13 *",
    "0 9 * * mo",
    "0 9 * * fri-mon",
    "@Daily",
    "@every 1w",
    "@every 1ns",
    "@every 999ms",
    "@every 1us",
    "@every 5",
    "H * * * *",
    "0 9 * * */2",
    "TZ=Europe/Berlin   0 9 * * *",
    "*-5 * * * *",
    "0-59 * * * *",
    " 0  9 * * * ",
    "@every 3000000h",
    "1.0 * * * *",
    "01 * * * *",
    "0 9 * * SUN-1",
    "0 9 * * 6-7",
    "0 9 * * 5-7",
    "@reboot",
    "* * * * *,1",
    "*/70 * * * *",
    "*,5 * * * *",
    "0 9 1-32 * *",
]
# We refuse more: what the server would take for a comment or round to seconds, and what never fires.
STRICTER = ["@every 1.5s", "@every 1µs1h", "0 9 * * 1#2", "0 0 31 2 *", "CRON_TZ= 0 9 * * *", "+1 * * * *"]


async def accepts(client: Client, text: str) -> bool:
    """Whether the server takes it."""
    schedule = Schedule(
        action=ScheduleActionStartWorkflow("nothing", id="nothing", task_queue="nobody"),
        spec=ScheduleSpec(cron_expressions=[text]),
        state=ScheduleState(paused=True),
    )
    try:
        handle = await client.create_schedule(f"grammar_{uuid.uuid4().hex}", schedule)
    except RPCError as error:
        if error.status == RPCStatusCode.INVALID_ARGUMENT:
            return False
        raise
    await handle.delete()
    return True


async def test_verdicts_are_those_of_the_server(temporal_server):
    """Text by text, in both directions."""
    client = await Client.connect(temporal_server.address)
    ours = {text: schedules.problem_of(text) is None for text in TEXTS}
    assert ours == {text: await accepts(client, text) for text in TEXTS}
    assert len(set(ours.values())) == 2
    for text in STRICTER:
        assert await accepts(client, text), text
        assert schedules.problem_of(text), text
