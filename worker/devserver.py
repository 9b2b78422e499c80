"""Find a Temporal server binary and run it as our own: one file of state, tuned for one machine.

Found in this order: ``temporal`` on PATH, in our cache, the SDK's own download (given up after ten seconds without a
byte), built from source with Go (minutes, once). A stock dev server polls its queues twenty times a second, which costs
45 ms at every step; the settings below bring a step to a few milliseconds. It also writes its file with SQLite's
defaults, which wait for the disk several times per transaction, a dozen transactions per step: half of its CPU time, and
on a busy disk most of its time. With the pragmas below, those of our own store, it waits only when it tidies up: what is
committed survives the death of every process; after a loss of power the last transactions may be missing, never half of
one.
"""

from __future__ import annotations

import asyncio
import collections
import contextlib
import ctypes
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from worker import clock
from worker.config import Settings, inherited_environment
from worker.errors import TemporalError

VERSION = "1.5.1"
MODULE = f"github.com/temporalio/cli/cmd/temporal@v{VERSION}"
_OLDEST_SERVER = (1, 29)  # Worker Deployments as we use them
_DOWNLOAD_IDLE_SECONDS = 10.0  # without a byte: given up
_DOWNLOAD_POLL_SECONDS = 0.25
_BUILD_SECONDS = 1200.0
_TELL_SECONDS = 15.0
_START_SECONDS = 60.0
_POLL_SECONDS = 0.03
_PORT_ATTEMPTS = 5
_PORT_PAUSE_SECONDS = 0.5
_PORT_TAKEN = "address already in use"
_STOP_SECONDS = 10.0
_PR_SET_PDEATHSIG = 1
_LIBC = ctypes.CDLL(None)  # loaded here: a forked child may only call it
VERSIONS_LIMIT = 1000  # versions of a project; Temporal's default is 100
SETTINGS = {
    "history.transferProcessorMaxPollRPS": "2000",
    "history.timerProcessorMaxPollRPS": "2000",
    "history.visibilityProcessorMaxPollRPS": "2000",
    "matching.useNewMatcher": "true",
    "system.enableActivityEagerExecution": "true",
    "matching.wv.VersionDrainageStatusVisibilityGracePeriod": '"5s"',
    "matching.wv.VersionDrainageStatusRefreshInterval": '"5s"',
    "matching.maxVersionsInDeployment": str(VERSIONS_LIMIT),
    "matching.maxDeployments": "1000",
}
PRAGMAS = {"journal_mode": "wal", "synchronous": "normal"}
_DOWNLOAD = """
import asyncio, sys
from temporalio.testing import WorkflowEnvironment
async def main():
    env = await WorkflowEnvironment.start_local(download_dest_dir=sys.argv[1], dev_server_log_level="error")
    await env.shutdown()
asyncio.run(main())
"""

Tell = Callable[[str], None]


def quiet(_text: str) -> None:
    """Say nothing."""


async def find(cache: Path, tell: Tell = quiet) -> Path:
    """The binary; says which it is, and how long it took when it took long.

    Raises:
        TemporalError: none of the ways worked; lists them.
    """
    cached = cache / "temporal" / VERSION / "temporal"
    tried = []
    on_path = shutil.which("temporal")
    reason = await unsuitable(on_path) if on_path else "`temporal` is not on PATH"
    if on_path and not reason:
        tell(f"Temporal: {on_path}")
        return Path(on_path)
    tried.append(reason)
    if cached.exists():
        tell(f"Temporal: {cached}")
        return cached
    tried.append(f"{cached} does not exist")
    downloaded = await download(cached)
    if downloaded:
        tell(f"Temporal: downloaded to {cached}")
        return cached
    tried.append("it could not be downloaded")
    reason = await build(cached, tell)
    if not reason:
        return cached
    tried.append(reason)
    raise TemporalError(
        "no Temporal server was found: " + "; ".join(tried),
        hint="Set TEMPORAL_ADDRESS to one that runs, or install the `temporal` command, or Go to build it.",
    )


async def unsuitable(binary: str) -> str:
    """Why a ``temporal`` of the machine is not the one we need; nothing when it is."""
    oldest = ".".join(map(str, _OLDEST_SERVER))
    try:
        process = await asyncio.create_subprocess_exec(
            binary, "--version", stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )
        output, _ = await process.communicate()
    except OSError as error:
        return f"{binary} cannot be run: {error.strerror}"
    found = re.search(r"Server (\d+)\.(\d+)", output.decode(errors="replace"))
    if found is None:
        return f"{binary} is no Temporal command line with a server"
    if tuple(map(int, found.groups())) < _OLDEST_SERVER:
        return f"{binary} has server {found[1]}.{found[2]}, {oldest} or newer is needed"
    return ""


