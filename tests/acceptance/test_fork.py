"""A session that failed, was corrected, and goes on: ``ak session restart`` and ``ak session fork``."""

from __future__ import annotations

import json

import pytest

from tests.helpers.ak import CommandError
from tests.helpers.counting import counting
from tests.helpers.projects import write
from tests.helpers.waiting import eventually_sync

ORDERS = """
import time
import uuid
from datetime import datetime

import autokitteh
import requests


@autokitteh.activity
def get(path):
    return requests.get(URL + path, timeout=10).json()


def on_event(event):
    began, key = datetime.now(), str(uuid.uuid4())
    price = get("/price")
    print("price", price["n"], key)
    time.sleep(2)
    autokitteh.add_values("orders", 1)
    stock = get("/stock")
    print("stock", stock["n"], (datetime.now() - began).seconds >= 2)
    total = stock["{key}"] * price["n"]
    receipt = get("/receipt")
    return {"total": total, "receipt": receipt["n"], "key": key, "who": event.data.get("who")}
"""


@pytest.fixture(scope="module")
def server():
    """What the programs call."""
    with counting() as made:
        yield made


def deploy(up, path, name, text, server):
    """Deploy one file."""
    write(path, name, {"main.py": text.replace("URL +", f"{server.url!r} +")})
    return up.ak("deploy", str(path))


def failed(up, name, handler="main.py:on_event", data='{"who": "Ada"}'):
    """A session that ended in an error."""
    ended = up.ak("session", "start", name, handler, "--data", data, "--wait")
    assert ended["state"] == "error", ended
    return ended


def test_failed_session_goes_on_in_the_corrected_version(up, tmp_path, server):
    """Five steps are taken over, uncalled and unslept; the corrected line runs, the rest is live."""
    deploy(up, tmp_path / "p", "orders", ORDERS.replace("{key}", "count"), server)
    first = failed(up, "orders")
    assert "KeyError: 'count'" in first["error"]["message"] or first["error"]["type"] == "KeyError"
    before = dict(server.counts)
    fixed = ORDERS.replace("{key}", "n").replace("import time\n", "import time\n\nMOVED = 'all lines'\n\n")
    second = deploy(up, tmp_path / "p", "orders", fixed, server)
    fork = up.ak("session", "fork", first["id"], "--at", "4", "--wait")
    assert (fork["state"], fork["deployment"]) == ("completed", second["deployment"]), fork
    assert fork["result"]["total"] == before["/price"] * before["/stock"]
    assert fork["result"]["who"] == "Ada"
    after = dict(server.counts)
    made = {path: count - before.get(path, 0) for path, count in after.items()}
    assert {path: count for path, count in made.items() if count} == {"/receipt": 1}
    assert up.prints(fork["id"]) == up.prints(first["id"])
    assert fork["result"]["key"] in up.prints(first["id"])[0]
    assert up.ak("value", "get", "orders", "orders")["value"] == 1
    lines = up.ak("session", "log", fork["id"])
    kinds = [line["kind"] for line in lines]
    mark = next(i for i, line in enumerate(lines) if line["text"] == f"forked from {first['id']} at 4")
    assert "print" in kinds[:mark]


def test_edited_result_is_used(up, tmp_path, server):
    """--set-result replaces the last result taken over; --set-error raises where it was asked for."""
    text = ORDERS.replace("{key}", "n")
    deploy(up, tmp_path / "p", "edited", text.replace("stock =", "stock = get('/check') and"), server)
    first = up.ak("session", "start", "edited", "main.py:on_event", "--wait")
    assert first["state"] == "completed", first
    before = dict(server.counts)
    edited = up.ak("session", "fork", first["id"], "--at", "5", "--set-result", '{"n": 1000}', "--wait")
    assert edited["result"]["total"] == 1000 * before["/price"]
    was = f"{{'n': {before['/stock']}, 'path': '/stock'}}"
    assert edited["origin"]["edited"] == {"was": was, "now": "{'n': 1000}"}
    for command in ("get", "show"):
        said = " ".join(up.run("session", command, edited["id"]).stdout.split())
        assert f"the result of step 5 is {{'n': 1000}}; in {first['id']} it was {was}" in said
    assert first["origin"] is None
    error = ["--set-error", "ConnectionError:no stock today", "--wait"]
    refused = up.ak("session", "fork", first["id"], "--at", "5", *error)
    assert (refused["state"], refused["error"]["type"]) == ("error", "ConnectionError")
    assert "no stock today" in refused["error"]["message"]
    assert refused["origin"]["edited"] == {"was": was, "now": "ConnectionError:no stock today"}
    assert server.counts["/stock"] == before["/stock"]
    assert server.counts["/receipt"] == before["/receipt"] + 1
    again = up.ak("session", "fork", edited["id"], "--at", "5", "--wait")
    assert again["result"]["total"] == edited["result"]["total"]
    assert again["origin"]["edited"] is None
    last = up.ak("session", "fork", edited["id"], "--at", "6", "--set-result", '{"n": "x"}', "--wait")
    assert last["result"] == {**edited["result"], "receipt": "x"}
    assert server.counts["/receipt"] == before["/receipt"] + 2


