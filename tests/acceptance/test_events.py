"""``ak event`` and ``ak filter``: what an event led to, and why it led to nothing."""

from __future__ import annotations

import json

import httpx
import pytest

from tests.helpers.golden import check
from tests.helpers.projects import write
from tests.helpers.waiting import eventually_sync

CODE = """
import autokitteh

def on_event(event):
    print(event.event_type, event.data)

def subscriber(event):
    mine = autokitteh.subscribe("orders", 'data.body.json.number == 7')
    other = autokitteh.subscribe("orders", 'data.body.json.nunber == 7')
    print("waiting")
    found = autokitteh.next_event([mine, other], timeout=120)
    print("got", found.data.body.json["number"])

def leaver(event):
    autokitteh.unsubscribe(autokitteh.subscribe("orders", 'data.body.json.number == 8'))
    print("left")
    autokitteh.next_signal("never")
"""
TRIGGERS = """
- {name: orders, type: webhook, filter: 'data.body.json.action == "opened"', call: "main.py:on_event"}
- {name: typo, type: webhook, filter: 'data.body.json.actoin == "opened"', call: "main.py:on_event"}
- {name: large, type: webhook, filter: "data.body.json.amount > 3", call: "main.py:on_event"}
- {name: never, type: webhook, filter: "false", call: "main.py:on_event"}
- {name: posted, connection: chat, event_type: message, call: "main.py:on_event"}
- {name: quiet, connection: chat, filter: 'data.text.startsWith("!")', call: "main.py:on_event"}
"""
EXTRA = """
connections:
  - {name: chat, integration: slack}
"""


@pytest.fixture(scope="module")
def deployed(up, tmp_path_factory):
    """A project with a webhook, a connection and a session that subscribes."""
    directory = write(
        tmp_path_factory.mktemp("events"), "events", {"main.py": CODE}, triggers=TRIGGERS, extra=EXTRA
    )
    return up.ak("deploy", str(directory))


def explained(up, event: str, *, until="completed"):
    """The explanation once every session of it is in a state."""

    def settled():
        found = up.ak("event", "explain", event)
        sessions = [item["session"] for item in found["triggers"] if item["session"]]
        return found if all(item["state"] == until for item in sessions) else None

    return eventually_sync(settled)


def post(deployed, trigger: str, body: dict) -> str:
    """Post to a webhook; returns the event."""
    return httpx.post(deployed["webhooks"][trigger], json=body).headers["AutoKitteh-Event-ID"]


def test_explain_a_match_and_a_subscription(up, deployed):
    """Who matched with which values, the sessions with their states, when it was delivered; ended subscriptions too."""
    session = up.ak("session", "start", "events", "main.py:subscriber")["id"]
    eventually_sync(lambda: up.prints(session) == ["waiting"])
    event = post(deployed, "orders", {"action": "opened", "number": 7})
    up.ak("session", "wait", session, "--timeout", "60")
    found = explained(up, event)
    (trigger,) = found["triggers"]
    assert trigger["matched"]
    assert trigger["parts"][0]["value"] is True
    assert trigger["session"]["state"] == "completed"
    assert trigger["delivery"]["attempts"] == 1
    matched = {item["filter"]: item["matched"] for item in found["subscriptions"]}
    assert matched == {"data.body.json.number == 7": True, "data.body.json.nunber == 7": False}
    assert all(item["until"] for item in found["subscriptions"])
    assert found["subscriptions"][0]["session"] == {"id": session, "state": "completed"}
    check(up.run("event", "explain", event).stdout, "event/explain-subscriptions")


