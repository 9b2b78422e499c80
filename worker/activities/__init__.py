"""The side where things happen: external calls, executed on threads beside the sessions.

May import: worker.contracts, worker.errors, worker.usercode, worker.payload, temporalio.
Never: worker.session; both sides know the same contracts.
"""

from __future__ import annotations
