"""``ak session show``, ``list`` and ``log --follow``: what sessions did, do and wait for.

Length: one installation, one project and one failed session serve all of it.
"""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys

import httpx
import pytest
from temporalio.api.workflowservice.v1 import DeleteWorkflowExecutionRequest
from temporalio.client import Client

from tests.helpers.ak import AK
from tests.helpers.golden import check
from tests.helpers.projects import write
from tests.helpers.waiting import eventually_sync

CODE = """
import os
import time
from concurrent.futures import ThreadPoolExecutor

import autokitteh
from autokitteh import activity


@activity
def look_up(number, token=None):
    print("looking up", number)
    return {"id": number, "total": 12.5}


@activity(retries=3, backoff=0.05)
def charge(order):
    with open("tries", "a") as file:
        file.write("x")
    if len(open("tries").read()) < 3:
        raise ConnectionError("the bank does not answer")
    return "paid"


@activity
def large():
    return ["y" * 300_000]


def on_order(event):
    print("hello")
    order = look_up(event.data.number, token=os.getenv("TOKEN"))
    autokitteh.set_value("last", order["id"])
    print("last", autokitteh.get_value("last"))
    time.sleep(0.01)
    large()
    charge(order)
    child = autokitteh.start("main.py:child", {"n": 3})
    print("child said", autokitteh.wait_for_signal(child, timeout=60)["value"])
    if autokitteh.wait_for_signal("approved", timeout=0.01) is None:
        print("nobody approved")
    orders = autokitteh.subscribe("orders", "data.body.json.go == true")
    print("waiting")
    autokitteh.next_event(orders)
    return order["missing"]


def child(event):
    print("child", event.data["n"])
    return look_up(event.data["n"])["id"] * 2


@activity(retries=100, backoff=60)
def broken():
    raise ConnectionError("refused")


def retries(event):
    broken()


def sleeps(event):
    print("sleeping")
    time.sleep(3600)


def many(event):
    with ThreadPoolExecutor(50) as pool:
        list(pool.map(look_up, range(event.data.body.json["n"])))
    look_up(-1)


def quick(event):
    print("quick")


def chain(event):
    n = event.data["n"]
    print("run", n)
    look_up(n)
    if n < 2:
        autokitteh.restart({"n": n + 1})
    return n


def groups(event):
    try:
        raise ValueError("the innermost")
    except ValueError as error:
        cause = LookupError("a member's")
        cause.__cause__ = error
    raise ExceptionGroup("all", [ExceptionGroup("inner", [cause])])
"""
TRIGGERS = """
- {name: orders, type: webhook, filter: "data.body.json.number > 0", call: "main.py:on_order"}
- {name: quick, type: webhook, call: "main.py:quick"}
- {name: groups, type: webhook, call: "main.py:groups"}
- {name: many, type: webhook, call: "main.py:many"}
"""
EXTRA = """
vars:
  - {name: TOKEN, value: "top-secret-1", secret: true}
"""


@pytest.fixture(scope="module")
def deployed(up, tmp_path_factory):
    """A project with a handler for each kind of step."""
    directory = write(
        tmp_path_factory.mktemp("show"), "show", {"main.py": CODE}, triggers=TRIGGERS, extra=EXTRA
    )
    return up.ak("deploy", str(directory))


@pytest.fixture(scope="module")
def failed(up, deployed):
    """A session with every kind of step that waited for an event and then failed; with what was seen while it waited."""
    data = '{"number": 9}'
    session = up.ak("session", "start", "show", "main.py:on_order", "--data", data)["id"]
    follower = subprocess.Popen(
        [AK, "session", "show", session, "--follow"], env=up.environment, stdout=subprocess.PIPE, text=True
    )
    logger = subprocess.Popen(
        [AK, "session", "log", session, "--follow", "--prints"],
        env=up.environment,
        stdout=subprocess.PIPE,
        text=True,
    )
    eventually_sync(lambda: up.prints(session)[-1:] == ["waiting"])
    eventually_sync(lambda: up.ak("session", "show", session)["waits_for"])
    waiting = up.ak("session", "show", session)
    event = httpx.post(deployed["webhooks"]["orders"], json={"go": True}).headers["AutoKitteh-Event-ID"]
    up.ak("session", "wait", session, "--timeout", "60")
    followed, logged = follower.communicate(timeout=60)[0], logger.communicate(timeout=60)[0]
    assert (follower.returncode, logger.returncode) == (0, 0)
    return {
        "id": session,
        "event": event,
        "waiting": waiting,
        "followed": followed,
        "logged": logged,
    }


