"""``ak`` as a subprocess, the way a user runs it: ``ak up`` on a home of its own, and commands beside it."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import ssl
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.helpers import commands
from tests.helpers.waiting import eventually_sync
from worker.config import Settings
from worker.contracts import LINE_PRINT
from worker.store import open_store

AK = str(Path(sys.executable).parent / "ak")
# For httpx, to a server of ours, many times: without it, each request would read all authorities there are.
NO_AUTHORITIES = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


class CommandError(AssertionError):
    """A command ended with another status than 0."""

    def __init__(self, done: subprocess.CompletedProcess[str]) -> None:
        super().__init__(f"{done.args} ended with {done.returncode}:\n{done.stdout}\n{done.stderr}")
        self.status = done.returncode
        self.stderr = done.stderr
        self.stdout = done.stdout


def environment(home: Path, **changes: str) -> dict[str, str]:
    """The environment of a home of its own, on free ports."""
    scrubbed = ("AK_", "TEMPORAL_", "COLUMNS")  # the last is set where tests run beside each other
    kept = {name: value for name, value in os.environ.items() if not name.startswith(scrubbed)}
    ports = {"AK_LISTEN": "127.0.0.1:0", "AK_TEMPORAL_PORT": "0", "AK_UI_PORT": "0"}
    cache = {"AK_CACHE_DIR": os.environ["AK_CACHE_DIR"]} if "AK_CACHE_DIR" in os.environ else {}
    return {**kept, **cache, "AK_HOME": str(home), **ports, **changes}


class AkUp:
    """A running ``ak up``, or another command that runs until it is stopped and says in a line when it is ready."""

    def __init__(self, home: Path, *directories: Path, command: str = "up", **changes: str) -> None:
        self.home = home
        self.directories = directories
        self.command = command
        self.environment = environment(home, **changes)
        self.process: subprocess.Popen[str] | None = None
        self.ready: dict[str, Any] = {}

    def start(self) -> AkUp:
        """Start it and wait for its line."""
        self.home.mkdir(parents=True, exist_ok=True)
        with (self.home / f"{self.command}.log").open("a") as log:
            self.process = subprocess.Popen(
                [AK, self.command, *map(str, self.directories), "--json"],
                env=self.environment,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                start_new_session=True,
            )
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        if not line:
            self.process.wait()
            self.process.stdout.close()
            raise AssertionError(f"ak {self.command} ended with {self.process.returncode}:\n{self.log()}")
        self.ready = json.loads(line)
        return self

    def log(self) -> str:
        """What it said."""
        return (self.home / f"{self.command}.log").read_text()[-6000:]

    def stop(self) -> int:
        """SIGTERM; returns the exit status."""
        assert self.process is not None
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        status = self.process.wait(60)
        assert self.process.stdout is not None
        self.process.stdout.close()
        return status

    def kill(self) -> None:
        """SIGKILL of the command alone: of ``ak up`` that is gateway and supervisor."""
        assert self.process is not None
        self.process.kill()
        self.process.wait()
        assert self.process.stdout is not None
        self.process.stdout.close()

    def temporal_pid(self) -> int:
        """The process of the Temporal server."""
        return int((self.home / "temporal.pid").read_text())

    def build_pids(self) -> list[int]:
        """The build processes of this home."""
        found = []
        for entry in Path("/proc").iterdir():
            if entry.name.isdigit():
                with contextlib.suppress(OSError):
                    command = (entry / "cmdline").read_bytes()
                    where = str((entry / "cwd").readlink())
                    if b"worker.process" in command and where.startswith(str(self.home)):
                        found.append(int(entry.name))
        return found

    def pids(self) -> list[int]:
        """Every process of this home that runs."""
        found = list(self.build_pids())
        with contextlib.suppress(OSError, ValueError):
            found.append(self.temporal_pid())
        if self.process is not None and self.process.poll() is None:
            found.append(self.process.pid)
        return [pid for pid in found if alive(pid)]

    def kill_everything(self) -> None:
        """SIGKILL of all processes of this home."""
        for pid in self.pids():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        if self.process is not None:
            self.process.wait()
            assert self.process.stdout is not None
            self.process.stdout.close()

    def run(self, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Run a command beside it."""
        done = commands.run([*arguments], self.environment)
        if check and done.returncode:
            raise CommandError(done)
        return done

    def ak(self, *arguments: str) -> Any:
        """Run a command and return its JSON."""
        return json.loads(self.run(*arguments, "--json").stdout)

    def webhook(self, trigger: str, project: int = 0) -> str:
        """The URL of a trigger of a deployed project."""
        return str(self.ready["deployments"][project]["webhooks"][trigger])

    def prints(self, session: str) -> list[str]:
        """What a session printed, without the cost of a command."""
        settings = Settings.load(self.environment)
        store = open_store(settings.database_url, secret_key=settings.installation_key())
        try:
            return [line.text for line in store.log.read(session) if line.kind == LINE_PRINT]
        finally:
            store.close()


@contextlib.contextmanager
def running(home: Path, *directories: Path, **changes: str) -> Iterator[AkUp]:
    """A running ``ak up``; everything of it is down afterwards."""
    up = AkUp(home, *directories, **changes)
    try:
        yield up.start()
    finally:
        with contextlib.suppress(Exception):
            up.stop()
        up.kill_everything()


def alive(pid: int) -> bool:
    """Whether a process runs; one that waits to be collected does not."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"


def gone(pids: list[int]) -> None:
    """Return once none of these runs."""
    eventually_sync(lambda: not any(alive(pid) for pid in pids), 30)
