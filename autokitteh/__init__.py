"""AutoKitteh's SDK: write plain Python handlers, run them durably.

Handlers are ordinary functions; nothing here is needed to make them durable. See the documentation for how calls become
activities.
"""

from __future__ import annotations

from autokitteh import errors, store
from autokitteh.activities import activity, inhibit_activities, register_no_activity
from autokitteh.attr_dict import AttrDict
from autokitteh.concurrency import parallel
from autokitteh.errors import AutoKittehError
from autokitteh.event import Event
from autokitteh.events import next_event, restart, start, subscribe, unsubscribe
from autokitteh.outcomes import http_outcome, outcome
from autokitteh.signals import Signal, next_signal, signal, wait_for_signal
from autokitteh.store import (
    add_values,
    check_and_set_value,
    del_value,
    get_store_public_url,
    get_value,
    list_values_keys,
    mutate_value,
    publish_value,
    set_value,
    unpublish_value,
)
from autokitteh.triggers import get_webhook_url

__all__ = [
    # what a handler receives
    "AttrDict",
    # errors
    "AutoKittehError",
    "Event",
    "Signal",
    # what becomes one step
    "activity",
    # values
    "add_values",
    "check_and_set_value",
    "del_value",
    "errors",
    "get_store_public_url",
    "get_value",
    "get_webhook_url",
    # answers of synchronous webhooks
    "http_outcome",
    "inhibit_activities",
    "list_values_keys",
    "mutate_value",
    # events, sessions, signals
    "next_event",
    "next_signal",
    "outcome",
    "parallel",
    "publish_value",
    "register_no_activity",
    "restart",
    "set_value",
    "signal",
    "start",
    "store",
    "subscribe",
    "unpublish_value",
    "unsubscribe",
    "wait_for_signal",
]

for _public in (AttrDict, Event, AutoKittehError, Signal):
    _public.__module__ = "autokitteh"
del _public
