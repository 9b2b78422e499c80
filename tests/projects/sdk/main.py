"""Handlers for tests of the SDK: one behaviour each."""

import datetime
import json
import os
import time
from dataclasses import dataclass

import autokitteh
from autokitteh import (
    add_values,
    check_and_set_value,
    del_value,
    get_value,
    list_values_keys,
    mutate_value,
    next_event,
    next_signal,
    set_value,
    signal,
    start,
    subscribe,
    unsubscribe,
    wait_for_signal,
)
from autokitteh.store import get_value as the_same_get_value


@dataclass
class Point:
    x: int
    y: int


def hooked(event):
    print(event.data.method, event.data.body.json)


def measures(event):
    print(len(event.data.body.bytes), len(event.data.body.text))
    return event.data.body.text


def values(event):
    results = [get_value("missing"), get_value("missing", 7), the_same_get_value("missing", default=8)]
    for value in [1, 2.5, "text", None, True, [1, (2, 3)], {"a": {1, 2}}, b"\0\1", Point(1, 2), 2**80]:
        set_value("v", value)
        assert get_value("v") == value, value
        assert type(get_value("v")) is type(value), value
    when = datetime.datetime(2026, 1, 2, tzinfo=datetime.UTC)
    autokitteh.store["when"] = when
    results += [autokitteh.store["when"] == when, "when" in autokitteh.store, len(autokitteh.store)]
    results += [add_values("n", 2), add_values("n", 3), mutate_value("n", "add", 1)]
    results += [check_and_set_value("n", 5, 0), check_and_set_value("n", 6, 0), check_and_set_value("new", None, 1)]
    results += [add_values("d", datetime.timedelta(seconds=1)) + datetime.timedelta(seconds=1) == datetime.timedelta(seconds=2)]
    results.append(list_values_keys())
    del autokitteh.store["when"]
    for key in ["v", "n", "new", "d", "never_there"]:
        del_value(key)
    results.append(list_values_keys())
    return results


def forget_values(event):
    for key in list_values_keys():
        del_value(key)


def limits(event):
    for n in range(64):
        set_value(f"k{n:02}", n)
    set_value("k00", "again")
    texts = []
    for key, value in [("one_more", 1), ("k01", "x" * 70_000)]:
        try:
            set_value(key, value)
        except autokitteh.AutoKittehError as error:
            texts.append(str(error))
    for key in list_values_keys():
        del_value(key)
    return texts


def count(event):
    for _ in range(event.data.n):
        add_values("counter", 1)


def read_counter(event):
    return get_value("counter")


def read_value(event):
    return repr(get_value(event.data.key))


def publishes(event):
    set_value("public", {"cat": "meow", "at": datetime.date(2026, 1, 2)})
    autokitteh.publish_value("public")
    sub = subscribe("other")
    print(autokitteh.get_store_public_url())
    next_event(sub)
    autokitteh.unpublish_value("public")


def waits(event):
    sub = subscribe("waited", event.data.get("filter", ""))
    print("subscribed")
    for _ in range(event.data.n):
        got = next_event(sub, timeout=event.data.get("timeout", 60))
        print("timeout" if not got else f"{got.body.json['n']} {got.event_type} {got.data.method} {got['body']['json']['n']}")
    unsubscribe(sub)
    try:
        next_event(sub)
    except autokitteh.AutoKittehError as error:
        print(error)


def sends_signal(event):
    signal(event.data.name, {})


def waits_for_two(event):
    first, second = subscribe("waited"), subscribe("other")
    print("subscribed")
    wait_for_signal("both are here")
    results = []
    for shape in [(first, second), ([first, second],), ([second],)]:
        got = next_event(*shape, timeout=datetime.timedelta(seconds=event.data.get("timeout", 30)))
        results.append(got and got.body.text)
    print(json.dumps(results))


def reads_bytes(event):
    sub = subscribe("waited")
    print("subscribed")
    got = next_event(sub)
    print(type(got.body.bytes).__name__, got.body.bytes, next_event(sub, timeout=0.1), bool(got))


def bad_subscriptions(event):
    for arguments in [("meow", "woof"), ("waited", "data.x ="), ("waited", "nope == 1")]:
        try:
            subscribe(*arguments)
        except autokitteh.AutoKittehError as error:
            print(str(error).splitlines()[0])