def test_show_tells_all_that_a_failed_session_did(up, failed):
    """Calls, reads, sleeps, attempts, a child with its steps, waits, arrivals, prints and the error: golden."""
    text = up.run("session", "show", failed["id"]).stdout
    assert "top-secret-1" not in text
    assert "\x1b" not in text
    assert [line for line in text.splitlines() if len(line) > 80 and "http" not in line] == []
    wide = subprocess.run(
        [AK, "session", "show", failed["id"]],
        env=up.environment | {"COLUMNS": "200"},  # nothing is cut, wherever a duration ends
        capture_output=True,
        text=True,
        check=True,
    )
    check(wide.stdout, "session/show-failed")


def test_one_step_in_whole(up, failed):
    """Arguments and result without an end, also from the store; secrets masked, errors with their lines."""
    text = up.run("session", "show", failed["id"], "--step", "1").stdout
    assert "top-secret-1" not in text
    assert "given\n  9\n" in text
    assert "given token\n" in text
    assert "came back\n  {\n" in text
    steps = {
        entry["text"].partition("(")[0]: entry["n"]
        for entry in up.ak("session", "show", failed["id"])["runs"][0]["entries"]
        if "n" in entry
    }
    large = up.ak("session", "show", failed["id"], "--step", str(steps["main.large"]))
    assert large["result"] == ["y" * 300_000]
    assert large["arguments"] == []
    charged = up.ak("session", "show", failed["id"], "--step", str(steps["main.charge"]))
    assert charged["failure"] is None or "the bank does not answer" in charged["failure"]["message"]
    missing = up.run("session", "show", failed["id"], "--step", "99", check=False)
    assert missing.returncode == 4
    assert f"{failed['id']} has no step 99" in missing.stderr


def test_show_as_json(up, failed):
    """Entries with numbers, results, attempts, the child's story; large results are read from the store."""
    found = up.ak("session", "show", failed["id"])
    (run,) = found["runs"]
    steps = {entry["text"].partition("(")[0]: entry for entry in run["entries"] if "n" in entry}
    assert [entry["n"] for entry in run["entries"] if "n" in entry] == list(range(1, 12))
    assert steps["main.large"]["result"].startswith("['yyy")
    assert steps["main.charge"]["attempts"] == 3
    assert "the bank does not answer" in steps["main.charge"]["last_failure"]
    child = steps["start"]["child"]
    assert (child["state"], child["parent"], child["result"]) == ("completed", failed["id"], 6)
    assert child["runs"][0]["entries"][1]["source"] == 'return look_up(event.data["n"])["id"] * 2'
    assert found["error"]["type"] == "KeyError"
    shallow = up.ak("session", "show", failed["id"], "--depth", "0", "--tail", "5")
    assert [entry["n"] for entry in shallow["runs"][0]["entries"] if "n" in entry] == list(range(7, 12))
    assert shallow["runs"][0]["steps_before"] == 6
    part = up.ak("session", "show", failed["id"], "--from", "3", "--tail", "2")["runs"][0]
    assert [entry["n"] for entry in part["entries"] if "n" in entry] == [3, 4]
    assert (part["steps_before"], part["steps_after"]) == (2, 7)


def test_show_says_what_a_session_waits_for(failed):
    """A wait without a time limit, too, with the subscription behind it."""
    assert failed["waiting"]["state"] == "running"
    (waits,) = failed["waiting"]["waits_for"]
    assert waits.startswith("an event from orders at main.py:")
    assert "an event of orders with data.body.json.go == true" in waits


def test_follow_shows_what_comes_until_the_end(failed):
    """Each step that ended once, what arrived, and the error; the log's lines come as they are written."""
    lines = failed["followed"].splitlines()
    assert sum("main.look_up(9" in line and "✓" in line for line in lines) == 1
    assert any(failed["event"] in line for line in lines)
    assert any(line.startswith("error  KeyError: 'missing'") for line in lines)
    assert failed["logged"].splitlines() == [
        *("hello", "looking up 9", "last 9", "child said 6", "nobody approved", "waiting"),
    ]


