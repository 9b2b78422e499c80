"""Run activations of sessions: time budget around, log lines out.

temporalio creates workflow instances through a ``WorkflowRunner`` and drives them with ``activate``. Wrapping both is
enough to know when a session holds the thread and which lines an activation produced. The private parts of
temporalio that the session room relies on are asserted here, once, when a worker is made.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping, MutableMapping
from typing import Any, Protocol

from temporalio.api.common.v1 import Payload, Payloads
from temporalio.bridge.proto.workflow_activation import RemoveFromCache
from temporalio.worker import (
    WorkflowInstance,
    WorkflowInstanceDetails,
    WorkflowRunner,
)
from temporalio.worker._workflow_instance import _WorkflowInstanceImpl

from worker.session.host import HOST, Host
from worker.session.tasks import SessionLoop

_PRIVATE = {
    "_deleting",
    "_object",
    "_cancel_reason",
    "_time_ns",
    "_is_replaying",
    "_patches_notified",
    "_pending_activities",
    "_pending_child_workflows",
    "_random",
    "_current_seed",
    "_deployment_version_for_current_task",
}
_NOTHING = Payloads()
_FINAL = {
    "complete_workflow_execution",
    "fail_workflow_execution",
    "cancel_workflow_execution",
    "continue_as_new_workflow_execution",
}
_Reason = RemoveFromCache.EvictionReason
_TAKEN = {_Reason.WORKFLOW_EXECUTION_ENDING, _Reason.CACHE_FULL}


class WatchPort(Protocol):
    """The watchdog: told when a session takes the workflow thread and when it gives it back."""

    def begin(self, workflow_id: str, run_id: str) -> None: ...

    def end(self) -> None: ...


def assert_supported() -> None:
    """Fail at start, with a sentence, when temporalio no longer has what the session room relies on."""
    names = set(_WorkflowInstanceImpl.__init__.__code__.co_names)
    missing = _PRIVATE - names
    if missing:
        raise RuntimeError(
            f"this version of temporalio has no {', '.join(sorted(missing))}: use temporalio 1.35"
        )


class Memo(MutableMapping[str, Payload]):
    """A memo that keeps no message of Temporal's: a part of one keeps all of it in memory, here the first activation."""

    __slots__ = ("_values",)

    def __init__(self, payloads: Mapping[str, Payload]) -> None:
        self._values = {name: payload.SerializeToString() for name, payload in payloads.items()}

    def __getitem__(self, name: str) -> Payload:
        return Payload.FromString(self._values[name])

    def __setitem__(self, name: str, payload: Payload) -> None:
        self._values[name] = payload.SerializeToString()

    def __delitem__(self, name: str) -> None:
        del self._values[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)


class SessionRunner(WorkflowRunner):
    """Creates session instances."""

    def __init__(self, host: Host, watch: WatchPort) -> None:
        assert_supported()
        self._host = host
        self._watch = watch
        # What all sessions have together: nobody changes it, and each one's own would be 1.5 KiB.
        self._converter: Any = None
        self._functions: dict[str, Any] = {}
        self._flags: Any = None

    def prepare_workflow(self, defn: Any) -> None:
        """Nothing to prepare: the session's namespace is made per run."""

    def create_instance(self, det: WorkflowInstanceDetails) -> WorkflowInstance:
        """An instance whose activations are watched."""
        host = self._host
        if self._converter is None:
            self._converter = det.payload_converter_factory()
            self._functions = {**det.extern_functions, HOST: lambda: host}
        if self._flags != det.default_workflow_logic_flags:
            self._flags = det.default_workflow_logic_flags
        det = dataclasses.replace(
            det,
            payload_converter_factory=lambda: self._converter,
            extern_functions=self._functions,
            default_workflow_logic_flags=self._flags,
            info=dataclasses.replace(det.info, raw_memo=Memo(det.info.raw_memo)),
            last_completion_result=det.last_completion_result
            if det.last_completion_result.payloads
            else _NOTHING,
        )
        return SessionInstance(SessionLoop(det), host, self._watch)  # type: ignore[abstract]


class SessionInstance(WorkflowInstance):
    """One session in the worker's cache."""

    def __init__(self, inner: SessionLoop, host: Host, watch: WatchPort) -> None:
        self._inner: Any = inner
        self._host = host
        self._watch = watch
        self._over = False  # it has said so, and Temporal has not answered yet
        info = inner.get_info()
        inner.refresh = lambda: watch.begin(info.workflow_id, info.run_id)

    def activate(self, act: Any) -> Any:
        """Handle one activation on the workflow thread."""
        state = self._host.state
        if not state.thread:
            state.enter_thread()
        info = self._inner.get_info()
        version = str(act.deployment_version_for_current_task.build_id)
        working = any(not job.HasField("query_workflow") for job in act.jobs)
        session = getattr(self._inner._object, "session", None)
        if session is not None and any(job.HasField("cancel_workflow") for job in act.jobs):
            session.stop_is_due = True
        if working and session is not None:
            session.output.begin(version)
        self._watch.begin(info.workflow_id, info.run_id)
        if self._over and self._host.ended is not None and any(map(_is_taken, act.jobs)):
            self._host.ended(info.workflow_id, info.run_id)
        try:
            completion = self._inner.activate(act)
            if working:
                self._over = not act.is_replaying and _is_final(completion)
            return completion
        finally:
            self._watch.end()
            self._inner.rest()
            session = getattr(self._inner._object, "session", None)
            if working and session is not None:
                batch = session.output.take(
                    replaying=act.is_replaying, task=act.history_length, version=version
                )
                if batch is not None:
                    self._host.emit(batch)

    def get_serialization_context(self, command_info: Any) -> Any:
        """As the plain instance."""
        return self._inner.get_serialization_context(command_info)

    def get_external_store_context(self, command_info: Any) -> Any:
        """As the plain instance."""
        return self._inner.get_external_store_context(command_info)

    def get_info(self) -> Any:
        """As the plain instance."""
        return self._inner.get_info()

    def get_thread_id(self) -> int | None:
        """As the plain instance."""
        thread: int | None = self._inner.get_thread_id()
        return thread


def _is_final(completion: Any) -> bool:
    """Whether the run says that it is over."""
    commands = completion.successful.commands
    return any(command.WhichOneof("variant") in _FINAL for command in commands)


def _is_taken(job: Any) -> bool:
    """A run leaves the cache, and not because Temporal has refused what it said last: then it is run again."""
    return job.HasField("remove_from_cache") and job.remove_from_cache.reason in _TAKEN
