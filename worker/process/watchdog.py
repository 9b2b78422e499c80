"""Notice a session that holds the workflow thread too long, and end that session instead of its neighbours.

temporalio's own limit of two seconds counts time in the executor's queue, so that one looping handler fails innocent
sessions; it is switched off. This one counts from the moment an activation began on the thread:

1. Over budget: ``OverBudget`` is raised in the thread; the session ends with an error that names its line.
2. Where that is swallowed or C code does not react, it is raised again every second.
3. After ``_STUCK_BUDGETS`` budgets the process reports the session and exits; the supervisor starts a new one and,
   after the second time, terminates that session.

Time on a busy machine is not the session's fault: an activation counts as over budget when its thread used half of
the budget as CPU time, or when twice the budget has passed.
"""

from __future__ import annotations

import ctypes
import threading
import time
from collections.abc import Callable

from worker.errors import OverBudget

_CHECK_SECONDS = 0.25
_STUCK_BUDGETS = 3


class Watchdog:
    """Watches the workflow thread from a thread of its own."""

    def __init__(
        self, budget_seconds: float, in_user_code: Callable[[], bool], stuck: Callable[[str, str], None]
    ) -> None:
        self._budget = budget_seconds
        self._in_user_code = in_user_code
        self._stuck = stuck
        self._lock = threading.Lock()
        self._thread = 0
        self._clock = 0
        self._session: tuple[str, str] | None = None
        self._began = 0.0
        self._began_cpu = 0.0
        self._raised = False
        self._ended = threading.Event()

    def begin(self, workflow_id: str, run_id: str) -> None:
        """On the workflow thread: an activation begins."""
        thread = threading.get_ident()
        with self._lock:
            if thread != self._thread:
                self._thread = thread
                self._clock = time.pthread_getcpuclockid(thread)
            self._session = (workflow_id, run_id)
            self._began = time.monotonic()
            self._began_cpu = time.clock_gettime(self._clock)

    def end(self) -> None:
        """On the workflow thread: the activation ended."""
        with self._lock:
            self._session = None
            if self._raised:
                self._raised = False
                # Take back an exception that was set but not raised yet: it would hit the next session.
                ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(self._thread), None)

    def start(self) -> None:
        """Watch until ``stop``."""
        threading.Thread(target=self._watch, name="watchdog", daemon=True).start()

    def stop(self) -> None:
        """End the watching thread."""
        self._ended.set()

    def _watch(self) -> None:
        while not self._ended.wait(_CHECK_SECONDS):
            with self._lock:
                session = self._session
                if session is None:
                    continue
                passed = time.monotonic() - self._began
                used = time.clock_gettime(self._clock) - self._began_cpu
                over = passed > self._budget and (used > self._budget / 2 or passed > 2 * self._budget)
                if over and self._in_user_code():
                    self._raised = True
                    ctypes.pythonapi.PyThreadState_SetAsyncExc(
                        ctypes.c_ulong(self._thread), ctypes.py_object(OverBudget)
                    )
                stuck = over and passed > _STUCK_BUDGETS * self._budget
            if stuck:
                self._stuck(*session)
                return