def test_show_needs_no_process(up, deployed):
    """While the build process stands still: history and store tell what a session waits for."""
    sleeping = up.ak("session", "start", "show", "main.py:sleeps")["id"]
    retrying = up.ak("session", "start", "show", "main.py:retries")["id"]
    eventually_sync(lambda: up.ak("session", "show", sleeping)["waits_for"])
    eventually_sync(lambda: up.ak("session", "show", retrying)["runs"][0]["entries"][-1].get("attempts") == 2)
    pids = up.build_pids()
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    try:
        text = up.run("session", "show", sleeping).stdout
        assert "the end of sleep 3600 s at main.py" in text
        text = up.run("session", "show", retrying).stdout
        assert "ConnectionError: refused" in text
        assert "attempt 2, next in" in text
        listed = {
            item["id"]: item["waits_for"] for item in up.ak("session", "list", "show", "--state", "running")
        }
        assert listed[sleeping][0].startswith("the end of sleep 3600 s")
        assert listed[retrying][0].startswith("main.broken() at main.py")
    finally:
        for pid in pids:
            os.kill(pid, signal.SIGCONT)
        for session in (sleeping, retrying):
            up.ak("session", "stop", session, "--force")


def weighed(up, *arguments: str) -> tuple[str, int]:
    """What a command printed, and the most memory it or a process of it took, in MB; half a minute of CPU time is enough."""
    code = (
        "import resource, subprocess, sys; done = subprocess.run(sys.argv[1:]).returncode; "
        "used = resource.getrusage(resource.RUSAGE_CHILDREN); "
        "sys.stderr.write(f'\\n{used.ru_utime + used.ru_stime} {used.ru_maxrss}'); sys.exit(done)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, AK, *arguments],
        env=up.environment,
        capture_output=True,
        text=True,
        timeout=120,  # of a machine that is busy with other things
        check=True,
    )
    seconds, most = done.stderr.split()[-2:]
    assert float(seconds) < 30
    return done.stdout, int(most) // 1024


@pytest.mark.timeout(300)
def test_show_debug_and_explain_of_a_session_with_ten_thousand_events(up, deployed):
    """In seconds, in little more memory than for a short one; the last steps by default, any part of them on demand."""
    short, long = (
        httpx.post(deployed["webhooks"]["many"], json={"n": n}).headers["AutoKitteh-Event-ID"]
        for n in (1, 3330)
    )
    sessions = [
        eventually_sync(
            lambda event=event: up.ak("session", "list", "--event", event, "--state", "completed"), 120
        )[0]["id"]
        for event in (short, long)
    ]
    run = up.ak("session", "show", sessions[1])["runs"][0]
    assert run["history_events"] >= 10_000
    assert (run["steps_before"], sum("n" in entry for entry in run["entries"])) == (3131, 200)
    part = up.ak("session", "show", sessions[1], "--from", "1000", "--tail", "1")["runs"][0]["entries"]
    assert [entry["n"] for entry in part if "n" in entry] == [1000]
    for command, expected in (
        (["session", "show", "{session}"], "3331 ✓ main.look_up(-1)"),
        (["session", "debug", "{session}", "--commands", "p event.data.body.json"], "{'n': 3330}"),
        (["session", "debug", "{session}", "--at", "2", "--commands", "w"], "main.py("),
        (["event", "explain", "{event}"], f"matched: started {sessions[1]}, which is completed now"),
    ):
        (_, small), (text, large) = (
            weighed(up, *(word.format(session=session, event=event) for word in command))
            for session, event in zip(sessions, (short, long), strict=True)
        )
        assert expected in text
        assert large - small < 200


def test_list_by_what_is_known_of_sessions(up, deployed, failed):
    """By handler, trigger, event, error text and time; with the error, and a link to each."""
    event = httpx.post(deployed["webhooks"]["quick"]).headers["AutoKitteh-Event-ID"]
    started = eventually_sync(lambda: up.ak("session", "list", "--event", event, "--state", "completed"))[0][
        "id"
    ]

    def ids(*arguments: str) -> list[str]:
        return [item["id"] for item in up.ak("session", "list", *arguments)]

    assert ids("show", "--trigger", "quick") == [started]
    assert ids("show", "--trigger", "quick", "--state", "error") == []
    assert ids("--handler", "main.py:quick") == ids("--handler", "quick") == [started]
    assert started in ids("show", "--handler", "main.py", "--since", "1h")
    assert ids("show", "--until", "1h") == []
    assert ids("--error", "keyerror: 'MISSING'") == [failed["id"]]
    assert ids("--error", "keyerror", "--handler", "quick") == []
    (found,) = up.ak("session", "list", "--error", "KeyError")
    assert found["last_error"] == "KeyError: 'missing'"
    assert found["ui"].endswith(f"/workflows/{failed['id']}")
    text = up.run("session", "list", "show", "--error", "KeyError", "--links").stdout
    assert "KeyError: 'missing'" in text
    assert found["ui"] in text
    assert "\x1b" not in text