async def download(target: Path) -> bool:
    """Let the SDK download its test server; a process of its own, because the download cannot be cancelled."""
    directory = target.parent / "download"
    directory.mkdir(parents=True, exist_ok=True)
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", _DOWNLOAD, str(directory)),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,  # so that a server it has started ends with it
    )
    size, since = 0, clock.monotonic()
    while process.returncode is None and clock.monotonic() - since < _DOWNLOAD_IDLE_SECONDS:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_DOWNLOAD_POLL_SECONDS):
                await process.wait()
        now = sum(path.stat().st_size for path in directory.iterdir() if path.is_file())
        if now != size:
            size, since = now, clock.monotonic()
    if process.returncode is None:
        os.killpg(process.pid, signal.SIGKILL)
        await process.wait()
    found = [path for path in directory.iterdir() if path.is_file() and os.access(path, os.X_OK)]
    complete = [path for path in found if not await unsuitable(str(path))]
    if complete:
        complete[0].replace(target)
    shutil.rmtree(directory, ignore_errors=True)
    return bool(complete)


async def build(target: Path, tell: Tell) -> str:
    """Build it with Go; returns why not, or nothing."""
    go = shutil.which("go") or shutil.which("go", path="/usr/local/go/bin")
    if go is None:
        return "Go is not installed, so it cannot be built"
    target.parent.mkdir(parents=True, exist_ok=True)
    tell(f"building Temporal {VERSION} with {go}: three to ten minutes, once")
    began = clock.monotonic()
    environment = {**inherited_environment(), "GOBIN": str(target.parent), "GOFLAGS": "-buildvcs=false"}
    process = await asyncio.create_subprocess_exec(
        go, "install", MODULE, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    )
    assert process.stderr is not None
    last: collections.deque[str] = collections.deque(maxlen=5)

    async def read() -> None:
        assert process.stderr is not None
        async for line in process.stderr:
            last.append(line.decode(errors="replace").strip())

    reading = asyncio.create_task(read())
    while not reading.done() and clock.monotonic() - began < _BUILD_SECONDS:
        await asyncio.wait([reading], timeout=_TELL_SECONDS)
        if not reading.done():
            tell(f"building Temporal … {clock.monotonic() - began:.0f} s")
    if not reading.done():
        reading.cancel()
        process.kill()
        await process.wait()
        return f"building it with Go took more than {_BUILD_SECONDS:.0f} s"
    await process.wait()
    if process.returncode or not target.exists():
        return f"building it with Go failed: {' / '.join(last)}"
    tell(f"built Temporal {VERSION} in {clock.monotonic() - began:.0f} s")
    return ""


