"""The four things temporalio has no setting for, each asserted when a worker is made.

1. Its deadlock limit is off: it counts time in the executor's queue; ours is the watchdog.
2. A step before the completion of an activation is sent: the session log is committed.
3. Payloads are visited only where the payload codec has something to do. temporalio walks through every message three
   times, payload by payload, each in coroutines, which took an eighth of a busy process's time. What the codec would do
   can be told from the message as a whole: a payload is too large only in a message that is, and a reference has a name.
4. ``Problems`` sees every activation, every answer, and why the cache drops a session.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import temporalio.bridge.worker
from temporalio.converter._extstore import StorageOperationMetrics
from temporalio.worker import Worker

from worker.payload.large import REFERENCE, THRESHOLD_BYTES, LargePayloads
from worker.process.idle import Idleness
from worker.process.logwriter import LogWriter
from worker.process.problems import Problems

_VERSION = "use temporalio 1.35"
_NAME = REFERENCE.encode()
_Visit = Callable[..., Awaitable[StorageOperationMetrics]]


def apply(
    worker: Worker,
    writer: LogWriter,
    idleness: Idleness | None = None,
    problems: Problems | None = None,
) -> None:
    """Change the worker, and the way this process reads and writes workflow tasks."""
    workflows: Any = worker._workflow_worker
    assert hasattr(workflows, "_deadlock_timeout_seconds"), (
        f"temporalio's deadlock limit has moved: {_VERSION}"
    )
    workflows._deadlock_timeout_seconds = None
    get_bridge = workflows._bridge_worker
    wrapped: dict[int, Any] = {}

    def bridge() -> Any:
        inner = get_bridge()
        if id(inner) not in wrapped:
            wrapped[id(inner)] = Bridge(inner, writer, idleness, problems)
        return wrapped[id(inner)]

    workflows._bridge_worker = bridge
    if problems is not None:
        assert hasattr(workflows, "_on_eviction_hook"), (
            f"temporalio's hook for evictions has moved: {_VERSION}"
        )
        workflows._on_eviction_hook = problems.evicted
    for name, idle in (("decode_activation", has_no_reference), ("encode_completion", is_small)):
        assert hasattr(temporalio.bridge.worker, name), f"temporalio's {name} has moved: {_VERSION}"
        plain = getattr(temporalio.bridge.worker, name)
        setattr(temporalio.bridge.worker, name, sparing(plain, idle))


def sparing(visit: _Visit, idle: Callable[[Any], bool]) -> _Visit:
    """``visit``, left out where our payload codec would change nothing."""

    async def visit_if_needed(message: Any, converter: Any, *args: Any, **options: Any) -> Any:
        ours = isinstance(converter.payload_codec, LargePayloads) and converter.external_storage is None
        if ours and idle(message):
            return StorageOperationMetrics()
        return await visit(message, converter, *args, **options)

    return visit_if_needed


def has_no_reference(activation: Any) -> bool:
    """Whether no payload in it lies in the store."""
    return _NAME not in activation.SerializeToString()


def is_small(completion: Any) -> bool:
    """Whether no payload in it can be large enough for the store."""
    return bool(completion.ByteSize() <= THRESHOLD_BYTES)


class Bridge:
    """temporalio's bridge to its core, with the session log committed before a completion is sent."""

    def __init__(
        self, inner: Any, writer: LogWriter, idleness: Idleness | None, problems: Problems | None = None
    ) -> None:
        self._inner = inner
        self._writer = writer
        self._idleness = idleness
        self._problems = problems

    async def poll_workflow_activation(self) -> Any:
        """The next activation."""
        act = await self._inner.poll_workflow_activation()
        if self._problems is not None:
            self._problems.polled(act)
        return act

    async def complete_workflow_activation(self, completion: Any) -> None:
        """Commit the lines of the activation, then acknowledge it."""
        if self._idleness is not None:
            self._idleness.touch()
        if self._problems is not None:
            self._problems.answered(completion)
        await self._writer.flush(completion.run_id)
        await self._inner.complete_workflow_activation(completion)

    def __getattr__(self, name: str) -> Any:
        """Everything else as it is."""
        return getattr(self._inner, name)
