"""Handlers for session tests: one behaviour each."""

import datetime
import os
import random
import secrets
import threading
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import autokitteh
import outside

STARTED = datetime.datetime.now()
TOKEN = uuid.uuid4().hex
NUMBERS = []


def simple(event):
    print("hello", event.data.get("name", "nobody"))
    return {"said": "hello"}


def zero():
    print("no arguments")


def with_session_id(event, session_id):
    print(session_id == event.session_id)


def steps(event):
    total = 0
    for i in range(event.data.n):
        total = outside.add(total, i)
        print("step", i, total)
    return total


def naps(event):
    for i in range(event.data.n):
        print("nap", i)
        time.sleep(event.data.get("seconds", 0.05))
    return "rested"


def clocks(event):
    before = time.time()
    first = datetime.datetime.now()
    time.sleep(0.2)
    second = datetime.datetime.now()
    values = [
        time.time() - before >= 0.2,
        (second - first).total_seconds() >= 0.2,
        random.random() != random.random(),
        uuid.uuid4() != uuid.uuid4(),
        secrets.token_hex(4) != secrets.token_hex(4),
        len(os.urandom(9)) == 9,
        STARTED <= first,
    ]
    outside.add(1, 1)
    print(TOKEN, STARTED.isoformat(), random.randint(0, 10**9), uuid.uuid4(), secrets.token_hex(8), time.time())
    return values


@dataclass
class Stamp:
    id: uuid.UUID = field(default_factory=uuid.uuid4)
    at: datetime.datetime = field(default_factory=datetime.datetime.now)


class Defaults:
    made = uuid.uuid4().hex

    def method(self, stamp=time.time(), ident=uuid.uuid4()):
        return (stamp, str(ident))


def uncalled(event):
    ids = list(map(lambda _: uuid.uuid4().hex, range(2))) + [Stamp().id.hex, Defaults.made, *map(str, Defaults().method())]
    print(*ids, *map(outside.double, [1, 2, 3]))
    time.sleep(0.05)
    print(*ids)


def fresh_state(event):
    NUMBERS.append(len(NUMBERS))
    time.sleep(0.05)
    return NUMBERS


def swallow(event):
    while True:
        try:
            time.sleep(0.3)
            print("tick")
        except:
            pass


def cleanup(event):
    try:
        print("waiting")
        time.sleep(60)
    finally:
        print("cleaning")
        print(outside.add(40, 2))
        time.sleep(0.1)
        print("clean")


def nap_in_a_pool(event):
    with ThreadPoolExecutor(1) as pool:
        pool.submit(time.sleep, 86400)
        pool.submit(print, "never")
        try:
            print("waiting")
            time.sleep(86400)
        finally:
            print("clean")


def open_file(event):
    with open("notes.txt") as notes:
        for line in notes:
            print(line.strip())
            time.sleep(event.data.get("seconds", 0.1))


def loops_forever(event):
    print("looping")
    while True:
        pass


def loops_and_swallows(event):
    while True:
        try:
            x = 1
        except BaseException:
            pass


def raises(event):
    data = {"a": 1}
    outside.add(1, 1)
    return data["id"]


def exits(event):
    import sys

    sys.exit(event.data.code)


def catches(event):
    try:
        outside.fail_custom("x", code=42)
    except outside.CustomError as error:
        print(type(error).__name__, error.code, error.response, error)
    try:
        outside.fail_locked()
    except outside.LockedError as error:
        print(type(error).__name__, error.args, error.detail)
    try:
        outside.divide(1, 0)
    except ZeroDivisionError as error:
        print(error)
    try:
        outside.fail_file()
    except FileNotFoundError as error:
        print(error.errno, error.filename)


def uncaught(event):
    helper_that_fails()


def helper_that_fails():
    outside.fail_custom("y", code=7)


def changes(event):
    items, table, group = [3, 1, 2], {"a": [1]}, {1}
    inner = table["a"]
    outside.change(items, table, group)
    print(items, table, sorted(group), inner is table["a"])
    box = outside.Box([1])
    alias = box.items
    box.put(2)
    print(box.items, alias is box.items)


def lock_argument(event):
    lock = threading.Lock()
    print(outside.use_lock(lock))
    print(outside.apply(lambda x: x + 1, 41))
    print(outside.total(i * i for i in range(4)))
    print(outside.add(1, 2))


def lock_result(event):
    return outside.make_lock()


def reads_file(event):
    import pathlib

    print(pathlib.Path("notes.txt").read_text().splitlines()[0])


def env(event):
    print(os.getenv("GREETING"), os.environ.get("NOPE", "none"))


def waits(event):
    time.sleep(event.data.seconds)
    print("done waiting")
    return "waited"


def logs(event):
    for i in range(event.data.n):
        print("line", i)
        if i % 3 == 2:
            outside.say(f"inside {i}")


COUNTER = 0
SEEN = []


@autokitteh.activity
def count(name):
    global COUNTER
    COUNTER += 1
    SEEN.append(name)
    return len(SEEN)


def travels(event):
    global COUNTER
    seen = SEEN
    print(count("a"), COUNTER, seen)
    COUNTER += 10
    SEEN.append("mine")
    print(count("b"), COUNTER, seen is SEEN, seen)


@autokitteh.inhibit_activities
def quiet(value):
    return outside.add(value, 1)


def marks(event):
    print(quiet(1))
    autokitteh.register_no_activity([outside.double])
    print(outside.double(4), outside.add(1, 1))


def sums(event):
    total = 0
    for i in range(event.data.n):
        total = outside.add(total, i)
    return total


def surroundings(event):
    import sys

    own = str(event.data.number)
    os.environ["OWN"] = own
    os.chdir("/tmp")
    sys.path.append(own)
    seen = []
    for _ in range(4):
        time.sleep(0.1)
        seen.append((os.environ["OWN"] == own, os.getcwd() == "/tmp", sys.path[-1] == own))
    return all(all(item) for item in seen)


def untouched(event):
    import sys

    return [os.getenv("OWN"), os.getcwd() == "/tmp", sys.path[-1].isdigit()]


def speaks(event):
    import logging

    logging.getLogger("mine").warning("careful %s", 1)
    logging.getLogger("mine").debug("not shown")
    time.sleep(0.05)
    logging.getLogger("mine").error("done")


async def asynchronous(event):
    return 1


def own_rule(event):
    return outside.triple(2)


def naps_in_a_library(event):
    began = time.time()
    return [outside.naps(0.2), time.time() - began >= 0.2]
