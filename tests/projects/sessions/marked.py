"""Everything that can be marked with @activity, and what its options do."""

import asyncio
import functools
import os
import threading
import time

import autokitteh

LOCK = threading.Lock()


@autokitteh.activity
async def fetch(n):
    await asyncio.sleep(0)
    return n, threading.current_thread().name.split("_")[0]


class Account:
    def __init__(self, balance):
        self.balance = balance

    @autokitteh.activity
    def pay(self, amount):
        self.balance -= amount
        return self.balance

    @classmethod
    @autokitteh.activity
    def opened(cls, balance):
        return cls(balance)

    @staticmethod
    @autokitteh.activity
    def of_pid():
        return os.getpid() > 0

    @autokitteh.activity
    async def later(self, amount):
        self.balance += amount
        return self.balance


@autokitteh.activity
class Report:
    def __init__(self, title):
        self.title = title
        self.made_by = threading.current_thread().name.split("_")[0]


def shouting(fn):
    @functools.wraps(fn)
    def inner(*args, **kwargs):
        return fn(*args, **kwargs).upper()

    return inner


@shouting
@autokitteh.activity
def wrapped_inside(text):
    return text + "!"


@autokitteh.activity
@shouting
def wrapped_outside(text):
    return text + "?"


@autokitteh.activity
def outer(n):
    return inner(n) + inner(n)


@autokitteh.activity
def inner(n):
    with LOCK:
        return n + 1


def uses_all(event):
    account = Account.opened(10)
    return [
        *asyncio.run(fetch(1)),
        account.pay(3),
        asyncio.run(account.later(5)),
        account.balance,
        Account.of_pid(),
        Report("t").made_by,
        wrapped_inside("a"),
        wrapped_outside("b"),
        outer(1),
    ]


def parallel_coroutines(event):
    async def main():
        return await asyncio.gather(*(fetch(n) for n in range(5)))

    return [n for n, _ in asyncio.run(main())]


@autokitteh.activity
def handler_as_activity(event):
    with LOCK:
        return event.data.n + 1


@autokitteh.activity(retries=3, backoff=0.01, idempotency_key="key")
def charge(path, amount, key=None):
    with open(path, "a") as file:
        file.write(f"{key} {amount}\n")
    with open(path) as file:
        if len(file.readlines()) % 3:
            raise ConnectionError("try again")
    return key


def charges(event):
    return [charge(event.data.path, 1), charge(event.data.path, 2), charge(event.data.path, 3, key="mine")]


@autokitteh.activity(timeout=0.5)
def too_slow():
    while True:
        time.sleep(0.05)


def times_out(event):
    try:
        too_slow()
    except TimeoutError as error:
        return type(error).__name__


@autokitteh.activity
def writes_for_ever(path):
    while True:
        with open(path, "a") as file:
            file.write(".")
        time.sleep(0.05)


def long_activity(event):
    try:
        writes_for_ever(event.data.path)
    finally:
        print("stopped")


class Refused(Exception):
    def __init__(self, code, why):
        super().__init__(f"{code}: {why}")
        self.code = code


@autokitteh.activity
def refuses(callback, code):
    raise Refused(code, "no")


def live_errors(event):
    caught = []
    for code in (17, 18):
        try:
            refuses(lambda: 1, code)
        except Refused as error:
            caught.append([error.code, str(error)])
    return caught
