"""Put a build process together: namespaces, codecs, sessions, activities, and the Temporal worker that drives them."""

from __future__ import annotations

import asyncio
import contextlib
import sys
import threading
from collections.abc import AsyncIterator, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from temporalio import workflow
from temporalio.client import Client
from temporalio.common import VersioningBehavior, WorkerDeploymentVersion
from temporalio.worker import Interceptor, Worker, WorkerDeploymentConfig

from autokitteh import _runtime
from autokitteh._local import LocalRuntime
from autokitteh.errors import AutoKittehError, SessionRestart
from worker.activities.call import ActivityHost, Calls
from worker.activities.recorder import Recorders
from worker.activities.rooms import Room, Rooms
from worker.activities.runtime import Ground
from worker.activities.system import System
from worker.config import process_environment
from worker.contracts import CALLS_AT_ONCE, JSON, BootConfig, LogBatch
from worker.errors import PayloadError, UserCodeError, WorkerError
from worker.payload.codec import Codec
from worker.payload.secret import Secrets
from worker.payload.signing import Signer, derive_entropy
from worker.process import builtins, patches
from worker.process.credentials import KnownSecrets
from worker.process.gauging import Gauging
from worker.process.idle import Idleness
from worker.process.logwriter import LogWriter
from worker.process.problems import Problems
from worker.process.terms import TermReader
from worker.process.watchdog import Watchdog
from worker.session import router
from worker.session.host import Host, RunningState
from worker.session.runner import SessionRunner
from worker.session.workflow import SessionWorkflow
from worker.store import SessionStore
from worker.usercode import clocks, extension, frames, generated, hashes, hidden
from worker.usercode.guard import Guard
from worker.usercode.loggers import Loggers
from worker.usercode.namespace import Hooks, Namespace, Project, SharedModules
from worker.usercode.policy import Policy
from worker.usercode.state import NEVER_STATE
from worker.usercode.surroundings import Surroundings

Connections = Callable[[str], Mapping[str, str] | None]

_GRACE = timedelta(seconds=5)
_HEARTBEAT_THROTTLE = timedelta(seconds=4)


@dataclass
class Parts:
    """What is made before Temporal is connected."""

    host: Host
    activities: ActivityHost
    writer: LogWriter
    link: Link


class Link:
    """What exists only once the process is connected: Temporal's client and the loop it lives on."""

    def __init__(self) -> None:
        self.client: Client | None = None
        self.loop: asyncio.AbstractEventLoop | None = None

    def get_client(self) -> Client:
        """The client."""
        assert self.client is not None
        return self.client

    def get_loop(self) -> asyncio.AbstractEventLoop:
        """The loop."""
        assert self.loop is not None
        return self.loop