def test_other_steps_than_recorded_end_the_fork(up, tmp_path, server):
    """A version that asks for something else before the fork is told apart by both steps; nothing is called."""
    text = ORDERS.replace("{key}", "n")
    deploy(up, tmp_path / "p", "differs", text, server)
    first = up.ak("session", "start", "differs", "main.py:on_event", "--wait")
    deploy(
        up,
        tmp_path / "p",
        "differs",
        text.replace('autokitteh.add_values("orders", 1)', "get('/other')"),
        server,
    )
    before = dict(server.counts)
    fork = up.ak("session", "fork", first["id"], "--at", "5", "--wait")
    line = text[: text.index("autokitteh.add_values")].count("\n") + 1  # of the step as recorded, and now
    assert fork["state"] == "error"
    assert fork["error"]["code"] == "AK1602"
    assert f"recorded #3 add_value main.py:{line}, now main.get main.py:{line}" in fork["error"]["message"]
    assert dict(server.counts) == before
    old = up.ak("session", "fork", first["id"], "--at", "5", "--build", first["deployment"], "--wait")
    assert (old["state"], old["deployment"]) == ("completed", first["deployment"])
    shorter = text.replace("    stock = get", "    return 'early'\n    stock = get")
    deploy(up, tmp_path / "p", "differs", shorter, server)
    ended = up.ak("session", "fork", first["id"], "--at", "5", "--wait")
    assert "recorded #4 main.get" in ended["error"]["message"]
    assert "now the handler ends" in ended["error"]["message"]


def test_a_sleep_that_is_over_has_no_result_to_set(up, tmp_path, server):
    """It cannot be ended once more: the fork takes it as it was."""
    text = "import time\ndef on_event(event):\n    time.sleep(0.01)\n    return 1\n"
    deploy(up, tmp_path / "p", "slept", text, server)
    slept = up.ak("session", "start", "slept", "main.py:on_event", "--wait")["id"]
    with pytest.raises(CommandError) as refused:
        up.ak("session", "fork", slept, "--at", "1", "--set-result", "null")
    error = json.loads(refused.value.stdout)["error"]
    assert (error["code"], error["hint"]) == ("AK1001", "It is over: `--at 1` alone takes it as it was.")
    assert up.ak("session", "fork", slept, "--at", "1", "--wait")["result"] == 1


