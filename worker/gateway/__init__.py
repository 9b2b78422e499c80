"""Receive what happens outside, over HTTP.

Verify, record, answer: what an event starts is the business of `worker.dispatch`.
May import: worker.dispatch, worker.store and what lies below, Starlette, uvicorn. Never: session, supervisor, process.
"""

from __future__ import annotations

from worker.gateway.app import create_app
from worker.gateway.server import Gateway

__all__ = ["Gateway", "create_app"]
