"""Commands of ``ak``, each in a process of its own that has its libraries already.

Most of what a short command costs is Python's start and the import of other people's libraries. Tests run many
hundreds, so one process for each run of pytest imports those libraries, and only those, and forks for every command:
the child has the arguments, environment, directory and descriptors it was given, imports our code itself and leaves
as ``ak`` does. Whoever tests the start of ``ak`` itself starts `tests.helpers.ak.AK`.
"""

from __future__ import annotations

import atexit
import contextlib
import gc
import importlib
import json
import os
import selectors
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import IO

# What commands import of others; whatever is missing here they import themselves, as always.
LIBRARIES = (
    "asyncio",
    "concurrent.futures.thread",
    "cryptography.hazmat.primitives.ciphers.aead",
    "cryptography.hazmat.primitives.hashes",
    "cryptography.hazmat.primitives.kdf.hkdf",
    "encodings.utf_8_sig",
    "google.protobuf.json_format",
    "mimetypes",
    "psycopg",
    "pydantic.fields",  # typer and temporalio.contrib.pydantic come to these when a command runs
    "pydantic.plugin._loader",
    "pydantic.types",
    "rich.cells",
    "sqlalchemy.dialects.postgresql.psycopg",
    "sqlalchemy.dialects.sqlite.pysqlite",
    "sqlite3",
    "tarfile",
    "temporalio.client",
    "temporalio.common",
    "temporalio.contrib.pydantic",
    "temporalio.envconfig",
    "temporalio.runtime",
    "temporalio.worker",
    "typer",
    "typer._adapters",
    "typer._click.decorators",
    "yaml",
)
_MESSAGE = 64
_lock = threading.Lock()
_server: Server | None = None


class Server:
    """The process that forks, as seen by those who ask it."""

    def __init__(self) -> None:
        self._place = tempfile.TemporaryDirectory(prefix="ak-commands-")
        self.address = str(Path(self._place.name) / "socket")
        self.process = subprocess.Popen(
            [sys.executable, str(Path(__file__).resolve()), self.address],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            cwd=Path(__file__).parents[2],
        )
        assert self.process.stdout is not None
        assert self.process.stdout.readline() == b"ready\n"

    def stop(self) -> None:
        """End it; commands that run go on."""
        self.process.communicate()
        self._place.cleanup()


def server() -> Server:
    """The one of this process, started when it is first asked for."""
    global _server  # noqa: PLW0603
    with _lock:
        if _server is None:
            _server = Server()
        return _server


@atexit.register
def stop() -> None:
    """End it, when it was started."""
    global _server  # noqa: PLW0603
    with _lock:
        if _server is not None:
            _server.stop()
        _server = None


def run(
    arguments: list[str], environment: dict[str, str], timeout: float = 120, *, given: str = ""
) -> subprocess.CompletedProcess[str]:
    """Run ``ak`` with these arguments, and with this text, or nothing, on its standard input.

    Raises:
        subprocess.TimeoutExpired: it took longer, and was killed.
    """
    with contextlib.ExitStack() as files:
        standard, out, err, order = [files.enter_context(tempfile.TemporaryFile()) for _ in range(4)]
        standard.write(given.encode())
        standard.seek(0)
        with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as asked:
            asked.settimeout(timeout)
            asked.connect(server().address)
            order.write(json.dumps([["ak", *arguments], environment, str(Path.cwd())]).encode())
            order.seek(0)
            socket.send_fds(asked, [b"run"], [file.fileno() for file in (standard, out, err, order)])
            pid = int(asked.recv(_MESSAGE))
            try:
                status = os.waitstatus_to_exitcode(int(asked.recv(_MESSAGE)))
            except TimeoutError:
                os.kill(pid, signal.SIGKILL)
                raise subprocess.TimeoutExpired(["ak", *arguments], timeout, read(out), read(err)) from None
        return subprocess.CompletedProcess(["ak", *arguments], status, read(out).decode(), read(err).decode())


def read(file: IO[bytes]) -> bytes:
    """All that was written to a file."""
    file.seek(0)
    return file.read()


def serve(address: str) -> None:
    """Fork for each order, and tell its sender first the process, then how it ended, until standard input ends."""
    with (
        socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as listening,
        selectors.DefaultSelector() as waiting,
    ):
        listening.bind(address)
        listening.listen(64)
        waiting.register(listening, selectors.EVENT_READ)
        waiting.register(sys.stdin, selectors.EVENT_READ)
        sys.stdout.write("ready\n")
        sys.stdout.flush()
        while True:
            for key, _ in waiting.select():
                if key.fileobj is sys.stdin:
                    return
                if key.fileobj is listening:
                    sender, _ = listening.accept()
                    _, descriptors, _, _ = socket.recv_fds(sender, _MESSAGE, 4)
                    pid = os.fork()
                    if not pid:
                        listening.close()
                        sender.close()
                        waiting.close()
                        become(descriptors)
                    for descriptor in descriptors:
                        os.close(descriptor)
                    with contextlib.suppress(OSError):
                        sender.send(str(pid).encode())
                    waiting.register(os.pidfd_open(pid), selectors.EVENT_READ, (pid, sender))
                else:
                    pid, sender = key.data
                    _, status = os.waitpid(pid, 0)
                    waiting.unregister(key.fileobj)
                    os.close(key.fd)
                    with contextlib.suppress(OSError):
                        sender.send(str(status).encode())
                    sender.close()


def become(descriptors: list[int]) -> None:
    """In the child: be the command that stands in the last of these files, with the others as its standard ones."""
    *standard, order = descriptors
    with os.fdopen(order) as file:
        words, environment, directory = json.load(file)
    for number, descriptor in enumerate(standard):
        os.dup2(descriptor, number)
        os.close(descriptor)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    os.environ.clear()
    os.environ.update(environment)
    time.tzset()
    os.chdir(directory)
    sys.argv[:] = words
    from worker.cli.main import main

    main()


if __name__ == "__main__":
    sys.path[0] = str(Path(__file__).parents[2])
    for _name in LIBRARIES:
        with contextlib.suppress(
            ImportError
        ):  # private parts of typer and pydantic go by other names elsewhere
            importlib.import_module(_name)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # typed at pytest: it ends us when it has ended
    gc.collect()
    gc.freeze()  # what is here is not for a child to look through
    serve(sys.argv[1])
