"""What a build process and everything it starts write to standard output and error: into its log, secrets hidden.

The process could hide them in what Python prints, and could not in what a program it starts prints (``env``, say): so
the text goes through a pipe and is looked at here. The process holds the pipe's reading end open as well: when the
supervisor is killed, a handler that writes meets no broken pipe, whose error would end its session.

Where the log is JSON, each line is an object, whoever wrote it: also a library's warning and the last words of a crash.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import Iterable
from pathlib import Path

from worker.log import entry_of
from worker.masking import Mask

_LOG_LIMIT_BYTES = 5_000_000
_LINE_LIMIT_BYTES = 64 * 1024
_CHUNK_BYTES = 64 * 1024


class ProcessOutput:
    """The pipe from a process to its log file."""

    def __init__(self, log_file: Path, secrets: Iterable[str], *, as_json: bool = False) -> None:
        log_file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        if log_file.exists() and log_file.stat().st_size > _LOG_LIMIT_BYTES:
            log_file.replace(log_file.with_suffix(".old.log"))
        self._file = log_file.open("ab", buffering=0)
        self._mask = Mask(secrets)
        self._as_json = as_json
        self._begun = b""
        self._reading = False
        self.read_end, self.write_end = os.pipe()

    def hide(self, secrets: Iterable[str]) -> None:
        """These are secrets, too."""
        self._mask = self._mask.adding(secrets)

    async def begin(self) -> None:
        """The process has its end: read ours."""
        os.close(self.write_end)
        os.set_blocking(self.read_end, False)
        asyncio.get_running_loop().add_reader(self.read_end, self._read)
        self._reading = True

    def close(self) -> None:
        """The process has ended: what it wrote last is in the log, also a line it did not finish."""
        if self._file.closed:
            return
        if self._reading:
            asyncio.get_running_loop().remove_reader(self.read_end)
            while self._read():
                continue
        else:
            os.close(self.write_end)
        os.close(self.read_end)
        self._write(self._begun)
        self._file.close()

    def _read(self) -> bool:
        try:
            chunk = os.read(self.read_end, _CHUNK_BYTES)
        except OSError:  # nothing there yet
            return False
        if not chunk:
            asyncio.get_running_loop().remove_reader(self.read_end)
            return False
        whole, newline, self._begun = (self._begun + chunk).rpartition(b"\n")
        self._write(whole + newline)
        if len(self._begun) > _LINE_LIMIT_BYTES:  # half of it stays, in case a secret is being written
            half = len(self._begun) // 2
            self._write(self._begun[:half])
            self._begun = self._begun[half:]
        return True

    def _write(self, data: bytes) -> None:
        if data:
            text = self._mask(data.decode("utf-8", "surrogateescape"))
            if self._as_json:
                lines = [line for line in text.split("\n") if line.strip()]
                text = "".join(f"{entry_of(line)}\n" for line in lines)
            with contextlib.suppress(OSError):  # a full disk must not stop the process
                self._file.write(text.encode("utf-8", "surrogateescape"))
