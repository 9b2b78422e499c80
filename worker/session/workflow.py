"""The one workflow: dynamic, so that its type is the handler itself, ``main.py:on_event``.

Signal handlers run before the start job: everything they touch exists from ``__init__`` on. Every handler bears
missing and wrong arguments, since an error there would wedge the run. There is no dynamic query handler: it would
break the Queries tab of the Temporal UI.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any, cast

from temporalio import workflow
from temporalio.common import RawValue, VersioningBehavior

from autokitteh.errors import SessionRestart
from worker.contracts import JSON, UserValue
from worker.errors import SessionStopped
from worker.session import restart
from worker.session.host import HOST
from worker.session.session import Session


@workflow.defn(dynamic=True, sandboxed=False, versioning_behavior=VersioningBehavior.PINNED)
class SessionWorkflow:
    """One session: one run of one handler."""

    @workflow.init
    def __init__(self, args: Sequence[RawValue]) -> None:
        # What a run before left has to be there before the first signal comes.
        info, values = workflow.info(), decode(args)
        self.session = Session(workflow.extern_functions()[HOST](), info, restart.carried_by(info, values))

    @workflow.run
    async def run(self, args: Sequence[RawValue]) -> Any:
        """Run the handler with the event's data, or with nothing."""
        values = decode(args)
        cast("list[RawValue]", args).clear()  # Temporal holds them to the end of the run
        try:
            value = await self.session.run(values)
        except SessionStopped as stop:
            raise asyncio.CancelledError(str(stop)) from None
        except SessionRestart as request:
            await workflow.wait_condition(workflow.all_handlers_finished)
            restart.go_on(self.session, request, values)
        await workflow.wait_condition(workflow.all_handlers_finished)
        return value

    @workflow.signal(dynamic=True)
    async def on_signal(self, name: str, args: Sequence[RawValue]) -> None:
        """Keep any signal, whatever its name and arguments."""
        payloads = decode(args)
        self.session.receive(name, payloads[0] if len(payloads) == 1 else payloads or None)

    @workflow.query(name="state", description="What the session waits for, and how many calls it made")
    def state(self) -> JSON:
        """A short summary for the Queries tab."""
        session = self.session
        return {
            "handler": session.handler_name,
            "calls": session.calls,
            "signals": session.mail.waiting(),
            "details": workflow.get_current_details(),
        }


def decode(args: Sequence[RawValue]) -> list[UserValue]:
    """The values of some payloads; one that cannot be read is described instead of raising."""
    converter = workflow.payload_converter()
    values: list[UserValue] = []
    for arg in args:
        try:
            values.append(converter.from_payload(arg.payload))
        except Exception as error:
            encoding = arg.payload.metadata.get("encoding", b"").decode(errors="replace")
            values.append({"unreadable": f"{encoding}: {error}"})
    return values
