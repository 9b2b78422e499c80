"""Handlers that restart."""

import asyncio
import random
import threading
import uuid

import autokitteh
import outside

COUNT = 0


def counts(event):
    global COUNT
    COUNT += 1
    n = event.data.get("n", 0)
    print("run", n, COUNT)
    try:
        if n < event.data.to:
            try:
                autokitteh.restart({"n": n + 1, "to": event.data.to})
            except Exception:
                print("swallowed")
    finally:
        print("finally", outside.add(n, 1))
    return n


def again(event):
    event.data["seen"] = True
    n = autokitteh.add_values("again", 1)
    if n < 3:
        autokitteh.restart()
    autokitteh.del_value("again")
    return [n, event.data.text, event.session_id]


def chance(event):
    made = [*event.data.get("made", []), [random.random(), uuid.uuid4().hex]]
    if len(made) < 3:
        autokitteh.restart({"made": made})
    return made


def swallows(event):
    if event.data.get("again"):
        return "again"
    try:
        autokitteh.restart({"again": True})
    except BaseException:
        pass
    if event.data.get("blocks"):
        outside.add(1, 1)
        print("not reached")


def kept_mail(event):
    run = event.data.get("run", 0)
    got = [*event.data.get("got", [])]
    if run == 0:
        print("waiting")
    while len(got) < 12:
        found = autokitteh.next_signal(["first", "second"])
        got.append([found.name, found.payload])
        if len(got) % 3 == 0 and len(got) < 12:
            autokitteh.restart({"run": run + 1, "got": got})
    return got


def collects(event):
    """Restarts every few events; the numbers it got go along, to be returned at the end."""
    feed = autokitteh.subscribe("feed", "data.to == '%s'" % event.data.me)
    got, began = [*event.data.get("got", [])], len(event.data.get("got", []))
    while True:
        found = autokitteh.next_event(feed)
        got.append(found.i)
        if event.data.get("works"):
            outside.add(found.i, 1)
        if found.i == event.data.last:
            autokitteh.unsubscribe(feed)
            return got
        if len(got) - began >= event.data.every:
            autokitteh.restart({**event.data, "got": got})


def by_id(event):
    if "feed" not in event.data:
        feed = autokitteh.subscribe("feed", "data.to == 'id'")
        autokitteh.restart({"feed": feed})
    print("waiting")
    got = autokitteh.next_event(event.data.feed)
    return [got.i, autokitteh.subscribe("feed", "data.to == 'id'") != event.data.feed]


def forgets(event):
    if not event.data.get("run"):
        autokitteh.subscribe("feed")
    if event.data.get("run", 0) < 2:
        autokitteh.restart({"run": event.data.get("run", 0) + 1})


def waits_then_restarts(event):
    print("waiting", event.data.get("run", 0))
    autokitteh.wait_for_signal("go")
    sum(range(event.data.get("work", 0)))
    autokitteh.restart({"run": event.data.get("run", 0) + 1})


def says_go(event):
    autokitteh.signal("go", {"by": event.session_id})


def in_a_thread(event):
    said = []

    def work():
        try:
            autokitteh.restart()
        except autokitteh.AutoKittehError as error:
            said.append(str(error))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    return said


async def in_a_task(event):
    n = event.data.get("n", 0)

    async def one():
        await asyncio.sleep(0.05)
        if n < 2:
            autokitteh.restart({"n": n + 1})
        return n

    return await asyncio.gather(one(), asyncio.sleep(0.1))


def fails_in_finally(event):
    try:
        autokitteh.restart()
    finally:
        raise ValueError("cleaning up failed")


@autokitteh.activity
def restarts_in_an_activity():
    autokitteh.restart()


def in_an_activity(event):
    try:
        restarts_in_an_activity()
    except autokitteh.AutoKittehError as error:
        return str(error)


def not_durable(event):
    autokitteh.restart()


def cannot_be_sent(event):
    try:
        autokitteh.restart({"lock": threading.Lock()})
    except autokitteh.AutoKittehError as error:
        return str(error)


def waits_for_a_restarting_child(event):
    child = autokitteh.start("restarts.py:counts", {"to": 2})
    return autokitteh.next_signal(child).payload


def answers_late(event):
    if not event.data.get("again"):
        autokitteh.restart({"again": True})
    autokitteh.http_outcome(200, json={"again": True})


def grows(event):
    for n in range(event.data.steps):
        outside.add(n, 1)
    return "grown"


def races(event):
    """Computes before each restart, so that signals arrive while the run ends."""
    got = [*event.data.get("got", [])]
    while True:
        got.append(autokitteh.wait_for_signal("n")["n"])
        if got[-1] == event.data.last:
            return got
        if len(got) % 10 == 0:
            sum(range(4_000_000))
            autokitteh.restart({"got": got, "last": event.data.last})


def with_a_secret(event):
    import os

    filter = "data.key == '%s'" % os.environ["FEED_KEY"]
    try:
        autokitteh.subscribe("nosuch", filter)
    except autokitteh.AutoKittehError as error:
        print(error)
    feed = autokitteh.subscribe("feed", filter)
    if not event.data.get("run"):
        autokitteh.restart({"run": 1})
    return autokitteh.next_event(feed).i
