"""A project that has tests of its own."""

import asyncio
import datetime
import os
import time
from datetime import datetime as moment
from time import sleep

import autokitteh
from autokitteh import get_value, http_outcome, next_event, next_signal, set_value, signal, start, subscribe


def send_mail(to, text):
    raise AssertionError("a test must not send mail")


@autokitteh.activity
def charge(amount):
    return {"charged": amount}


def on_order(event):
    charge(event.data.amount)
    sub = subscribe("approvals", "data.order == 7")
    send_mail(os.environ["BOSS"], f"order {event.data.id}")
    got = next_event(sub, timeout=datetime.timedelta(days=2))
    if not got:
        return "nobody answered"
    set_value("orders", get_value("orders", 0) + 1)
    start("main.py:ship", {"id": event.data.id})
    http_outcome(status_code=201, json={"by": got.by})
    return "approved" if got.ok else "refused"


def sleeps(event):
    began = time.time(), datetime.datetime.now(datetime.UTC), moment.now(), datetime.date.today()
    time.sleep(86400)
    sleep(60)
    asyncio.run(asyncio.sleep(30))
    assert isinstance(moment.now(), datetime.datetime)
    assert datetime.datetime(2030, 1, 1) == moment.fromisoformat("2030-01-01")
    took = time.time() - began[0], (datetime.datetime.now(datetime.UTC) - began[1]).total_seconds()
    return [*took, (moment.now() - began[2]).total_seconds(), (datetime.date.today() - began[3]).days]


def talks():
    signal("hello", 1)
    signal("ses_other", "bye", 2)
    return [next_signal("hello"), next_signal(["go", "stop"], timeout=5), next_signal("never", timeout=1)]


def waits(event):
    return next_event(subscribe("approvals"))


def events_of(event):
    sub = subscribe("hook", "event_type == 'post'")
    return [(e.n, e.event_type) if (e := next_event(sub, timeout=10)) else None for _ in range(3)]


@autokitteh.activity
def wrong():
    return subscribe("approvals")


def calls_wrong(event):
    return wrong()


async def is_async(event):
    await asyncio.sleep(3600)
    return event.session_id[:4], event.event_type


def bad_filter(event):
    subscribe("approvals", "data.x =")
