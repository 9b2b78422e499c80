"""``time.sleep`` of libraries: a durable timer where it would stop the thread that all sessions share.

The user's own calls are routed and never come here. What a library does on its own, inside a call that runs where it is
made, sleeps for real in activities, and by a timer in sessions.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import SupportsIndex

from worker.session import standins
from worker.session.host import RunningState
from worker.usercode import frames, substitutes


class Naps:
    """Stands in the place of ``time.sleep`` for the whole process; installed before any library is imported."""

    def __init__(self) -> None:
        self._sleep = time.sleep
        self._state: RunningState | None = None
        self._directory = Path()

    def install(self) -> None:
        """Replace it. Until there are sessions, everybody sleeps for real."""

        def sleep(seconds: float | SupportsIndex) -> None:
            session = None if self._state is None else self._state.here
            if session is None:
                self._sleep(seconds)
            else:
                standins.sleep(session, f"{frames.calling_line(self._directory)}:0", float(seconds))

        substitutes.also(sleep, "time.sleep")
        time.sleep = sleep

    def serve(self, state: RunningState, directory: Path) -> None:
        """There are sessions from now on."""
        self._state, self._directory = state, directory
