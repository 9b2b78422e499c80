"""What Temporal does not keep: projects, builds, deployments, events, variables, session logs. SQLite or Postgres.

Synchronous; asynchronous callers use a thread. No statement stands outside this room.
"""

from __future__ import annotations

from worker.store.engine import Database
from worker.store.facade import SessionStore, Store, open_session_store, open_store, schema_of
from worker.store.log import SessionLog

__all__ = ["Database", "SessionLog", "SessionStore", "Store", "open_session_store", "open_store", "schema_of"]
