"""AutoKitteh's SDK: write plain Python handlers, run them durably.

Handlers are ordinary functions; nothing here is needed to make them durable. See the documentation for how calls become
activities.
"""

from __future__ import annotations

from autokitteh import errors
from autokitteh.activities import activity, inhibit_activities, register_no_activity
from autokitteh.attr_dict import AttrDict
from autokitteh.errors import AutoKittehError
from autokitteh.event import Event

__all__ = [
    # what a handler receives
    "AttrDict",
    # errors
    "AutoKittehError",
    "Event",
    # what becomes one step
    "activity",
    "errors",
    "inhibit_activities",
    "register_no_activity",
]

for _public in (AttrDict, Event, AutoKittehError):
    _public.__module__ = "autokitteh"
del _public