def test_explain_an_event_that_came_too_early_or_too_late(up, deployed):
    """The session subscribed after the one and had unsubscribed before the other; both are told, by how much."""
    early = post(deployed, "orders", {"number": 8})
    session = up.ak("session", "start", "events", "main.py:leaver")["id"]
    eventually_sync(lambda: "left" in up.prints(session))
    late = post(deployed, "orders", {"number": 8})
    for event, when in ((early, lambda seconds: seconds < 0), (late, lambda seconds: seconds > 0)):
        found = up.ak("event", "explain", event)
        assert found["subscriptions"] == []
        (item,) = found["missed"]
        assert (item["session"]["id"], item["ended_by"]) == (session, "unsubscribe")
        assert when(item["seconds"])
    assert up.ak("event", "explain", post(deployed, "orders", {"number": 9}))["missed"] == []
    check(up.run("event", "explain", late).stdout, "event/explain-too-late")
    up.ak("session", "stop", session)


def test_explain_proposes_what_to_write(up, deployed):
    """A text where a number is expected, a body that is no JSON."""
    event = post(deployed, "large", {"amount": "12"})
    check(up.run("event", "explain", event).stdout, "event/explain-types")
    (trigger,) = up.ak("event", "explain", event)["triggers"]
    assert trigger["parts"][0]["note"] == (
        "data.body.json.amount is a string: write int(data.body.json.amount) > 3"
    )
    form = httpx.post(deployed["webhooks"]["large"], data={"amount": "12"}).headers["AutoKitteh-Event-ID"]
    text = up.run("event", "explain", form).stdout
    assert "(data.body.json is null; in data.body bytes, text, form are not null)" in " ".join(text.split())


@pytest.mark.parametrize(
    ("words", "status", "said"),
    [
        (["nobody"], 4, "there is no project nobody"),
        (["events", "--source", "oders"], 4, "the project events has no trigger or connection oders"),
        (["events", "--since", "1h", "--until", "2h"], 2, "--since 1h is after --until 2h"),
        (["events", "-n", "9" * 20], 2, "--limit should be less than or equal to 1000000000"),
        (["events", "--type", "patch", "-u"], 0, "of the project events of the type patch that led to"),
    ],
)
def test_lists_of_nothing_say_why(up, deployed, words, status, said):
    """What does not exist is an error, with the nearest; else what was looked for is told."""
    found = up.run("event", "list", *words, check=False)
    assert found.returncode == status
    assert said in found.stdout + found.stderr
    if status == 4:
        listed = up.run("event", "list", *words, "--json")
        assert (listed.stdout.strip(), said in listed.stderr) == ("[]", True)


def test_an_event_is_named_by_any_beginning_of_its_id(up, deployed):
    """With and without what all ids begin with."""
    event = post(deployed, "orders", {"action": "opened"})
    assert up.ak("event", "get", event[:-2])["id"] == up.ak("event", "get", event[4:])["id"] == event


def test_secrets_in_what_was_sent_are_hidden_where_filters_are_explained(up, deployed):
    """In the values of their parts, in why they failed, and in every list of reasons."""
    secret = "tok-in-an-event-0123456789"
    up.ak("var", "set", "events", "TOKEN", secret, "--secret", "--no-deploy")
    event = post(deployed, "large", {"amount": secret})
    test = ("filter", "test", "int(data.body.json.amount) > 3", "--event", event)
    commands = [("event", "explain", event), ("event", "redispatch", event, "--dry-run"), test]
    for command in [*commands, ("event", "list", "events", "--source", "large")]:
        for options in ([], ["--json"]):
            said = up.run(*command, *options, check=False).stdout
            assert said
            assert secret not in said
    assert "••••••" in up.run("event", "explain", event).stdout
    assert secret not in json.dumps(up.ak("event", "get", event)["deliveries"])
    up.ak("var", "delete", "events", "TOKEN", "--no-deploy")


