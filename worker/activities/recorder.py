"""Lines printed inside an activity: kept per attempt, under the number of their call.

The recorder of the running activity is found through a context variable, so that ``print`` in code it calls finds it.
"""

from __future__ import annotations

import contextvars
import threading
from collections.abc import Callable

from worker import clock
from worker.contracts import LINE_PRINT, LogBatch, LogLine

CURRENT: contextvars.ContextVar[Recorder | None] = contextvars.ContextVar("recorder", default=None)


class Recorder:
    """Collects what one attempt of one call prints; written in batches while it runs."""

    def __init__(
        self,
        project: str,
        workflow_id: str,
        run_id: str,
        line: int,
        attempt: int,
        mask: Callable[[str], str] = str,
    ) -> None:
        self._project = project
        self._workflow_id = workflow_id
        self._run_id = run_id
        self._line = line
        self._attempt = attempt
        self._sub = 0
        self._mask = mask
        self._lines: list[LogLine] = []
        self._lock = threading.Lock()
        self.begun = ""  # a line written without its end

    def add(self, kind: str, text: str, where: str = "") -> None:
        """Append one line, secrets hidden; any thread of the activity may call it."""
        text = self._mask(text)
        with self._lock:
            self._sub += 1
            at = clock.now().timestamp()
            self._lines.append(LogLine(self._line, at, kind, text, where, self._attempt, self._sub))

    def skip(self) -> None:
        """Lines of a call have numbers of their own: one that goes somewhere else needs none."""

    def end_line(self) -> None:
        """The call is over: a line that it has begun is a line."""
        if self.begun:
            begun, self.begun = self.begun, ""
            self.add(LINE_PRINT, begun)

    def take(self) -> LogBatch | None:
        """What came since the last time, or None."""
        with self._lock:
            if not self._lines:
                return None
            lines, self._lines = self._lines, []
        return LogBatch(self._project, self._workflow_id, self._run_id, self._line, lines, self._attempt)
