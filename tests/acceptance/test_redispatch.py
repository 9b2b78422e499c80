"""Letting events happen again: one, or all that a wrong filter lost."""

from __future__ import annotations

import json
import signal
import subprocess

import httpx
import pytest

from tests.helpers.ak import AK, NO_AUTHORITIES
from tests.helpers.golden import check
from tests.helpers.projects import write
from tests.helpers.waiting import eventually_sync

CODE = """
import autokitteh

def on_order(event):
    print("order", event.data["amount"])

def on_text(event):
    print("text", event.data["text"])

def subscriber(event):
    mine = autokitteh.subscribe("plain", "data.amount == 9")
    print("waiting")
    print("got", autokitteh.next_event(mine, timeout=120).data["amount"])
"""
TRIGGERS = """
- {name: orders, type: webhook, filter: "%s", call: "main.py:on_order"}
- {name: plain, type: webhook}
- {name: told, type: webhook}
- {name: loud, connection: chat, filter: 'data.text.startsWith("!")', call: "main.py:on_text"}
- {name: every, connection: chat, call: "main.py:on_text"}
- {name: brief, type: webhook, call: "main.py:on_order"}
"""
EXTRA = """
vars:
  - {name: KEY, value: hush-4711-secret, secret: true}
connections:
  - {name: chat, integration: slack}
"""
_MANY = 200
WRONG = "data.amount > 10"
RIGHT = "int(data.amount) > 10"


@pytest.fixture(scope="module")
def directory(up, tmp_path_factory):
    """A project whose filter takes no amount, since all of them are texts."""
    found = write(
        tmp_path_factory.mktemp("again"), "again", {"main.py": CODE}, triggers=TRIGGERS % WRONG, extra=EXTRA
    )
    up.ak("deploy", str(found))
    return found


def deployed(up, directory, text: str) -> None:
    """Deploy the project with other triggers."""
    write(directory, "again", {"main.py": CODE}, triggers=text, extra=EXTRA)
    up.ak("deploy", str(directory), "--yes")  # which is quick where nothing changed


def sent(up, source: str, data: str) -> str:
    """An event."""
    return str(up.ak("event", "send", "again", source, "--data", data)["event_id"])


def prints(up, found: dict) -> list[str]:
    """What the one session of a repetition printed once it has ended."""
    (session,) = found["sessions"]
    eventually_sync(lambda: up.ak("session", "get", session)["state"] == "completed")
    return up.prints(session)


def test_the_events_that_a_wrong_filter_lost_happen_again_once(up, directory):
    """Foreseen, refused without a yes, then done: oldest first, each once, also when the command is repeated."""
    deployed(up, directory, TRIGGERS % WRONG)
    lost = [sent(up, "orders", f'{{"amount": "{amount}"}}') for amount in (20, 30, 5)]
    choice = ("event", "redispatch", "--project", "again", "--trigger", "orders", "--since", "1h")
    before = up.ak(*choice, "--dry-run")["events"]
    assert [item["redispatched_from"] for item in before] == lost
    assert not any(item["led_to"]["started"] for item in before)
    assert "none of 3 would lead to anything now" in up.run(*choice, "--yes").stdout
    deployed(up, directory, TRIGGERS % RIGHT)
    check(up.run(*choice, "--dry-run").stdout, "event/redispatch-dry-run")
    refused = up.run(*choice, check=False)
    assert refused.returncode == 1
    assert "nobody said yes to dispatching 2 again" in refused.stderr
    assert up.ak("event", "list", "again", "--source", "orders") == up.ak(
        "event", "list", "again", "--source", "orders", "--since", "1h"
    )
    done = up.ak(*choice, "--yes")["events"]
    assert [item["led_to"]["started"] for item in done] == [1, 1, 0]
    assert [item["event_id"] is None for item in done] == [False, False, True]
    assert [prints(up, item) for item in done[:2]] == [["order 20"], ["order 30"]]
    left = up.ak(*choice, "--yes")["events"]
    assert [item["redispatched_from"] for item in left] == lost[2:]
    assert len(up.ak("event", "list", "again", "--source", "orders")) == 5
    told = up.ak("event", "explain", lost[0])["again"]
    assert [(item["id"], item["led_to"]) for item in told] == [(done[0]["event_id"], "1 started")]