def test_list_by_an_error_inside_another(up, deployed):
    """What a member of a group says, and what caused it, is found as well."""
    event = httpx.post(deployed["webhooks"]["groups"]).headers["AutoKitteh-Event-ID"]
    ended = eventually_sync(lambda: up.ak("session", "list", "--event", event, "--state", "error"))
    for text in ("a member's", "the innermost", "ExceptionGroup: all"):
        assert [item["id"] for item in up.ak("session", "list", "--error", text)] == [ended[0]["id"]]


async def forget(up, session: str) -> None:
    """Let Temporal delete the history of a session, as it does when its retention is over."""
    client = await Client.connect(up.ready["temporal"])
    runs = [item.run_id async for item in client.list_workflows(f'WorkflowId="{session}"')]
    for run in runs:
        request = DeleteWorkflowExecutionRequest(namespace="default")
        request.workflow_execution.workflow_id, request.workflow_execution.run_id = session, run
        await client.workflow_service.delete_workflow_execution(request)


def test_show_of_a_chain_of_restarts_of_a_fork_and_of_what_is_only_a_log(up, deployed):
    """Each run under its heading; a fork says at its top what it took over, and names the other session, not an event."""
    chain = up.ak("session", "start", "show", "main.py:chain", "--data", '{"n": 0}', "--wait")["id"]
    runs = up.ak("session", "show", chain)["runs"]
    assert [(run["data"], run["state"]) for run in runs] == [
        ("{'n': 0}", "restarted"),
        ("{'n': 1}", "restarted"),
        ("{'n': 2}", "completed"),
    ]
    assert [entry["n"] for run in runs for entry in run["entries"] if "n" in entry] == [1, 1, 1]
    fork = up.ak("session", "fork", chain, "--at", "1", "--wait")["id"]
    assert up.ak("session", "show", fork)["origin"] == {
        "session": chain,
        "how": "forked",
        "steps": 1,
        "edited": None,
    }
    check(up.run("session", "show", fork).stdout, "session/show-fork")
    again = up.ak("session", "restart", chain, "--data", '{"n": 2}', "--wait")["id"]
    assert f"  by        restart of {chain}" in up.run("session", "show", again).stdout.splitlines()
    asyncio.run(forget(up, chain))
    eventually_sync(lambda: up.ak("session", "get", chain).get("only_log"))
    text = up.run("session", "show", chain).stdout
    check(text, "session/show-log")
    assert up.run("session", "show", chain, "--follow").stdout == text
    assert up.run("session", "show", chain[:18]).stdout == text
    listed = up.ak("session", "list", "show", "--handler", "chain")
    assert [item["id"] for item in listed] == [again, fork, chain]
    assert [item.get("only_log", False) for item in listed] == [False, False, True]
    narrow = ("--handler", "main.py:chain", "--state", "completed", "--since", "1h", "--limit", "3")
    assert [item["id"] for item in up.ak("session", "list", *narrow)] == [again, fork, chain]
    assert [item["id"] for item in up.ak("session", "list", *narrow[:-1], "2")] == [again, fork]
    for other in (("--state", "error"), ("--state", "running"), ("--until", "1h"), ("--trigger", "quick")):
        assert up.ak("session", "list", "show", "--handler", "chain", *other) == []
    text = up.run("session", "list", "show", "--handler", "chain", "--links").stdout
    (line,) = [line for line in text.splitlines() if chain in line]
    assert line.split()[1:6] == ["main.py:chain", "completed,", "only", "a", "log"]
    for command in (["debug", "--commands", "w"], ["fork", "--at", "1"], ["restart"]):
        refused = up.run("session", *command, chain, check=False)
        assert (refused.returncode, "ak session log" in refused.stderr) == (4, True)


def test_unknown_sessions_name_the_nearest(up, failed):
    """Exit status 4; a beginning that is unique is enough."""
    wrong = up.run("session", "show", failed["id"][:-2] + "~~", check=False)
    assert wrong.returncode == 4
    assert failed["id"] in wrong.stderr
    assert up.ak("session", "show", failed["id"][:16])["id"] == failed["id"]
    assert up.run("session", "show", 'a"b', check=False).returncode == 4
