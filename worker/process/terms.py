"""The filters of subscriptions, checked by the supervisor's interpreter: see ``worker.dispatch.terms``.

The helper is started by the first filter and lives as long as the process; one that died is started again.
"""

from __future__ import annotations

import contextlib
import json
import subprocess
import threading
from pathlib import Path
from typing import Any

from worker.dispatch import match

_ROOT = Path(__file__).resolve().parents[2]


class TermReader:
    """Knows the term of a filter."""

    def __init__(self, python: str) -> None:
        self._command = [python, "-P", "-m", "worker.dispatch.terms"]
        self._lock = threading.Lock()
        self._helper: subprocess.Popen[str] | None = None

    def term_of(self, text: str) -> tuple[str, str]:
        """An equality the filter implies, as path and value; empty when it implies none.

        Raises:
            ValueError: what is wrong with the filter.
            OSError: the helper cannot be reached; the caller's retry starts another one.
        """
        if match.lets_all_pass(text):
            return "", ""
        with self._lock:
            answer = self._ask(text)
        if "problem" in answer:
            raise ValueError(answer["problem"])
        path, value = answer["term"]
        return path, value

    def _ask(self, text: str) -> Any:
        if self._helper is not None and self._helper.poll() is not None:
            self._drop()
        if self._helper is None:
            self._helper = subprocess.Popen(
                self._command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
                encoding="utf-8",
                env={"PYTHONPATH": str(_ROOT), "PYTHONUTF8": "1"},
            )
        assert self._helper.stdin is not None
        assert self._helper.stdout is not None
        self._helper.stdin.write(json.dumps(text) + "\n")
        self._helper.stdin.flush()
        line = self._helper.stdout.readline()
        if not line:
            self._drop()
            raise OSError("the filter could not be checked: its helper ended")
        return json.loads(line)

    def close(self) -> None:
        """End the helper."""
        with self._lock:
            self._drop()

    def _drop(self) -> None:
        if self._helper is not None:
            with contextlib.suppress(OSError), self._helper as helper:
                helper.kill()
        self._helper = None