def approval(event):
    print("waiting")
    got = wait_for_signal("approval", timeout=datetime.timedelta(seconds=60))
    print("approved by", got.get("approver") if got else None)


def approve(event):
    signal("approval", {"approver": event.data.get("who", "admin")})


def no_signal(event):
    print(wait_for_signal("never", timeout=0.2), next_signal(["a", "b"], timeout=datetime.timedelta(seconds=0.2)))


def late_waiter(event):
    print("started")
    time.sleep(event.data.seconds)
    print(wait_for_signal("approval", timeout=30))


def ping(event, session_id):
    child = start("main.py:pong", data={"parent": session_id}, memo={"why": "ping"})
    for n in range(1, 6):
        signal(child, "ping", n)
        got = next_signal("pong")
        print(got.name, got.payload)
    ended = next_signal(child, timeout=60)
    print(ended.payload)


def pong(event):
    for _ in range(5):
        signal(event.data.parent, "pong", next_signal("ping").payload * 10)
    return {"done": True, "big": 2**60}


def fan_out(event):
    children = [start("main.py:square", {"n": n}) for n in range(event.data.n)]
    return sum(next_signal(child).payload["value"] for child in children)


def square(event):
    return event.data.n ** 2


def bad_start(event):
    try:
        start("main.py:nothing")
    except autokitteh.AutoKittehError as error:
        print(error)
    child = start("main.py:fails")
    print(next_signal(child).payload)


def fails(event):
    raise ValueError("no")


@autokitteh.activity
def step(event):
    set_value("from_activity", 5)
    texts = []
    for call in [lambda: subscribe("waited"), lambda: next_event("x"), lambda: start("main.py:square"), lambda: signal("x")]:
        try:
            call()
        except autokitteh.AutoKittehError as error:
            texts.append(str(error).partition(":")[0])
    return texts, get_value("from_activity")


def in_activity(event):
    print(step(event))
    del_value("from_activity")


def api(event):
    how = event.data.url.query.get("how", "json")
    if how == "json":
        autokitteh.http_outcome(status_code=299, json={"cat": "meow"})
    elif how == "page":
        autokitteh.http_outcome(200, {"Content-Type": "application/json", "X-Cat": "meow"}, '{"a": 1}')
    elif how == "text":
        autokitteh.http_outcome(404, "Not Found")
    elif how == "bytes":
        autokitteh.http_outcome(body=b"\0\1\xff")
    elif how == "stream":
        for n in range(3):
            autokitteh.http_outcome(body=f"part {n}\n", more=n < 2)
            time.sleep(0.05)
    elif how == "fail":
        raise ValueError("no answer")
    elif how == "twice":
        autokitteh.http_outcome(303, headers={"Location": "/there"})
        autokitteh.http_outcome(200)
    elif how == "hand over":
        print("handing over")
    elif how == "outcome":
        autokitteh.outcome({"status_code": 201, "body": "made"})
    elif how == "sleep":
        time.sleep(30)


def silent(event):
    return "nothing to say"


def answers_others(event):
    sub = subscribe("answered")
    print("subscribed")
    got = next_event(sub, timeout=60)
    autokitteh.http_outcome(json={"heard": got.body.json}, event_id=got.event_id)


def passes_secrets(event):
    token = os.environ["TOKEN"]
    set_value("token", {"is": token})
    child = start("main.py:takes_secret", {"token": token, "pickle": 1})
    autokitteh.http_outcome(json={"token": token}, event_id="evt_nobody")
    found = get_value("token")["is"] == token
    del_value("token")
    return [found, next_signal(child).payload["value"]]


def takes_secret(event):
    return event.data.token == os.environ["TOKEN"] and event.data.pickle == 1


def whole(event):
    print("begin", event.data.method)
    sub = subscribe("waited")
    print("subscribed")
    got = next_event(sub, timeout=30)
    add_values("whole", 1)
    child = start("main.py:square", {"n": 4})
    print(got.body.json["n"], get_value("whole"), child[:4], next_event(sub, timeout=0.1))
    del_value("whole")