def prepare(
    boot: BootConfig,
    writer: LogWriter,
    store: SessionStore | None = None,
    gauging: Gauging | None = None,
    known: KnownSecrets | None = None,
) -> Parts:
    """Load the project for activities, and everything sessions need; raises ``UserCodeError`` with file and line.

    Length: the parts of a process refer to each other; they are made in one place, in their order.
    """
    directory = Path(boot.directory)
    generated.install()
    own = extension.read(directory)
    project = Project(directory)
    state = RunningState()
    clocks.install(lambda: None if state.here is None else workflow.time_ns())
    replaced = builtins.make(state)
    signer = Signer({key: bytes.fromhex(value) for key, value in boot.payload_keys.items()})

    known = known or KnownSecrets(boot, lambda _values: None)

    def codec_with(secrets: Secrets) -> Callable[[Namespace], Codec]:
        return lambda namespace: Codec(
            signer, namespace, secrets=secrets, project=boot.project, limit=boot.payload_limit
        )

    new_codec, of_calls = codec_with(known.of_sessions), codec_with(known.of_calls)
    _runtime.set_default(Anywhere(state, known.connection))

    outside = Hooks(
        route=lambda callee, _site: callee,
        ref=lambda value, _site: value,
        class_=lambda made: made,
        builtins=replaced,
        loading=lambda _loading: None,
        current_namespace=lambda: None,
    )
    activity_namespace = Namespace(project, outside, permanent=True)
    loggers = Loggers()
    loggers.install()
    for entrypoint in boot.entrypoints:
        load(activity_namespace, entrypoint, directory)

    recorders = Recorders()
    host = Host(
        project=boot.project,
        directory=directory,
        policy=Policy(directory, own),
        guard=Guard(directory, lambda text, where: warn(state, text, where)),
        surroundings=Surroundings(process_environment(), loggers),
        new_namespace=lambda hooks: Namespace(project, hooks, shared=shared),
        new_codec=new_codec,
        entropy=derive_entropy(signer),
        emit=emitting(writer, recorders, gauging),
        fresh_state=fresh_state(activity_namespace, new_codec(activity_namespace)),
        state=state,
        address=address,
        history_warning=boot.history_warning,
        ended=gauging.ended if gauging is not None else None,
    )
    route, ref = router.build(host, builtins.functions(replaced))
    hidden.install(router.build_divert(host), own.hidden)
    host.hooks = Hooks(
        route=route,
        ref=ref,
        class_=hashes.by_number(lambda: None if state.here is None else state.here.hashes),
        builtins=replaced,
        loading=lambda loading: count_loading(state, loading),
        current_namespace=lambda: state.current.namespace if state.current is not None else None,
    )
    shared = SharedModules(project, host.hooks)
    link = Link()
    codec = of_calls(activity_namespace)
    activities = ActivityHost(
        project=boot.project,
        directory=directory,
        namespace=activity_namespace,
        codec=codec,
        live_calls=host.live_calls,
        rooms=Rooms(lambda: new_room(project, outside, of_calls)),
        pool=ThreadPoolExecutor(CALLS_AT_ONCE, thread_name_prefix="activity"),
        put=writer.put,
        recorders=recorders,
        ground=new_ground(boot, store, codec, link, known.connection),
    )
    return Parts(host, activities, writer, link)


def emitting(writer: LogWriter, recorders: Recorders, gauging: Gauging | None) -> Callable[[LogBatch], None]:
    """Hand lines to the writer, behind what the session's calls have printed so far, and count what they say."""

    def emit(batch: LogBatch) -> None:
        if gauging is not None:
            gauging.note(batch)
        recorders.hand(batch.run_id, writer.put)
        writer.emit(batch)

    return emit


class Anywhere(LocalRuntime):
    """The runtime of threads that a call has started without its context: they see the connections of now, too."""

    def __init__(self, state: RunningState, connection: Connections) -> None:
        super().__init__()
        self._state = state
        self._connection = connection

    def connection(self, name: str) -> Mapping[str, str] | None:
        """As a call sees it; on the sessions' thread as a session does."""
        return None if threading.get_ident() == self._state.thread else self._connection(name)


def new_ground(
    boot: BootConfig, store: SessionStore | None, codec: Codec, link: Link, connection: Connections
) -> Ground:
    """Where the SDK's operations happen. A replay has no store and never gets there."""
    found: Any = store
    terms = TermReader(boot.runtime_python or sys.executable)
    system = System(found, boot.project, codec, link.get_client, terms)
    return Ground(found, system, boot.project, link.get_client, link.get_loop, address, connection)


def address(name: str) -> str:
    """A variable that says where something of ours is reached.

    Raises:
        AutoKittehError: there is none of that name.
    """
    found = process_environment().get(name)
    if found is None:
        trigger = name.removesuffix("__webhook_url")
        raise AutoKittehError(f"there is no webhook named {trigger!r}: see the triggers in autokitteh.yaml")
    return found