def test_a_secret_that_somebody_sent_is_not_shown(up, directory):
    """The table of what would happen again hides it, as the list of events does."""
    deployed(up, directory, TRIGGERS % RIGHT)
    sent(up, "told", '{"amount": "hush-4711-secret"}')
    choice = ("--project", "again", "--source", "told", "--handled", "--since", "1h", "--dry-run")
    shown = up.run("event", "redispatch", *choice).stdout
    assert "amount" in shown
    assert "hush-4711" not in shown + json.dumps(up.ak("event", "redispatch", *choice))


def test_one_trigger_of_several_gets_what_it_did_not_take(up, directory):
    """The other trigger of the connection, which took the event, does not start again."""
    deployed(up, directory, TRIGGERS % RIGHT)
    event = sent(up, "chat", '{"text": "quiet"}')
    deployed(up, directory, (TRIGGERS % RIGHT).replace('data.text.startsWith("!")', "size(data.text) > 1"))
    choice = ("event", "redispatch", "--project", "again", "--trigger", "loud")
    (found,) = up.ak(*choice, "--yes")["events"]
    assert found["redispatched_from"] == event
    assert prints(up, found) == ["text quiet"]
    again = up.ak("event", "explain", found["event_id"])
    assert [(item["name"], item["matched"]) for item in again["triggers"]] == [("loud", True)]
    assert "for trigger loud alone" in up.run("event", "explain", found["event_id"]).stdout
    assert up.ak(*choice, "--yes")["events"] == []


def test_one_event_again_and_again(up, directory):
    """Who names an event means it: it happens each time, and the times before are told."""
    deployed(up, directory, TRIGGERS % RIGHT)
    event = sent(up, "brief", '{"amount": 1}')
    foreseen = up.ak("event", "redispatch", event, "--dry-run")
    assert (foreseen["event_id"], foreseen["led_to"]["started"]) == (None, 1)
    first = up.ak("event", "redispatch", event)
    second = up.ak("event", "redispatch", event)
    assert first["event_id"] != second["event_id"]
    assert (first["before"], second["before"]) == ([], [first["event_id"]])
    assert prints(up, second) == ["order 1"]
    third = up.ak("event", "redispatch", second["event_id"])
    assert third["before"] == [first["event_id"], second["event_id"]]
    assert "it happened again before" in up.run("event", "redispatch", event).stdout
    assert (
        up.ak("event", "redispatch", "--project", "again", "--source", "brief", "--dry-run")["events"] == []
    )
    handled = up.ak("event", "redispatch", "-p", "again", "--source", "brief", "--handled", "--dry-run")[
        "events"
    ]
    assert handled[-1]["redispatched_from"] == event


def test_an_event_for_a_session_that_subscribed_later(up, directory):
    """The session gets what it was too late for."""
    deployed(up, directory, TRIGGERS % RIGHT)
    event = sent(up, "plain", '{"amount": 9}')
    session = up.ak("session", "start", "again", "main.py:subscriber")["id"]
    eventually_sync(lambda: up.prints(session) == ["waiting"])
    assert up.ak("event", "explain", event)["missed"][0]["session"]["id"] == session
    (found,) = up.ak("event", "redispatch", "-p", "again", "--source", "plain", "--yes")["events"]
    assert (found["led_to"]["signalled"], found["sessions"]) == (1, [session])
    assert up.ak("session", "wait", session, "--timeout", "60")["state"] == "completed"
    assert up.prints(session) == ["waiting", "got 9"]