class DevServer:
    """A Temporal server of ours, as a child process."""

    def __init__(self, settings: Settings, tell: Tell = quiet) -> None:
        self._settings = settings
        self._tell = tell
        self._process: subprocess.Popen[bytes] | None = None
        self._binary: Path | None = None
        self._port = 0
        self._ui_port = 0
        self._said_before = 0
        self._launched = False
        self._has_answered = False

    @property
    def address(self) -> str:
        """Where it listens."""
        return f"127.0.0.1:{self._port}"

    @property
    def ui_url(self) -> str:
        """Its user interface."""
        return f"http://127.0.0.1:{self._ui_port}"

    @property
    def pid(self) -> int | None:
        """Its process id."""
        return self._process.pid if self._process is not None else None

    def alive(self) -> bool:
        """Whether the process runs."""
        return self._process is not None and self._process.poll() is None

    async def launch(self) -> None:
        """Start its process; ``start`` waits until it answers. There may be much to load meanwhile.

        Raises:
            TemporalError: there is no server to start, or a port is taken.
        """
        if self._binary is None:
            self._binary = await find(self._settings.cache_dir, self._tell)
        self._end_leftover()
        self._spawn()
        self._launched = True

    async def start(self) -> None:
        """Start it, unless ``launch`` has, and return once it answers; a second start uses the same ports.

        Raises:
            TemporalError: there is no server to start, a port is taken, or it does not come up.
        """
        if not self._launched:
            await self.launch()
        self._launched = False
        for attempt in range(1, _PORT_ATTEMPTS + 1):
            try:
                await self._answers()
            except TemporalError as error:
                if _PORT_TAKEN not in error.message or attempt == _PORT_ATTEMPTS:
                    raise
            else:
                self._has_answered = True
                return
            # A free port is anybody's until the server has it; clients of an earlier start know theirs.
            if not self._has_answered:
                self._port = self._ui_port = 0
            await asyncio.sleep(_PORT_PAUSE_SECONDS)
            self._spawn()

    def _spawn(self) -> None:
        settings = self._settings
        self._port = self._port or choose_port(settings.temporal_port, "AK_TEMPORAL_PORT")
        self._ui_port = self._ui_port or choose_port(settings.ui_port, "AK_UI_PORT", {self._port})
        self._log.parent.mkdir(parents=True, exist_ok=True)
        with self._log.open("ab") as output:
            self._said_before = output.tell()
            self._process = subprocess.Popen(
                self._command(),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                preexec_fn=die_with_parent,  # noqa: PLW1509 - it only calls prctl
            )
        self._pid_file.write_text(str(self._process.pid))

    async def stop(self) -> None:
        """End it; its state stays in its file."""
        process = self._process
        if process is None:
            return
        if process.poll() is None:
            process.terminate()
            try:
                await asyncio.to_thread(process.wait, _STOP_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                await asyncio.to_thread(process.wait)
        self._pid_file.unlink(missing_ok=True)

    @property
    def _pid_file(self) -> Path:
        return self._settings.home / "temporal.pid"

    @property
    def _log(self) -> Path:
        return self._settings.home / "logs" / "temporal.log"

    @property
    def _database(self) -> Path:
        return self._settings.home / "temporal.db"

    def _command(self) -> list[str]:
        command = [str(self._binary), "server", "start-dev", "--ip", "127.0.0.1", "--port", str(self._port)]
        command += [
            "--ui-port",
            str(self._ui_port),
            "--db-filename",
            str(self._database),
            "--log-level",
            "error",
        ]
        command += ["--namespace", self._settings.temporal_namespace]
        for name, value in SETTINGS.items():
            command += ["--dynamic-config-value", f"{name}={value}"]
        for name, value in PRAGMAS.items():
            command += ["--sqlite-pragma", f"{name}={value}"]
        return command

    async def _answers(self) -> None:
        from temporalio.client import Client  # it loads while the process starts

        end = clock.monotonic() + _START_SECONDS
        while clock.monotonic() < end:
            if not self.alive():
                said = self._log.read_bytes()[self._said_before :].decode(errors="replace").splitlines()
                # Where it says what is wrong, the rest is Go's stack.
                lines = "\n  ".join(([line for line in said if "level=ERROR" in line] or said)[-5:])
                raise TemporalError(
                    f"the Temporal server ended while starting:\n  {lines}", hint=f"Its log: {self._log}"
                )
            with contextlib.suppress(RuntimeError, TimeoutError):
                async with asyncio.timeout(5):
                    client = await Client.connect(self.address, namespace=self._settings.temporal_namespace)
                await client.count_workflows("")
                return
            await asyncio.sleep(_POLL_SECONDS)
        raise TemporalError(
            f"the Temporal server did not answer within {_START_SECONDS:.0f} s", hint=f"Its log: {self._log}"
        )

    def _end_leftover(self) -> None:
        """End a server of this home that outlived a killed ``ak up``: only if it is really that one."""
        with contextlib.suppress(OSError, ValueError):
            pid = int(self._pid_file.read_text())
            command = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
            if str(self._database).encode() in command:
                os.kill(pid, signal.SIGTERM)
                end = clock.monotonic() + _STOP_SECONDS
                while Path(f"/proc/{pid}/cmdline").read_bytes() and clock.monotonic() < end:
                    clock.pause(0.05)
                os.kill(pid, signal.SIGKILL)


def choose_port(wanted: int, variable: str, taken: set[int] | None = None) -> int:
    """The wanted port, or a free one for 0.

    Raises:
        TemporalError: the wanted port is taken.
    """
    taken_error = TemporalError(
        f"port {wanted} is taken", hint=f"Set {variable} to another port, or to 0 for any free one."
    )
    while True:
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", wanted))
            except OSError:
                raise taken_error from None
            port: int = probe.getsockname()[1]
        if port not in (taken or ()):
            return port
        if wanted:  # our other server has it
            raise taken_error


def die_with_parent() -> None:
    """In the child, on Linux: end when the parent is killed."""
    if sys.platform == "linux":
        _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
