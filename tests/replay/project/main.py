"""Handlers for session tests: one behaviour each."""

import datetime
import os
import random
import secrets
import threading
import time
import uuid
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


def child(event):
    return event.data.n + 1


def talks(event):
    autokitteh.set_value("n", 1)
    total = autokitteh.add_values("n", 2)
    found = autokitteh.get_value("n")
    session = autokitteh.start("main.py:child", {"n": total})
    ended = autokitteh.next_signal(session)
    autokitteh.del_value("n")
    return [total, found, ended.payload["value"], autokitteh.wait_for_signal("never", timeout=0.1)]


async def in_a_task(n):
    import asyncio

    await asyncio.sleep(0.1 * (3 - n))
    return outside.add(n, 1)


async def awaits(event):
    import asyncio

    return await asyncio.gather(*(in_a_task(n) for n in range(3)))


def threaded(event):
    return autokitteh.parallel(lambda n: outside.add(n, n), range(4), limit=2)


def restarts(event):
    n = event.data.get("n", 0)
    print("run", n, autokitteh.next_signal(["a", "b"]))
    outside.add(n, 1)
    if n < 2:
        autokitteh.restart({"n": n + 1})
    return n


def live_error(event):
    """A live call fails: as Temporal's own error once, as what it raised today."""
    try:
        outside.apply(lambda x: 1 / x, 0)
    except ZeroDivisionError:
        return outside.add(1, 2)
    except Exception:
        return outside.double(2)


def live_error_raised(event):
    return live_error(event)


def unheard(event):
    """A signal to nobody: told in Temporal's words once, in ours today."""
    try:
        autokitteh.signal("ses_nobody", "hello")
    except autokitteh.AutoKittehError as error:
        return outside.add(1, 2) if "Unable to signal" in str(error) else outside.double(2)


def unheard_told(event):
    return unheard(event)


def hears(event):
    return [autokitteh.wait_for_signal("turn")["n"], outside.add(1, 1)]


def leaves(event):
    """Its second step ends what its first began."""
    autokitteh.unsubscribe(autokitteh.subscribe("feed", ""))
    return outside.add(1, 1)


def has_child(event):
    """A call ends while it waits for its child; the child ends once."""
    from concurrent.futures import ThreadPoolExecutor

    child = autokitteh.start("main.py:is_child", {})
    with ThreadPoolExecutor(1) as pool:
        pool.submit(outside.add, 1, 1)
        first = autokitteh.next_signal(child).payload["value"]
    second = autokitteh.next_signal(child, timeout=2)
    return [first, outside.add(1, 2) if second is None else outside.double(2)]


def is_child(event):
    time.sleep(1)
    return "grown"


def given_up(event):
    """A call that takes too long: an error of ours once, cancelled as in asyncio today."""
    import asyncio

    async def wait():
        try:
            return await asyncio.wait_for(asyncio.to_thread(outside.slow, 1.5), 0.2)
        except asyncio.TimeoutError:
            return outside.add(1, 2)
        except Exception:
            return outside.double(2)

    return asyncio.run(wait())


def given_up_cancelled(event):
    return given_up(event)


def live_beside(event):
    """A call with a live object is asked for before two sleeps, one a library's coroutine, and recorded behind them."""
    import asyncio

    async def calls():
        return outside.apply(lambda x: x + 1, 1)

    async def rests():
        await asyncio.sleep(0.01)

    async def both():
        return await asyncio.gather(calls(), rests(), asyncio.sleep(0.02))

    return asyncio.run(both())[0]
