"""Every message in the source that a user can meet stands on the page of errors, where a test produces it.

A new message without an example fails here. Listed are those that nobody meets (guards: what leads there is not known, or
is not ours), and a few that need minutes; each says which it is.
"""

from __future__ import annotations

from tests.helpers import catalogue, messages

# By file: what no example shows, and why. A text that gets an example, or is gone, is taken off.
_GUARD = "a guard: nothing is known that leads there"
_CHANGED = "a guard: only what another program, or another version, put there leads to it"
WITHOUT_EXAMPLE: dict[str, dict[str, str]] = {
    "autokitteh/errors.py": {
        "AutoKitteh connection …: OAuth 2.0 is not usable here, use an API token or PAT": (
            "raised by nobody: kept for programs that name AutoKitteh's errors"
        ),
        "OAuth token refresh for … failed: …": (
            "raised by nobody: kept for programs that name AutoKitteh's errors"
        ),
    },
    "manifest/cel_explain.py": {
        "cannot be evaluated: …: …": f"{_GUARD}: an evaluation that fails in a way that none should",
    },
    "manifest/cel_values.py": {
        "a value of the Python type … cannot be used in a filter": (
            "a guard: an event's data come from JSON, which has no other types"
        ),
    },
    "manifest/entrypoint.py": {
        "… is a directory, not a file of Python": (
            "the pages' projects are files; tests/unit/manifest/test_entrypoint.py makes a directory"
        ),
    },
    "manifest/filters.py": {
        "cannot be evaluated: …: …": f"{_GUARD}: an evaluation that fails in a way that none should",
    },
    "worker/activities/call.py": {
        "the live objects of this call are gone with the process that had them": (
            "a guard: such a call is a local activity, which Temporal gives to no other process"
        ),
    },
    "worker/activities/system.py": {
        "there is no operation …": _CHANGED,
    },
    "worker/cli/histories.py": {
        "the history of this session has no beginning": _CHANGED,
    },
    "worker/gateway/server.py": {
        "the gateway's HTTP server ended while it started": f"{_GUARD}: its socket is open by then",
    },
    "worker/payload/outside.py": {
        "… is the project's own: only its sessions know it": (
            "a guard: what is read outside of sessions are answers to webhooks, which hold no objects"
        ),
    },
    "worker/removal.py": {
        "… of … … not end": "needs a Temporal that does not end sessions for minutes",
    },
    "worker/session/session.py": {
        "the history of this run has … events and … MiB; Temporal ends it at 51,200 or 50 MiB: call autokitteh.restart() between two events": (
            "needs a history of thousands of events; tests/integration/test_restart.py lowers the limit"
        ),
    },
}


def test_every_message_is_shown_by_an_example():
    """Each place in the source that makes one is found by its words on the page; what is listed here is not there."""
    page = messages.joined(catalogue.PAGE.read_text())
    missing: dict[str, set[str]] = {}
    for message in messages.collect():
        if not message.stands_in(page):
            missing.setdefault(message.place.partition("::")[0], set()).add(message.shown)
    assert missing == {place: set(reasons) for place, reasons in WITHOUT_EXAMPLE.items()}
    assert all(reason for reasons in WITHOUT_EXAMPLE.values() for reason in reasons.values())


def test_messages_are_found():
    """Of each kind: raised by the worker, the SDK and the manifest, answered, warned of, refused."""
    shown = {message.shown for message in messages.collect()}
    assert len(shown) > 300
    assert {
        "there is no project …",
        "there is no value …",
        "division by zero",
        "Gateway Timeout: the session has not answered yet",
        "breakpoint() was passed over: a session has no terminal",
        "a session has no exit of a process; use try … finally",
    } <= shown
