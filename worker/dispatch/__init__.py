"""Decide what an event starts, record it, and carry it out.

May import: worker.store and what lies below, manifest.filters, temporalio's client. Never: gateway, session.
"""

from __future__ import annotations

from worker.dispatch.deliver import Outcome
from worker.dispatch.dispatcher import Dispatcher, Work
from worker.dispatch.outbox import Outbox
from worker.dispatch.urls import webhook_url

__all__ = ["Dispatcher", "Outbox", "Outcome", "Work", "webhook_url"]
