"""Which build processes should exist, which do: start, restart with backoff, stop the drained.

State lives in the store and in Temporal; a supervisor can be killed at any moment and the next one goes on.
"""

from __future__ import annotations

from worker.supervisor.supervisor import Supervisor

__all__ = ["Supervisor"]
