"""Module-level state that travels with a call to an ``@activity`` function, and back.

Sent: what the function can see and what differs from the freshly loaded project. Returned: what it changed.
"""

from __future__ import annotations

from typing import Any

from worker.contracts import JSON
from worker.errors import PayloadError
from worker.payload.graft import graft
from worker.usercode.state import reachable_state


def outgoing(session: Any, function: Any) -> dict[str, JSON] | None:
    """The state to send with a call; None when the function sees no state at all."""
    state = reachable_state(function, session.namespace.is_user_module)
    if not state:
        return None
    fresh = session.host.fresh_state
    sent: dict[str, JSON] = {}
    for path, (scope, name) in sorted(state.items()):
        try:
            encoded = session.codec.encode(scope[name])
        except PayloadError:
            continue  # a client, a lock: the process's own object serves
        if encoded != fresh.get(path, _MISSING):
            sent[path] = encoded
    return sent


def incoming(session: Any, changed: dict[str, JSON]) -> None:
    """Apply what an activity changed to the session's own modules, in place where that is possible."""
    for path, encoded in changed.items():
        module_name, _, name = path.partition(":")
        scope = vars(session.namespace.module(module_name))
        scope[name] = graft(scope.get(name), session.codec.decode(encoded))


_MISSING: Any = object()
