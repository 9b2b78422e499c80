"""The steps of the benchmark, hand-written with plain temporalio."""

from __future__ import annotations

import datetime as dt

from temporalio import activity, workflow


@activity.defn
def add(a: int, b: int) -> int:
    """One step."""
    return a + b


@workflow.defn
class Plain:
    """The same steps, by hand."""

    @workflow.run
    async def run(self, data: dict[str, int]) -> int:
        """Add up."""
        total = 0
        for i in range(data["n"]):
            total = await workflow.execute_activity(
                add, args=[total, i], start_to_close_timeout=dt.timedelta(seconds=60)
            )
        return total