def test_wrong_steps_are_refused(up, tmp_path, server):
    """A step that does not exist, has no result to set, or no result yet: said with what to do."""
    text = "import time\ndef on_event(event):\n    time.sleep(3600)\n"
    deploy(up, tmp_path / "p", "wrong", text, server)
    running = up.ak("session", "start", "wrong", "main.py:on_event")
    eventually_sync(
        lambda: up.run("session", "fork", running["id"], "--at", "2", check=False).returncode == 4, 30
    )

    def refusal(*arguments, status):
        with pytest.raises(CommandError) as refused:
            up.ak("session", "fork", *arguments)
        assert refused.value.status == status
        return json.loads(refused.value.stdout)["error"]

    def asked():
        return up.run("session", "fork", running["id"], "--at", "1", check=False).stderr

    eventually_sync(lambda: "has no result yet" in asked(), 30)
    missing = refusal(running["id"], "--at", "7", status=4)
    assert "has no step 7: it has 1 step" in missing["message"]
    assert refusal("ses_nowhere", "--at", "1", status=4)["code"] == "AK1002"
    assert refusal(running["id"], "--at", "0", "--set-result", "1", status=2)["code"] == "AK1001"
    broken = refusal(running["id"], "--at", "1", "--set-result", "{bad", status=2)
    assert broken["message"].startswith("--set-result is not JSON: Expecting property name")
    assert broken["message"].endswith("at column 2: 'bad'")
    assert "`--set-result '{" in broken["hint"]
    assert "TYPE:MESSAGE" in refusal(running["id"], "--at", "1", "--set-error", "x", status=2)["message"]
    assert "no deployment" in refusal(running["id"], "--at", "1", "--build", "dep_no", status=4)["message"]
    woken = up.ak("session", "fork", running["id"], "--at", "1", "--set-result", "null", "--wait")
    assert woken["state"] == "completed"
    assert up.ak("session", "get", running["id"])["state"] == "running"
    up.ak("session", "stop", running["id"], "--force")


def test_restart_runs_the_same_inputs_on_the_current_code(up, tmp_path, server):
    """The new session has the data and the event of the first; with --same-version also its code."""
    text = "def on_event(event):\n    return ['one', dict(event.data), event.event_id, event.trigger]\n"
    write(tmp_path / "p", "again", {"main.py": text})
    old = up.ak("deploy", str(tmp_path / "p"))
    event = up.ak("event", "send", "again", "go", "--data", '{"n": 1}')["event_id"]
    first = eventually_sync(lambda: up.ak("session", "list", "again", "--event", event), 30)[0]
    first = up.ak("session", "wait", first["id"])
    write(tmp_path / "p", "again", {"main.py": text.replace("one", "two")})
    new = up.ak("deploy", str(tmp_path / "p"))
    again = up.ak("session", "restart", first["id"], "--wait")
    assert again["result"] == ["two", *first["result"][1:]]
    assert (again["event_id"], again["trigger"], again["deployment"]) == (event, "go", new["deployment"])
    other = up.ak("session", "restart", again["id"], "--data", '{"n": 2}', "--wait")
    assert other["result"][1] == {"n": 2}
    eventually_sync(lambda: len(up.build_pids()) > 0, 10)
    same = up.ak("session", "restart", first["id"], "--same-version", "--wait")
    assert (same["result"], same["deployment"]) == (first["result"], old["deployment"])
    with pytest.raises(CommandError) as refused:
        up.ak("session", "restart", "ses_nowhere")
    assert refused.value.status == 4


FAMILY = """
import time
import autokitteh


@autokitteh.activity
def step(n):
    return n


def on_event(event):
    child = autokitteh.start("main.py:child", {"seconds": event.data.seconds})
    step(1)
    return [child, autokitteh.next_signal(child).payload["value"]]


def child(event):
    time.sleep(event.data.seconds)
    return "grown"
"""


def test_fork_is_told_of_the_end_of_a_child_it_took_over(up, tmp_path, server):
    """Not started again: a child that runs is asked for, one that has ended is known from the record."""
    deploy(up, tmp_path / "p", "family", FAMILY, server)
    first = up.ak("session", "start", "family", "main.py:on_event", "--data", '{"seconds": 6}')
    at_two = ["session", "fork", first["id"], "--at", "2"]
    early = eventually_sync(lambda: forked(up, at_two), 30)
    at_start = up.ak("session", "fork", first["id"], "--at", "1")
    result = up.ak("session", "wait", first["id"], "--timeout", "60")["result"]
    assert result[1] == "grown"
    assert up.ak("session", "wait", at_start["id"], "--timeout", "60")["result"] == result
    assert up.ak("session", "fork", first["id"], "--at", "1", "--wait")["result"] == result
    assert up.ak("session", "wait", early["id"], "--timeout", "60")["result"] == result
    assert up.ak(*at_two, "--wait")["result"] == result
    found = up.ak("session", "list", "family")
    assert sum(item["handler"] == "main.py:child" for item in found) == 1


def forked(up, command):
    """The fork, once the session has come so far."""
    done = up.run(*command, "--json", check=False)
    return json.loads(done.stdout) if done.returncode == 0 else None
