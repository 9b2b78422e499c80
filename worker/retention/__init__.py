"""What is kept how long: ask Temporal what open sessions need, delete what is past its time, in the store and on disk.

``sweep`` is for the store, one process of all at a time; ``files`` for the machine it runs on, each on its own.
"""

from __future__ import annotations

from worker.retention.files import Files
from worker.retention.sweep import LEASE, Removed, Sweep

__all__ = ["LEASE", "Files", "Removed", "Sweep"]