def load(namespace: Namespace, entrypoint: str, directory: Path) -> None:
    """Load a handler's module; an error of the user's code becomes one that names the line.

    Raises:
        UserCodeError: with file and line of the user's.
    """
    try:
        namespace.handler(entrypoint)
    except WorkerError:
        raise
    except BaseException as error:
        missing = isinstance(error, ModuleNotFoundError)
        where = frames.where(error, directory) or entrypoint.replace(":", ":1 ").partition(" ")[0]
        if isinstance(error, SessionRestart):
            message = "restart at module level: call it in the handler"
            raise UserCodeError(message, where=where, hint="A module belongs to all runs.") from None
        hint = (
            "Is it in requirements.txt?"
            if missing
            else "The project's modules are run once when it is deployed."
        )
        raise UserCodeError(f"{type(error).__name__}: {error}", where=where, hint=hint) from None


def new_room(project: Project, hooks: Hooks, new_codec: Callable[[Namespace], Codec]) -> Room:
    """A namespace that activities with module-level state have to themselves, one at a time."""
    namespace = Namespace(project, hooks)
    return Room(namespace, new_codec(namespace))


def fresh_state(namespace: Namespace, codec: Codec) -> dict[str, JSON]:
    """The module-level values right after loading, encoded, by path; what cannot be encoded is no state."""
    found: dict[str, JSON] = {}
    for module in namespace.modules.values():
        for name, value in list(vars(module).items()):
            if name.startswith("__") or isinstance(value, NEVER_STATE):
                continue
            with contextlib.suppress(PayloadError):
                found[f"{module.__name__}:{name}"] = codec.encode(value)
    return found


def warn(state: RunningState, text: str, where: str) -> None:
    """A warning of the guard, in the log of the session that runs."""
    if state.current is not None:
        state.current.warn(text, where)


def count_loading(state: RunningState, loading: bool) -> None:
    """Module bodies run inline: whether one is being executed on the workflow thread."""
    state.loading += 1 if loading else -1


@contextlib.asynccontextmanager
async def serving(
    boot: BootConfig,
    client: Client,
    parts: Parts,
    watchdog: Watchdog,
    idleness: Idleness | None = None,
    gauging: Gauging | None = None,
    problems: Problems | None = None,
) -> AsyncIterator[Worker]:
    """A running Temporal worker for these parts; shut down in order on the way out."""
    parts.link.client, parts.link.loop = client, asyncio.get_running_loop()
    parts.writer.start()
    workflow_thread = ThreadPoolExecutor(1, thread_name_prefix="sessions")
    runner = SessionRunner(parts.host, watchdog)
    interceptors: list[Interceptor] = [idleness] if idleness is not None else []
    if gauging is not None:
        interceptors.append(gauging.interceptor())
    worker = Worker(
        client,
        task_queue=boot.project,
        workflows=[SessionWorkflow],
        activities=[Calls(parts.activities).call],
        workflow_runner=runner,
        unsandboxed_workflow_runner=runner,
        workflow_task_executor=workflow_thread,
        max_cached_workflows=boot.max_cached_workflows,
        max_concurrent_activities=CALLS_AT_ONCE,
        max_concurrent_local_activities=CALLS_AT_ONCE,
        max_eager_activity_reservations_per_workflow_task=boot.eager_calls,
        max_heartbeat_throttle_interval=_HEARTBEAT_THROTTLE,
        default_heartbeat_throttle_interval=_HEARTBEAT_THROTTLE,
        graceful_shutdown_timeout=_GRACE,
        interceptors=interceptors,
        deployment_config=WorkerDeploymentConfig(
            version=WorkerDeploymentVersion(deployment_name=boot.project, build_id=boot.version),
            use_worker_versioning=True,
            default_versioning_behavior=VersioningBehavior.PINNED,
        ),
    )
    patches.apply(worker, parts.writer, idleness, problems)
    watchdog.start()
    try:
        async with worker:
            yield worker
    finally:
        watchdog.stop()
        await asyncio.to_thread(parts.writer.stop)