def test_a_skipped_event_is_shown_without_a_session(up, deployed):
    """There is none; the filter is named once, secrets in headers are hidden, and the list says why."""
    sent = httpx.post(
        deployed["webhooks"]["large"], json={"amount": "12"}, headers={"Authorization": "Bearer abcdef"}
    )
    event = sent.headers["AutoKitteh-Event-ID"]
    found = up.ak("event", "get", event)
    (delivery,) = found["deliveries"]
    assert (delivery["state"], delivery["session"]) == ("skipped", None)
    assert delivery["reason"].count("data.body.json.amount > 3") == 1
    text = up.run("event", "get", event).stdout
    assert "abcdef" not in text
    assert "Authorization: Bearer ••••••" in text
    assert "ses_" not in text
    (listed,) = (item for item in up.ak("event", "list", "events", "-u") if item["id"] == event)
    assert listed["reasons"] == [delivery["reason"]]
    assert "nothing: filter failed" in up.run("event", "list", "events", "--source", "large").stdout


def test_explain_a_typo_in_a_key(up, deployed):
    """The filter failed, and the key that was meant is named; the triggers of that moment count after a change."""
    event = post(deployed, "typo", {"action": "opened", "number": 1})
    text = up.run("event", "explain", event).stdout
    assert "(there are: action, number; did you mean action?)" in text
    check(text, "event/explain-typo")
    assert event in [item["id"] for item in up.ak("event", "list", "events", "--unhandled")]


def test_explain_a_filter_that_is_only_a_value(up, deployed):
    """It is told as any other."""
    lines = up.run("event", "explain", post(deployed, "never", {})).stdout.splitlines()
    assert lines[lines.index("  filter") + 1] == "    false  → false"


def test_an_event_is_shown_as_it_was_sent(up, deployed):
    """Method, path and the decoded body, in the list, the event and the session; base64 only for programs."""
    sent = httpx.post(
        deployed["webhooks"]["orders"] + "/new?x=1",
        json={"action": "opened", "number": 9},
        headers={"User-Agent": "test"},
    )
    event = sent.headers["AutoKitteh-Event-ID"]
    session = explained(up, event)["triggers"][0]["session"]["id"]
    request = "POST /new?x=1 {'action': 'opened', 'number': 9}"
    listed = {item["id"]: item["preview"] for item in up.ak("event", "list", "events")}
    assert listed[event] == request
    assert request in up.run("event", "list", "events").stdout
    text = up.run("event", "get", event).stdout
    check(text, "event/get", ADDRESS=up.ak("event", "get", event)["memo"]["remote_addr"])
    found = up.ak("event", "get", event)
    assert (found["trigger"], found["data"]["body"]["bytes"][:4]) == ("orders", "eyJh")
    assert f"  data      {request}" in up.run("session", "show", session).stdout.splitlines()


def test_explain_an_event_of_a_connection(up, deployed):
    """Each of its triggers by type and filter; nothing else listened."""
    event = up.ak("event", "send", "events", "chat", "--type", "reaction", "--data", '{"text": "hi"}')[
        "event_id"
    ]
    found = explained(up, event)
    reasons = {item["name"]: item["reason"] for item in found["triggers"]}
    assert reasons["posted"] == "event type is 'reaction', the trigger wants 'message'"
    assert reasons["quiet"].endswith("is false")
    assert {item["name"] for item in found["other_triggers"]} == {"orders", "typo", "large", "never"}


def test_send_a_file_and_let_it_happen_again(up, deployed, tmp_path):
    """A file as data, as a request's body; the repetition names the first."""
    body = tmp_path / "order.json"
    body.write_text(json.dumps({"action": "opened", "number": 2}))
    first = up.ak("event", "send", "events", "orders", "--file", str(body), "--raw")["event_id"]
    found = up.ak("event", "get", first)
    assert (found["type"], found["data"]["body"]["json"]) == ("post", {"action": "opened", "number": 2})
    assert found["deliveries"][0]["state"] == "done"
    assert up.ak("event", "get", up.ak("event", "send", "events", "chat", "--file", str(body))["event_id"])[
        "data"
    ] == {"action": "opened", "number": 2}
    again = up.ak("event", "redispatch", first[:12])["event_id"]
    repeated = up.ak("event", "get", again)
    assert repeated["memo"]["redispatched_from"] == first
    assert repeated["data"] == found["data"]
    assert explained(up, again)["triggers"][0]["session"]["id"] != found["deliveries"][0]["session"]
    assert "the same as" in up.run("event", "explain", again).stdout


