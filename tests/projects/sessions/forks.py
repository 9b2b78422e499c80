"""Handlers that are forked."""

import datetime
import random
import time
import uuid
from concurrent.futures import ThreadPoolExecutor

import autokitteh
import outside


def listens(event):
    subscription = autokitteh.subscribe("feed", "")
    print("waiting")
    first = autokitteh.next_event(subscription)
    outside.add(first.data.n, 0)
    second = autokitteh.next_event(subscription)
    last = autokitteh.wait_for_signal("go")
    autokitteh.unsubscribe(subscription)
    return [first.data.n, second.data.n, last]


def numbers(event):
    random.seed(7)
    before = [uuid.uuid4().hex, datetime.datetime.now().isoformat(), random.random()]
    outside.add(1, 1)
    outside.add(2, 2)
    return [before, [uuid.uuid4().hex, datetime.datetime.now().isoformat(), random.random()]]


def at_once(event):
    with ThreadPoolExecutor(3) as pool:
        found = list(pool.map(outside.add, range(5), range(5)))
    time.sleep(0.01)
    return [found, outside.add(100, 1)]


def naps(event):
    for n in range(4):
        print("nap", n)
        time.sleep(0.2)
        outside.add(n, n)
    return "slept"


def calls_until(event):
    for n in range(6):
        print("call", n, outside.add(n, 0))
        if event.data.get("gate") and n == 4:
            autokitteh.wait_for_signal("gate")
    return "done"


def waits_for(event):
    """Waits for what its first step asks for, whatever that is."""
    if event.data.by == "event":
        subscription = autokitteh.subscribe("feed", "")
        found = autokitteh.next_event(subscription).data.n
        outside.add(found, 0)
        autokitteh.unsubscribe(subscription)
        return found
    return outside.add(autokitteh.wait_for_signal("turn")["n"], 0)


def leaves(event):
    """Ends what it has begun, and goes on."""
    subscription = autokitteh.subscribe("feed", "")
    autokitteh.unsubscribe(subscription)
    autokitteh.wait_for_signal("turn")
    return "left"


def has_child(event):
    """Hears of the end of its child, once; a call ends while it waits for that."""
    child = autokitteh.start("forks.py:is_child", {})
    with ThreadPoolExecutor(1) as pool:
        pool.submit(outside.add, 1, 1)
        first = autokitteh.next_signal(child).payload["value"]
    return [first, autokitteh.next_signal(child, timeout=3)]


def is_child(event):
    time.sleep(2)
    return "grown"


def takes_turn(event):
    autokitteh.signal("turn", {"n": event.data.n})
