"""The deterministic side: everything that runs on the workflow thread and is run again on replay.

May import: worker.contracts, worker.errors, worker.ids, worker.usercode, worker.payload, temporalio, greenlet.
Never: the store, settings, clock, logs, or anything whose answer can differ between a run and its replay.
"""

from __future__ import annotations