def test_list_events_by_what_they_led_to(up, deployed):
    """Filters by source, type and time; counts of sessions started."""
    event = post(deployed, "orders", {"action": "opened", "number": 3})
    listed = up.ak("event", "list", "events", "--source", "orders", "--type", "post", "--since", "1h")
    assert {item["id"]: item["led_to"]["started"] for item in listed}[event] == 1
    assert up.ak("event", "list", "events", "--until", "1h") == []
    assert up.run("event", "list", "--since", "soon", check=False).returncode == 2
    text = up.run("event", "list", "events", "-n", "1").stdout
    assert "1 started" in text


def test_unknown_events_name_the_nearest(up, deployed):
    """Exit status 4."""
    event = post(deployed, "typo", {"number": 1})
    for command in ("get", "explain", "redispatch"):
        failed = up.run("event", command, f"{event[:-1]}~", check=False)
        assert failed.returncode == 4
        assert event in failed.stderr


def test_filter_test(up, deployed, tmp_path):
    """Against an event, data and a file; the exit status tells a wrong filter."""
    event = post(deployed, "typo", {"action": "opened", "number": 5})
    found = up.ak("filter", "test", "data.body.json.number > 4 && event_type == 'post'", "--event", event)
    assert (found["result"], found["parts"][1]["value"]) == (True, True)
    wrong = up.run("filter", "test", "data.body = 1", check=False)
    assert wrong.returncode == 1
    check(wrong.stdout, "event/filter-wrong")
    check(
        up.run(
            "filter", "test", "data.n in [1, 2] || size(data.m) > 1", "--data", '{"n": 3, "m": []}'
        ).stdout,
        "event/filter-false",
    )
    file = tmp_path / "data.json"
    file.write_text('{"n": 1}')
    assert up.ak("filter", "test", "data.n == 1", "--file", str(file))["result"] is True
    assert (
        up.run("filter", "test", "data.n", "--file", str(file), "--data", "{}", check=False).returncode == 2
    )


def test_requests_that_became_no_event_are_listed(up, deployed):
    """A wrong slug, a path without it, a body that is too large: each with why, and a line under the list of events."""
    url = deployed["webhooks"]["orders"]
    slug = url.rpartition("/")[2]
    assert httpx.post(url[:-1]).status_code == 404
    assert httpx.post(url.replace("/webhooks/", "/hooks/")).status_code == 404
    assert httpx.post(url.replace(slug, "events/orders")).status_code == 404
    assert httpx.post(url, content=b"x" * 600_000).status_code == 413
    found = eventually_sync(lambda: len(listed := up.ak("event", "refused", "events")) >= 4 and listed)
    reasons = {item["path"]: item["reason"] for item in found}
    assert reasons[f"/webhooks/{slug[:-1]}"] == "it is nearly the URL of the webhook orders of events"
    assert reasons[f"/hooks/{slug}"] == f"the path of the webhook orders begins with /webhooks/{slug}"
    assert reasons["/webhooks/events/orders"].endswith("`ak trigger get events orders` shows it")
    assert reasons[f"/webhooks/{slug}"] == "its body is larger than 524,288 bytes"
    assert up.ak("event", "refused", "events", "--since", "2020-01-01", "-n", "1") == found[:1]
    text = up.run("event", "refused", "events").stdout
    assert f"POST /webhooks/{slug[:-1]} → AK3404" in text
    assert "requests were refused, the last at" in up.run("event", "list", "events").stdout
    assert up.run("event", "refused", "nobody", check=False).returncode == 4
