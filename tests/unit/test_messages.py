"""Every message in the source that a user can meet stands on the page of errors, where a test produces it.

A new message without an example fails here. Those that need what no test of the page makes (a killed process, Temporal's
limits, data that no event has) are listed, and only they.
"""

from __future__ import annotations

from tests.helpers import catalogue, messages

# By file: what no example shows yet. A text that gets one, or is gone, is taken off.
WITHOUT_EXAMPLE: dict[str, set[str]] = {
    "autokitteh/attr_dict.py": {
        "set … by item assignment: data[…] = …",
    },
    "autokitteh/connections.py": {
        "… is not installed; install it with: pip install autokitteh-temporal[…]",
    },
    "autokitteh/errors.py": {
        "AutoKitteh connection …: OAuth 2.0 is not usable here, use an API token or PAT",
        "OAuth token refresh for … failed: …",
    },
    "autokitteh/google.py": {
        "not a time such as 2030-01-31T12:00:00Z",
    },
    "manifest/cel_budget.py": {
        "the filter takes more than … seconds for these data",
    },
    "manifest/cel_explain.py": {
        "cannot be evaluated: …: …",
        "not evaluated: explaining this filter takes too long",
    },
    "manifest/cel_values.py": {
        "a value of the Python type … cannot be used in a filter",
    },
    "manifest/entrypoint.py": {
        "invalid syntax",
    },
    "manifest/filters.py": {
        "cannot be evaluated: …: …",
    },
    "manifest/loader.py": {
        "this is not UTF-8: …",
        "… is not a mapping of keys to values",
    },
    "worker/activities/call.py": {
        "attempt … of …",
        "changes … made to its arguments are lost: …",
        "the live objects of this call are gone with the process that had them",
    },
    "worker/activities/runtime.py": {
        "restart in a handler that is not durable: it has no history; return, or loop (is_durable: false)",
    },
    "worker/activities/system.py": {
        "there is no operation …",
    },
    "worker/cli/connection.py": {
        "--argument … is not JSON: …",
        "--argument … is not KEY=VALUE",
        "one JSON object of texts is needed",
        "standard input is not JSON: …",
        "there is no choice …",
        "there is no terminal to ask on, and standard input is empty",
    },
    "worker/cli/debug.py": {
        "the code that … ran is not in the store",
        "the debugging process ended with …",
    },
    "worker/cli/deploy.py": {
        "something in use would be taken away; nothing was changed\n…",
        "the deployment was not active after … s",
    },
    "worker/cli/deployment.py": {
        "the build of … is gone",
        "… is the beginning of several deployments",
        "… is …, not active; nothing was changed",
    },
    "worker/cli/doctor.py": {
        "it cannot be used: …",
        "the gateway at … is not ready: …",
    },
    "worker/cli/event.py": {
        "… is the beginning of several events",
    },
    "worker/cli/health.py": {
        "the gateway is not ready: …",
    },
    "worker/cli/histories.py": {
        "Temporal does not keep … of … any more",
        "the history of this session has no beginning",
    },
    "worker/cli/lint.py": {
        "the project cannot be read: …",
    },
    "worker/cli/outcomes.py": {
        "step …, … (…), cannot fail with an error of its own",
        "step …, … (…), has no result",
        "step …, … (…), has no result that could be set",
    },
    "worker/cli/retention.py": {
        "another process is cleaning right now",
    },
    "worker/cli/sessions_view.py": {
        "there is nothing of the name …",
        "… is the beginning of several sessions: … …",
    },
    "worker/cli/var.py": {
        "… has no value: standard input is empty",
    },
    "worker/cutting.py": {
        "step … of … is what it did itself to be a fork",
        "step … of …, … (…), has no result yet",
        "step … of …, … (…), was asked for at the same time as step …",
        "… was asked to stop before its step … had ended",
    },
    "worker/devserver.py": {
        "no free port was found",
        "the Temporal server did not answer within … s",
        "the Temporal server ended while starting:\n  …",
    },
    "worker/gateway/server.py": {
        "the gateway's HTTP server ended while it started",
        "…: …:… is not an address: …",
    },
    "worker/payload/codec.py": {
        "a … has more than … items",
        "signed data was changed",
    },
    "worker/payload/graft.py": {
        "a … cannot be changed in place: …",
    },
    "worker/payload/outside.py": {
        "… is the project's own: only its sessions know it",
    },
    "worker/payload/pickles.py": {
        "it was pickled, but does not unpickle (…: …)",
        "… has no name to travel by",
    },
    "worker/payload/signing.py": {
        "a signed payload is damaged",
        "a signed payload is too large",
    },
    "worker/process/debug.py": {
        "the debugger makes no calls: the session's own have their recorded results",
    },
    "worker/removal.py": {
        "… has … open: …; nothing was changed",
        "… of … … not end",
    },
    "worker/session/calls.py": {
        "changes … made to … of its arguments are lost",
    },
    "worker/session/session.py": {
        "the history of this run has … events and … MiB; Temporal ends it at 51,200 or 50 MiB: call autokitteh.restart() between two events",
    },
    "worker/session/syscalls.py": {
        "start(…): a secret of this project cannot go to another one",
        "the subscription to … was not used since the last restart: unsubscribe",
    },
    "worker/store/config.py": {
        "… has a trigger … already, or will have",
    },
    "worker/store/engine.py": {
        "the database … cannot be used: all connections are taken",
    },
    "worker/supervisor/activation.py": {
        "its process was not ready within … s",
    },
    "worker/supervisor/boot.py": {
        "build … is not in the store",
    },
    "worker/supervisor/replays.py": {
        "a replay took longer than … s and was given up",
        "the replaying process ended",
    },
    "worker/temporal.py": {
        "Temporal at … does not know us: …",
    },
    "worker/usercode/namespace.py": {
        "there is no module … in the project",
    },
    "worker/usercode/tables.py": {
        "a temporary file or directory is gone before a replay comes to look for it; put this into a function marked @autokitteh.activity",
    },
    "worker/versions.py": {
        "… has … versions in Temporal, … of them not drained, … with open sessions; the limit is …",
    },
}


def test_every_message_is_shown_by_an_example():
    """Each place in the source that makes one is found by its words on the page; what is listed here is not there."""
    page = messages.joined(catalogue.PAGE.read_text())
    missing: dict[str, set[str]] = {}
    for message in messages.collect():
        if not message.stands_in(page):
            missing.setdefault(message.place.partition("::")[0], set()).add(message.shown)
    assert missing == WITHOUT_EXAMPLE


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
