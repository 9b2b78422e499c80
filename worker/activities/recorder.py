"""Lines printed inside an activity: kept per attempt, under the number of their call.

The recorder of the running activity is found through a context variable, so that ``print`` in code it calls finds it.

A call may be over for its session while it still runs here: it ran out of time, or the session was stopped. What it has
printed by then is handed over ahead of the session's own lines (``Recorders.hand``), so that a session's end is never in
the log before a line that was printed before it.
"""

from __future__ import annotations

import contextlib
import contextvars
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future

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
        self._written: Future[None] | None = None  # of what was handed over last
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

    @property
    def run_id(self) -> str:
        """The run of the session that made the call."""
        return self._run_id

    def hand(self, put: Callable[[LogBatch], Future[None]]) -> Future[None] | None:
        """Hand over what came since the last time; done once all that was handed over is written. None: nothing ever came."""
        with self._lock:
            if self._lines:
                lines, self._lines = self._lines, []
                self._written = put(
                    LogBatch(self._project, self._workflow_id, self._run_id, self._line, lines, self._attempt)
                )
            return self._written


class Recorders:
    """The recorders of the calls that run in this process."""

    def __init__(self) -> None:
        self._open: dict[str, list[Recorder]] = {}
        self._lock = threading.Lock()

    @contextlib.contextmanager
    def holding(self, recorder: Recorder) -> Iterator[None]:
        """Know a recorder while its call runs."""
        with self._lock:
            self._open.setdefault(recorder.run_id, []).append(recorder)
        try:
            yield
        finally:
            with self._lock:
                mine = self._open[recorder.run_id]
                mine.remove(recorder)
                if not mine:
                    del self._open[recorder.run_id]

    def hand(self, run_id: str, put: Callable[[LogBatch], Future[None]]) -> None:
        """Hand over what the calls of a run have printed so far."""
        with self._lock:
            running = list(self._open.get(run_id, ()))
        for recorder in running:
            recorder.hand(put)
