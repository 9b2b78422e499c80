"""``python -m worker.process``: read the boot configuration, load the project, serve until told to stop.

The supervisor writes one JSON line to standard input and keeps the pipe open; its end means that the supervisor is
gone. Reports go to the file descriptor in ``AK_REPORT_FD``, one JSON line each. The process leaves with
``os._exit``: temporalio's native threads do not always survive the interpreter's finalisation on Python 3.11, and
calls that hang must not keep a stopped process alive.
"""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import gc
import json
import os
import signal
import sys
import threading
from collections.abc import Coroutine
from typing import Any

from worker import config
from worker.contracts import BootConfig, Credentials, Report
from worker.errors import InternalError, WorkerError
from worker.log import configure, log, mask
from worker.process.credentials import KnownSecrets

_STUCK_EXIT = 75
_FAILED_EXIT = 1


class Reporter:
    """Tells the supervisor how the process fares."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._lock = threading.Lock()

    def send(self, report: Report) -> None:
        """One line; a supervisor that is gone is not an error here."""
        self.send_json(dataclasses.asdict(report))

    def send_json(self, facts: dict[str, Any]) -> None:
        """One line of facts."""
        rest = memoryview((json.dumps(facts) + "\n").encode())
        try:
            with self._lock:  # a long line takes several writes
                while rest:
                    rest = rest[os.write(self._descriptor, rest) :]
        except OSError as error:
            log(action="report_lost", level="debug", error=str(error))


def read_boot() -> tuple[BootConfig, Any]:
    """The boot configuration, and the pipe that ends with the supervisor; standard input becomes empty."""
    pipe = os.fdopen(os.dup(0), "rb", buffering=0)
    empty = os.open(os.devnull, os.O_RDONLY)
    os.dup2(empty, 0)
    os.close(empty)
    line = bytearray()
    while not line.endswith(b"\n"):
        chunk = pipe.read(1)
        if not chunk:
            raise SystemExit("worker.process is started by `ak up` or `ak worker`, not by hand")
        line += chunk
    return BootConfig(**json.loads(line)), pipe


async def serve(boot: BootConfig, pipe: Any, reporter: Reporter, known: KnownSecrets) -> int:
    """Load, connect, serve; returns the exit status."""
    from worker.process import assemble
    from worker.process.builtins import take_output
    from worker.process.gauging import Gauging
    from worker.process.idle import Idleness
    from worker.process.logwriter import LogWriter
    from worker.process.naps import Naps
    from worker.process.problems import Problems
    from worker.process.watchdog import Watchdog
    from worker.store import open_session_store
    from worker.temporal import connect_to

    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopped.set)
    threading.Thread(target=listen, args=(pipe, known, loop, stopped), daemon=True).start()

    store = open_session_store(boot.database_url, filter_key=bytes.fromhex(boot.filter_key))
    writer = LogWriter(store.log.write)
    naps = Naps()
    naps.install()
    gauging = Gauging(boot.project, reporter.send, tell_endings=boot.tracing)
    parts = assemble.prepare(boot, writer, store, gauging, known)
    naps.serve(parts.host.state, parts.host.directory)
    client = await connect_to(
        boot.temporal_address, boot.temporal_namespace, boot.temporal_environment, blobs=store.blobs
    )

    def stuck(workflow_id: str, run_id: str) -> None:
        reporter.send(Report("stuck", message=workflow_id, where=run_id))
        os._exit(_STUCK_EXIT)

    state = parts.host.state
    take_output(parts.host)
    watchdog = Watchdog(boot.budget_seconds, lambda: state.current is not None, stuck)
    idleness = Idleness()
    reporting = asyncio.create_task(gauging.report())
    problems = Problems(boot, store.log, parts.link.get_client, reporter.send)
    async with assemble.serving(boot, client, parts, watchdog, idleness, gauging, problems):
        spare_the_collector()
        reporter.send(Report("ready"))
        telling = asyncio.create_task(idleness.tell(boot.idle_seconds, lambda: reporter.send(Report("idle"))))
        await stopped.wait()
        telling.cancel()
    reporting.cancel()
    gauging.flush()
    reporter.send(Report("stopped"))
    return 0


def spare_the_collector() -> None:
    """What was loaded until now stays to the end: Python's garbage collector need not look through it again and again."""
    gc.collect()
    gc.freeze()
    gc.enable()  # off since ``main``: of what imports make, nothing is garbage


def run(serving: Coroutine[Any, Any, int]) -> int:
    """Run to the end on libuv's event loop, where there is one for this Python: a tenth of a session's CPU time less.

    It is this process's own loop only. Sessions run on Temporal's, calls that use asyncio on Python's.
    """
    try:
        import uvloop
    except ImportError:
        return asyncio.run(serving)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(serving)


def listen(pipe: Any, known: KnownSecrets, loop: asyncio.AbstractEventLoop, stopped: asyncio.Event) -> None:
    """Take what the supervisor says; shut down when its end of the pipe is closed."""
    begun = b""
    while chunk := pipe.read(65_536):
        *lines, begun = (begun + chunk).split(b"\n")
        for line in lines:
            try:
                known.take(Credentials(**json.loads(line)))
            except (ValueError, TypeError) as error:  # a supervisor of another version
                log(action="supervisor_not_understood", level="warning", error=type(error).__name__)
    with contextlib.suppress(RuntimeError):  # the process ends already, and its loop is closed
        loop.call_soon_threadsafe(stopped.set)


def main() -> int:
    """Run the process; returns the exit status."""
    gc.disable()
    reporter = Reporter(config.report_descriptor())
    boot, pipe = read_boot()
    configure(boot.log_level, as_json=boot.log_format == "json", libraries=False)
    known = KnownSecrets(boot, mask)
    try:
        return run(serve(boot, pipe, reporter, known))
    except WorkerError as error:
        reporter.send(Report("failed", known.mask(error.message), error.where, error.hint, error.code))
    except Exception as error:
        text = known.mask(f"{type(error).__name__}: {error}")
        reporter.send(Report("failed", text, code=InternalError.code))
        log(
            action="build_process_failed",
            level="error",
            error=f"{type(error).__name__}: {error}",
            exc_info=True,
        )
    return _FAILED_EXIT


if __name__ == "__main__":
    status = main()
    gc.collect()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)
