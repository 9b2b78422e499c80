"""One handler for each behaviour that programs count on."""

import asyncio
import collections
import datetime
import json
import os
import time
import uuid
from random import randint
from threading import Lock
from urllib.request import Request

import autokitteh
import helper
import outside
import package.inner.deep
from autokitteh import connections
from package import greeting
from plain_dir.tool import use
from slack_sdk.errors import SlackApiError

print("at module level")
Pair = collections.namedtuple("Pair", "a b")
AT_IMPORT = open("/dev/null").read()
made = Pair(1, 2)


class Adder:
    def __init__(self, n):
        self.n = n

    def __call__(self, m):
        return self.n + m


@autokitteh.activity
def marked(value):
    print("in the activity")
    return value


@autokitteh.activity
def divides(a, b):
    return a / b


class Api:
    def method(self):
        return outside.double(1)


@autokitteh.inhibit_activities
def inhibited():
    return [outside.double(1), nested()]


def nested():
    return outside.double(2)


def imports(event):
    return [helper.name(), package.inner.deep.depth(), greeting("Ada"), use(2), helper.calls_marked(marked)]


def calls_an_object(event):
    return Adder(3)(4)


def sends_values(event):
    identifier, big = uuid.UUID(int=7), 2**200
    same = [marked(big) == big, marked(identifier) == identifier, type(marked(identifier)) is uuid.UUID]
    return [*same, marked(Pair(1, 2)) == made, type(marked(made)) is Pair]


def catches(event):
    try:
        divides(1, 0)
    except ZeroDivisionError as error:
        return str(error)


def does_not_catch(event):
    divides(1, 0)


def catches_slack(event):
    try:
        outside.raise_it(SlackApiError("it failed", {"ok": False, "error": "no_channel"}))
    except SlackApiError as error:
        return [error.response["error"], str(error).splitlines()[0]]


def registers(event):
    autokitteh.register_no_activity([randint, Request.get_method, Api, outside.double])
    return [Request("http://x.invalid").get_method(), Api().method(), randint(3, 3), outside.triple(1)]


def inhibits(event):
    return [inhibited(), outside.double(3)]


def uses_sdk(event):
    connections.check_connection_name("slack_conn")
    return made.a + Pair(3, 4).b


def sleeps(event):
    time.sleep(0.05)
    asyncio.run(asyncio.sleep(0.05))


def formats(event):
    return len(datetime.datetime(2026, 1, 2, 3, 4, 5, 678901).isoformat())


def opens(event):
    return [open("/dev/null").read(), AT_IMPORT, os.path.basename(__file__)]


def prints(event):
    print("before")
    marked(1)
    print("after")


def locks(event):
    lock = Lock()
    with lock:
        return [outside.use_lock(Lock()), lock.locked()]


def dumps(event):
    return json.loads(json.dumps({"a": [1, 2.5, None]}))