def test_an_event_whose_trigger_is_gone(up, directory):
    """Nobody would get it: another trigger can be named."""
    deployed(up, directory, TRIGGERS % RIGHT)
    event = sent(up, "brief", '{"amount": 2}')
    deployed(
        up, directory, "\n".join(line for line in (TRIGGERS % RIGHT).splitlines() if "brief" not in line)
    )
    failed = up.run("event", "redispatch", event, check=False)
    assert failed.returncode == 4
    assert "again has no trigger brief" in failed.stderr
    assert "--trigger NAME" in failed.stderr
    told = up.ak("event", "redispatch", event, "--trigger", "every")
    assert told["led_to"]["started"] == 1


def begun(up, *arguments: str) -> subprocess.Popen[str]:
    """A command that can be interrupted, also where the tests themselves run in the background."""
    return subprocess.Popen(
        [AK, "event", "redispatch", "--project", "many", *arguments],
        env=up.environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),  # noqa: PLW1509
    )


def repeated(up) -> list[str]:
    """Which events happened again, one for each repetition."""
    events = up.ak("event", "list", "many", "-n", "1000")
    return [item["memo"]["redispatched_from"] for item in events if "redispatched_from" in item["memo"]]


def test_what_was_killed_and_interrupted_goes_on_where_it_stopped(up, tmp_path):
    """Each of many events happens again once; an interrupted command says where it stopped and exits with 130."""
    code = {"main.py": "def on_number(event): print(event.data.body.json.n)"}
    trigger = "- {name: numbers, type: webhook, filter: 'data.body.json.n > %s', call: 'main.py:on_number'}"
    directory = write(tmp_path / "many", "many", code, triggers=trigger % 1000)
    up.ak("deploy", str(directory))
    with httpx.Client(verify=NO_AUTHORITIES) as client:
        url = up.ak("trigger", "get", "many", "numbers")["webhook"]
        for number in range(_MANY):
            assert client.post(url, json={"n": number}).is_success
    write(directory, "many", code, triggers=trigger % -1)
    up.ak("deploy", str(directory), "--yes")
    killed = begun(up, "--yes")
    eventually_sync(lambda: len(repeated(up)) > 2, 60)
    killed.kill()
    killed.communicate(timeout=60)
    rest = _MANY - len(repeated(up))
    stopped = begun(up, "--yes", "--json")
    assert stopped.stderr is not None
    told = next(line for line in stopped.stderr if line.startswith("100 of "))
    assert told.startswith(f"100 of {rest}, at last evt_")
    stopped.send_signal(signal.SIGINT)
    printed, said = stopped.communicate(timeout=60)
    done = [item for item in json.loads(printed)["events"] if item["event_id"] is not None]
    assert (stopped.returncode, 100 <= len(done) < rest) == (130, True), said
    assert f"interrupted after {len(done)} of {rest}, the last {done[-1]['redispatched_from']}" in said
    assert "the same command again" in said
    assert len(repeated(up)) == _MANY - rest + len(done)
    up.run("event", "redispatch", "--project", "many", "--yes")
    assert sorted(repeated(up)) == sorted(set(repeated(up)))
    assert len(repeated(up)) == _MANY
    eventually_sync(lambda: len(up.ak("session", "list", "many", "-n", "1000")) == _MANY, 60)


@pytest.mark.parametrize(
    ("words", "status", "text"),
    [
        ([], 2, "which events?"),
        (["evt_1", "--since", "2h"], 2, "named or chosen, not both"),
        (["--project", "again", "--trigger", "orders", "--source", "orders"], 2, "Leave --source out"),
        (["--project", "nobody"], 4, "there is no project nobody"),
        (["--project", "again", "--trigger", "nope"], 4, "again has no trigger nope"),
        (["--project", "again", "--source", "nope"], 4, "again has no trigger or connection nope"),
        (["evt_nothing"], 4, "there is no event evt_nothing"),
    ],
)
def test_what_does_not_go_together(up, directory, words, status, text):
    """Each with what to do."""
    failed = up.run("event", "redispatch", *words, check=False)
    assert failed.returncode == status
    assert text in failed.stderr
